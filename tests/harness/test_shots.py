from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prompts import conversation
from harness.suite import Suite, load_suite

YAML = """\
name: s
version: "1"
language: en
description: d
shots_from: {}
tasks:
  qa: {{metrics: [bleu], shots: 2{}}}
"""


def rows(name: str, n: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"{name}{i}", "task": "qa", "input": f"{name}{i}?", "references": [f"{name}{i}!"]}
        | fields
        for i in range(n)
    ]


@pytest.fixture
def shot_suite(suite_folder: Callable[..., Path]) -> Callable[..., Suite]:
    def make(
        extra: str = "",
        *,
        gold: Sequence[dict[str, Any]] | None = None,
        pool: Sequence[dict[str, Any]] | None = None,
        source: str = "shots.jsonl",
    ) -> Suite:
        folder = suite_folder(YAML.format(source, extra), gold or rows("g", 6))
        if source == "shots.jsonl":
            lines = [json.dumps(row) + "\n" for row in pool or rows("s", 20)]
            (folder / source).write_text("".join(lines), encoding="utf-8")
        return load_suite(folder)

    return make


def names(suite: Suite) -> list[tuple[str, ...]]:
    """Return the examples of every gold item."""
    return [tuple(shot.id for shot in suite.shots(record)) for record in suite.gold]


def test_without_a_seed_the_first_are_taken(shot_suite: Callable[..., Suite]) -> None:
    assert set(names(shot_suite())) == {("s0", "s1")}


def test_a_seed_draws_the_same_examples_for_a_whole_task(shot_suite: Callable[..., Suite]) -> None:
    # Python's random.Random("3").sample keeps its draws from version to version.
    assert set(names(shot_suite(", shots_seed: 3"))) == set(names(shot_suite(", shots_seed: 3")))
    assert len(set(names(shot_suite(", shots_seed: 3")))) == 1
    assert names(shot_suite(", shots_seed: 3")) != names(shot_suite(", shots_seed: 4"))


def test_a_draw_for_each_item_depends_on_seed_and_item_alone(
    shot_suite: Callable[..., Suite],
) -> None:
    drawn = names(shot_suite(", shots_seed: 3, shots_per: item"))
    turned = names(shot_suite(", shots_seed: 3, shots_per: item", gold=rows("g", 6)[::-1]))

    assert drawn == turned[::-1]
    assert len(set(drawn)) > 1
    assert all(first != second for first, second in drawn)


@pytest.mark.parametrize("extra", ["", ", shots_seed: 1", ", shots_seed: 1, shots_per: item"])
def test_no_item_is_its_own_example_nor_that_of_its_cluster(
    shot_suite: Callable[..., Suite], extra: str
) -> None:
    gold = [row | {"cluster": f"note-{number // 2}"} for number, row in enumerate(rows("g", 8))]

    suite = shot_suite(extra, gold=gold, source="gold.jsonl")

    for record in suite.gold:
        assert record.cluster not in {shot.cluster for shot in suite.shots(record)}


def test_too_few_outside_of_the_cluster_are_refused(shot_suite: Callable[..., Suite]) -> None:
    gold = rows("g", 3, cluster="one")

    with pytest.raises(ConfigError, match=r"gold\.jsonl: task 'qa' wants 2 shots, but for 'g0'"):
        shot_suite(gold=gold, source="gold.jsonl")


def test_examples_that_nobody_gets_do_not_change_the_identity(
    shot_suite: Callable[..., Suite],
) -> None:
    some = shot_suite(pool=rows("s", 4)).identity()

    assert shot_suite(pool=rows("s", 5)).identity() == some
    assert shot_suite(pool=rows("s", 5)[1:]).identity() != some


def test_seed_and_way_of_drawing_are_part_of_the_identity(
    shot_suite: Callable[..., Suite],
) -> None:
    ways = ["", ", shots_seed: 1", ", shots_seed: 2", ", shots_seed: 1, shots_per: item",
            ", shots_as: text"]  # fmt: skip

    digests = [str(shot_suite(way).identity()) for way in ways]

    assert len(set(digests)) == len(ways)


def test_examples_are_turns_of_the_conversation(shot_suite: Callable[..., Suite]) -> None:
    suite = shot_suite()

    said = [(turn.role, turn.content) for turn in conversation(suite, suite.gold[0])]

    assert said == [
        ("user", "s0?"), ("assistant", "s0!"), ("user", "s1?"), ("assistant", "s1!"),
        ("user", "g0?"),
    ]  # fmt: skip


def test_examples_can_stand_in_one_text(shot_suite: Callable[..., Suite]) -> None:
    suite = shot_suite(', shots_as: text, delimiter: " -> "')

    (turn,) = conversation(suite, suite.gold[0])

    assert turn.content == "s0? -> s0!\n\ns1? -> s1!\n\ng0?"


def test_lettered_examples_end_with_the_right_letter(suite_folder: Callable[..., Path]) -> None:
    yaml = YAML.format("gold.jsonl", "").replace(
        "metrics: [bleu], shots: 2",
        "type: multiple_choice, score: letter, shots: 1, shots_as: text",
    )
    gold = [
        {"id": f"g{i}", "task": "qa", "input": f"Q{i}?", "choices": ["x", "y"], "answer": i}
        for i in (0, 1)
    ]
    suite = load_suite(suite_folder(yaml, gold))

    (turn,) = conversation(suite, suite.gold[0])

    assert turn.content == "Q1?\nA. x\nB. y\nAnswer: B\n\nQ0?\nA. x\nB. y\nAnswer:"


def test_conversations_as_one_text_are_refused(shot_suite: Callable[..., Suite]) -> None:
    talk = [{"role": r, "content": "x"} for r in ("user", "assistant", "user")]
    suite = shot_suite(", shots_as: text", gold=rows("g", 1, input=talk))

    with pytest.raises(ConfigError, match="set `shots_as: turns`"):
        conversation(suite, suite.gold[0])
