"""IFEval's checks: the same verdicts as lm-eval's own task on the same prompts and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import GoldError, MissingExtraError
from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.metrics.instructions import ifeval
from harness.suite import Selection, load_suite
from harness.types import Completion, GoldRecord

pytest.importorskip("lm_eval")
pytest.importorskip("langdetect")
pytest.importorskip("immutabledict")

ANSWERS = (
    "",
    "I am sorry, but no.",
    "<<Title>>\n\n* one\n* two\n\nP.S. Thank you, [name] and [address].",
    "all of this is in lower case\n\n***\n\nand a second part without any comma",
    'Sure:\n"JUST A QUOTE WITH *HIGHLIGHTS* AND *MORE*"\nBye.',
    '```json\n{"a": 1}\n```',
)


def measured(metric: Any, gold: GoldRecord, text: str) -> tuple[float, ...] | None:
    completion = Completion(gold_id=gold.id, text=text, finish="stop", prompt_tokens=1)
    [one] = metric.measure([Item(gold=gold, completion=completion)])
    return None if one is None else one.stats


@pytest.fixture(scope="module")
def rows(SHARED: Path) -> list[dict[str, Any]]:
    text = (SHARED / "data" / "ifeval" / "input_data.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def gold(SHARED: Path) -> dict[str, GoldRecord]:
    suite = load_suite(Path("ifeval"), Selection(data=SHARED / "data" / "ifeval"))
    return {record.id: record for record in suite.gold}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["strict", "loose"])
def test_every_prompt_gets_lm_evals_verdict(
    rows: list[dict[str, Any]], gold: dict[str, GoldRecord], mode: str
) -> None:
    by_prompt = build_metric(f"ifeval(mode={mode})", Setting(language="en"))
    by_instruction = build_metric(f"ifeval(mode={mode},level=instruction)", Setting(language="en"))
    measured(by_prompt, next(iter(gold.values())), "warm")  # seeds the language detector
    from lm_eval.tasks.ifeval.utils import process_results

    n_compared = 0
    for number, row in enumerate(rows):
        answer = ANSWERS[number % len(ANSWERS)]
        record = gold[str(row["key"])]
        try:
            theirs: dict[str, Any] = process_results(row, [answer])
        except LookupError:  # nltk's data is not here: ours says "not scored"
            assert measured(by_prompt, record, answer) is None
            continue
        n_compared += 1
        followed = theirs[f"inst_level_{mode}_acc"]
        assert measured(by_prompt, record, answer) == (
            float(theirs[f"prompt_level_{mode}_acc"]), 1.0,
        )  # fmt: skip
        assert measured(by_instruction, record, answer) == (sum(followed), len(followed))
    assert n_compared > 450


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("instruction", "followed", "broken"),
    [
        ({"id": "punctuation:no_comma", "kwargs": {}}, "No commas here.", "One, two."),
        ({"id": "detectable_format:title", "kwargs": {}}, "<<A title>> text", "A title"),
        ({"id": "length_constraints:number_words",
          "kwargs": {"relation": "at least", "num_words": 3}}, "one two three", "one two"),
    ],
)  # fmt: skip
def test_an_instruction_is_followed_or_not(
    instruction: dict[str, Any], followed: str, broken: str
) -> None:
    record = GoldRecord(id="g", task="t", input="Do it.", references=(json.dumps(instruction),))
    metric = build_metric("ifeval", Setting(language="en"))

    assert measured(metric, record, followed) == (1.0, 1.0)
    assert measured(metric, record, broken) == (0.0, 1.0)
    assert measured(metric, record, "") == (0.0, 1.0)


@pytest.mark.parametrize(
    ("reference", "message"),
    [("Paris", "is no instruction of IFEval"), ('{"id": "no:such", "kwargs": {}}', "knows no")],
)
@pytest.mark.filterwarnings("ignore")
def test_references_that_are_no_instructions_are_named(reference: str, message: str) -> None:
    record = GoldRecord(id="g7", task="t", input="Do it.", references=(reference,))

    with pytest.raises(GoldError, match=f"'g7'.*{message}"):
        measured(build_metric("ifeval", Setting(language="en")), record, "x")


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.metrics.instructions.find_spec", lambda name: None)

    with pytest.raises(MissingExtraError, match=r"pip install 'tunemark\[lm-eval\]'"):
        ifeval(Setting(language="en"))
