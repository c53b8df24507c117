"""Mixes: the shares asked for, the rows of a seed, and honest books."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.mix import Mixed, mix
from finetune.data.rows import load_rows
from harness.errors import ConfigError, DataError
from tests.finetune.data.support import chat, write_lines


def recipe(folder: Path, body: str, *, domain: int = 100, general: int = 50) -> Path:
    write_lines(folder / "domain.jsonl", [chat(f"domain {i}?", str(i)) for i in range(domain)])
    fields = [
        {"instruction": f"general {i}?", "input": "", "output": "long answer " * (i % 7 + 1)}
        for i in range(general)
    ]
    write_lines(folder / "general.jsonl", fields)
    (folder / "mix.yaml").write_text(f"name: m\n{body}\n", encoding="utf-8")
    return folder / "mix.yaml"


def sources(domain: str, general: str) -> str:
    return (
        f"sources:\n  domain: {{path: domain.jsonl, {domain}}}\n"
        f"  general: {{path: general.jsonl, {general}}}"
    )


REPLAY = sources("share: 0.8", "share: 0.2")


def uses(mixed: Mixed) -> Counter[str]:
    return Counter(example.questions[0] for example in mixed.rows.examples)


def test_the_shares_come_out_as_asked(tmp_path: Path) -> None:
    mixed = mix(recipe(tmp_path, f"total: 60\n{REPLAY}"))

    assert {name: (one.rows, one.share) for name, one in mixed.realised.items()} == {
        "domain": (48, 0.8),
        "general": (12, 0.2),
    }
    assert Counter(row.fields["mixed_from"] for row in mixed.rows.raw) == {
        "domain": 48,
        "general": 12,
    }


def test_no_row_is_used_twice_without_epochs(tmp_path: Path) -> None:
    mixed = mix(recipe(tmp_path, REPLAY))

    assert set(uses(mixed).values()) == {1}
    assert mixed.realised["domain"].rows == 100
    assert mixed.realised["general"].rows == 25


def test_every_row_is_used_before_one_is_used_again(tmp_path: Path) -> None:
    body = "total: 100\n" + sources("share: 0.5", "share: 0.5, epochs: 3")

    mixed = mix(recipe(tmp_path, body, general=20))

    general = [n for question, n in uses(mixed).items() if question.startswith("general")]
    assert sorted(general) == [2] * 10 + [3] * 10
    assert mixed.realised["general"].epochs == 2.5


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    first = mix(recipe(tmp_path, f"total: 60\n{REPLAY}"))
    again = mix(recipe(tmp_path, f"total: 60\n{REPLAY}"))
    other = mix(recipe(tmp_path, f"total: 60\nseed: 1\n{REPLAY}"))

    assert first.rows.raw == again.rows.raw
    assert first.rows.raw != other.rows.raw
    assert first.realised["domain"].distinct_rows == other.realised["domain"].distinct_rows


def test_a_source_more_does_not_change_what_is_drawn_of_the_others(tmp_path: Path) -> None:
    alone = mix(recipe(tmp_path, "total: 40\nsources: {domain: {path: domain.jsonl, share: 1}}"))
    beside = mix(recipe(tmp_path, f"total: 50\n{REPLAY}"))

    domain = {question for question in uses(beside) if question.startswith("domain")}
    assert domain == set(uses(alone))


def test_tokens_are_counted_with_the_tokenizer(tmp_path: Path, model_folder: Path) -> None:
    body = f"by: tokens\ntokenizer: {model_folder}\n" + sources("share: 0.3", "share: 0.7")

    mixed = mix(recipe(tmp_path, body))

    assert mixed.realised["general"].share == pytest.approx(0.7, abs=0.01)  # a row is 1 % at most
    assert mixed.realised["general"].tokens is not None
    assert mixed.realised["general"].rows < mixed.realised["domain"].rows


@given(share=st.integers(1, 99), total=st.integers(100, 400), seed=st.integers(0, 9))
def test_shares_are_within_a_row_of_what_was_asked(
    tmp_path_factory: pytest.TempPathFactory, share: int, total: int, seed: int
) -> None:
    body = f"total: {total}\nseed: {seed}\n" + sources(
        f"share: {share / 100}, epochs: null", f"share: {1 - share / 100}, epochs: null"
    )

    mixed = mix(recipe(tmp_path_factory.mktemp("mix"), body))

    assert abs(mixed.realised["domain"].rows - share / 100 * total) <= 0.5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (sources("share: 0.8", "share: 0.3"), "the shares add up to 1.1, expected 1"),
        (
            f"total: 1000\n{REPLAY}",
            r"sources\.domain: 80% of 1000 rows is more than its 100 rows.*lower `total` to 125",
        ),
        (f"by: tokens\n{REPLAY}", "`by: tokens` and a `tokenizer` go together"),
        (f"tokenizer: a\n{REPLAY}", "`by: tokens` and a `tokenizer` go together"),
        (
            sources("share: 0.5, epochs: null", "share: 0.5, epochs: null"),
            "say `total`, or `epochs`",
        ),
        (f"total: 2\n{sources('share: 0.9', 'share: 0.1')}", "less than one row"),
        (f"{REPLAY}\nshuffle: true", "unknown key 'shuffle'"),
        ("sources: {m: {path: mix.yaml, share: 1}}", "is a mix itself"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mix(recipe(tmp_path, body))


def test_conversations_and_pairs_are_not_mixed(tmp_path: Path) -> None:
    file = recipe(tmp_path, REPLAY)
    write_lines(tmp_path / "general.jsonl", [{"prompt": "a", "chosen": "b", "rejected": "c"}])

    with pytest.raises(DataError, match=r"preference pairs, but .* holds conversations"):
        mix(file)


def test_a_training_may_name_a_mix(tmp_path: Path) -> None:
    rows = load_rows([recipe(tmp_path, f"total: 60\n{REPLAY}")])

    assert len(rows) == 60


def test_the_books_are_those_of_the_rows(tmp_path: Path) -> None:
    stored: dict[str, Any] = mix(recipe(tmp_path, f"total: 60\n{REPLAY}")).as_json()

    assert stored["n_rows"] == 60
    assert stored["sources"]["general"]["available_rows"] == 50
    assert stored["recipe"]["sources"]["general"]["share"] == 0.2
