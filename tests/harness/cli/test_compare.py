"""`tunemark compare`: run folders, repeats, and plain files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.store import RunFolder, run_folder
from harness.suite import load_suite
from harness.types import Completion
from tests.harness.cli.support import Done

YAML = """\
name: toy
version: "1"
language: en
description: d
tasks: {qa: {metrics: [exact_match, token_f1, length]}}
"""
N = 24


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Path:
    rows = [
        {"id": f"q{i}", "task": "qa", "input": f"{i}?", "references": ["yes it is"],
         "slices": {"topic": "dose" if i < 20 else "use"}}
        for i in range(N)
    ]  # fmt: skip
    return suite_folder(YAML, rows)


@pytest.fixture
def stored(suite: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of runs: a name, how many items are right, and what else is its identity."""

    def make(name: str, n_right: int, *, n: int = N, **identity: object) -> Path:
        loaded = load_suite(suite)
        whole = {**loaded.identity(), "template": "t", "adapter": name, "seed": 0, **identity}
        folder: RunFolder = run_folder(tmp_path / "runs", "toy", name, whole)
        folder.create(whole, {"configuration": name})
        with folder.append_completions() as writer:
            for i, record in enumerate(loaded.gold[:n]):
                text = "yes it is" if i < n_right else "no"
                said = Completion(gold_id=record.id, text=text, finish="stop", prompt_tokens=1)
                writer.write(said.model_dump(mode="json"))
        return folder.path

    return make


def rows(name: str, values: Sequence[Mapping[str, object]]) -> Path:
    file = Path(name)
    file.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return file.resolve()


def test_everything_but_gauges_is_one_family_and_the_table_says_so(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = stored("base", 6), stored("tuned", 20), stored("big", 4)

    table = tunemark("compare", *runs, "--suite", suite)
    found = json.loads(tunemark("compare", *runs, "--suite", suite, "--json").out)

    assert table.code == 0
    assert "p adjusted over the 4 comparisons here (--primary chooses the metrics" in table.out
    assert "by max-T" in table.out
    assert "exact McNemar, score interval: exact_match" in table.out
    assert "paired bootstrap: token_f1, length" in table.out
    assert "14/10/0" in table.out
    assert "★ decides; not adjusted, to explore: length" in table.out
    by = {(c["metric"], c["configuration"]): c for c in found["comparisons"]}
    assert by["exact_match", "tuned"]["verdict"] == "improved"
    assert (by["exact_match", "tuned"]["n_tied"], by["exact_match", "tuned"]["correction"]) == (10, "max-T")  # fmt: skip
    assert by["length", "tuned"]["correction"] == "none"
    assert by["token_f1", "tuned"]["p_randomisation"] < 0.05


def test_no_line_is_wider_than_108_columns(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = stored("base", 6), stored("lora-r16-replay-long-name", 7), stored("tuned", 20, n=22)

    done = tunemark("compare", *runs, "--suite", suite, "--slices", "--simultaneous")

    lines = [line for line in done.out.splitlines() if not line.startswith("/")]
    assert max(len(line.rstrip()) for line in lines) <= 108


def test_the_family_can_be_chosen(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = stored("base", 6), stored("tuned", 20), stored("big", 4)

    done = tunemark("compare", *runs, "--suite", suite, "--primary", "exact_match", "--json")

    found = json.loads(done.out)["comparisons"]
    assert {(c["metric"], c["correction"], c["n_family"]) for c in found} == {
        ("exact_match", "max-T", 2),
        ("token_f1", "none", 1),
        ("length", "none", 1),
    }


def test_slices_are_exploratory_and_small_ones_not_judged(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = stored("base", 6), stored("tuned", 20)

    table = tunemark("compare", *runs, "--suite", suite, "--by", "topic").out
    found = json.loads(tunemark("compare", *runs, "--suite", suite, "--slices", "--json").out)

    assert "By topic (exploratory)" in table
    assert "– too few items" in table
    assert "by Benjamini-Hochberg" in table
    assert {(s["slice"], s["is_judged"], s["n"]) for s in found["slices"]} == {
        ("dose", True, 20),
        ("use", False, 4),
    }


def test_unscored_items_are_bounded_in_the_output(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    out = tunemark("compare", stored("base", 6), stored("tuned", 12, n=20), "--suite", suite).out

    assert "20 of 24" in out
    assert "unscored: base 0, tuned 4 of 24; all worst or all best for tuned" in " ".join(out.split())  # fmt: skip


def test_runs_that_differ_in_the_seed_are_taken_together_with_their_noise(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = [stored("base", n, seed=seed) for seed, n in enumerate((5, 6, 7))]

    done = tunemark("compare", *runs, stored("tuned", 20), "--suite", suite)

    assert done.code == 0
    assert "base: 3 runs that differ only in the seed, taken together" in done.err
    assert "exact_match base: noise floor: standard deviation 0.042 between 3 repeats" in done.out
    assert done.out.count("  tuned") == 3


def test_repeats_alone_are_compared_with_one_another(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = [stored("base", n, seed=seed) for seed, n in enumerate((5, 6))]

    found = json.loads(tunemark("compare", *runs, "--suite", suite, "--json").out)

    first = found["comparisons"][0]
    assert (first["baseline"], first["configuration"], first["n_gained"]) == ("base seed 0", "base seed 1", 1)  # fmt: skip
    assert "exact_match base: noise floor: standard deviation 0.029 between 2 repeats (0.2083 to 0.25)" in found["notes"]  # fmt: skip


def test_repeats_that_differ_in_more_than_the_seed_are_refused(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    runs = stored("base", 5), stored("base", 6, seed=1, temperature=1.0)

    done = tunemark("compare", *runs, stored("tuned", 9), "--suite", suite)

    assert done.code == 2
    assert "seeds 0 and 1 also differ in temperature (None and 1.0)" in done.err


def test_runs_of_one_name_are_told_apart(
    tunemark: Callable[..., Done], stored: Callable[..., Path], suite: Path
) -> None:
    first, second = stored("tuned", 9, adapter="a"), stored("tuned", 12, adapter="b")

    out = tunemark("compare", stored("base", 5), first, second, "--suite", suite).out

    assert f"tuned {first.name[-12:-8]}" in out
    assert f"tuned {second.name[-12:-8]}" in out


def test_files_are_compared_without_a_suite(tunemark: Callable[..., Done]) -> None:
    gold = [{"id": i, "prediction": "a b c", "references": ["a b"]} for i in range(12)]
    base = rows("base.jsonl", gold)
    good = rows("good.jsonl", [{"id": i, "prediction": "a b"} for i in range(12)])
    same = rows("same.jsonl", [{"id": i, "prediction": "a b c"} for i in range(10)])

    table = tunemark("compare", base, good, same, "--metrics", "token_f1", "--language", "en")
    found = json.loads(
        tunemark("compare", base, good, same, "--metrics", "token_f1", "--json").out
    )["comparisons"]

    assert table.code == 0
    assert "same: 10 of 12 items (2 missing)" in table.err
    assert "10 of 12" in table.out
    assert [(c["configuration"], c["verdict"], c["coverage"]) for c in found] == [
        ("good", "improved", 1.0),
        ("same", "cannot tell", 10 / 12),
    ]


def test_ready_scores_are_compared(tunemark: Callable[..., Done]) -> None:
    base = rows("base.jsonl", [{"id": i, "score": 0} for i in range(12)])
    other = rows("tuned.jsonl", [{"id": i, "score": int(i < 9)} for i in range(12)])

    (found,) = json.loads(tunemark("compare", base, other, "--json").out)["comparisons"]

    assert (found["method"], found["p_value"]) == ("exact McNemar, score interval", 2 * 0.5**9)


def test_brackets_in_a_files_name_are_shown_as_they_are(tunemark: Callable[..., Done]) -> None:
    base = rows("base.jsonl", [{"id": i, "score": 0} for i in range(12)])
    other = rows("[red]tuned.jsonl", [{"id": i, "score": 1} for i in range(12)])

    assert "[red]tuned" in tunemark("compare", base, other).out


WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "a gauge decides": (("--suite", "suite", "--primary", "length"), "'length' is a gauge"),
    "an unknown primary": (("--suite", "suite", "--primary", "token_f2"), "did you mean 'token_f1'"),
    "no suite": ((), "run folders are compared on their suite: give --suite"),
    "metrics of runs": (("--suite", "suite", "--metrics", "bleu"), "--metrics is for files"),
    "a better side of runs": (("--suite", "suite", "--better", "lower"), "--better is for files"),
    "an unknown slice": (("--suite", "suite", "--by", "topik"), "did you mean 'topic'"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_message(
    tunemark: Callable[..., Done],
    stored: Callable[..., Path],
    suite: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    given = [suite if option == "suite" else option for option in options]

    done = tunemark("compare", stored("base", 5), stored("tuned", 9), *given)

    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "x"), "--data is for run folders"),
        (("--disagreements",), "--disagreements is for run folders"),
        (("--metrics", ","), "--metrics"),
    ],
)
def test_wrong_use_with_files_is_one_message(
    tunemark: Callable[..., Done], options: tuple[str, ...], message: str
) -> None:
    base = rows("base.jsonl", [{"id": 1, "prediction": "a", "reference": "a"}])

    done = tunemark("compare", base, base, *options)

    assert done.code == 2
    assert message in done.err


def test_an_id_that_stands_twice_is_told_with_its_line(tunemark: Callable[..., Done]) -> None:
    base = rows("base.jsonl", [{"id": 1, "score": 1}, {"id": 1, "score": 0}])

    done = tunemark("compare", base, base)

    assert done.code == 2
    assert "base.jsonl:2: id '1' appears twice" in done.err


@pytest.mark.parametrize("repeats", [1, 3])
def test_repeats_are_runs_with_seeds_of_their_own(
    tunemark: Callable[..., Done],
    suite_folder: Callable[..., Path],
    model_folder: Path,
    tmp_path: Path,
    echo: Any,
    repeats: int,
) -> None:
    options = ("--engine", "echo", "--temperature", 0.7, "--seed", 4, "--repeats", repeats)
    done = tunemark(
        "run", suite_folder(), "--model", model_folder, "--root", tmp_path / "runs", *options, "--json"
    )  # fmt: skip

    found = json.loads(done.out)
    assert {row["seed"] for row in found} == set(range(4, 4 + repeats))
    folders = dict.fromkeys(row["folder"] for row in found)
    seeds = [RunFolder(path=Path(folder)).manifest["identity"]["seed"] for folder in folders]
    assert seeds == list(range(4, 4 + repeats))


def test_repeats_at_temperature_zero_are_refused(
    tunemark: Callable[..., Done], suite_folder: Callable[..., Path], model_folder: Path
) -> None:
    done = tunemark("run", suite_folder(), "--model", model_folder, "--repeats", "2")

    assert done.code == 2
    assert "at temperature 0 they do not: set --temperature" in done.err
