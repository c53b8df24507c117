"""Values on public data sets equal those of the reference implementations to the last digit shown."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from tests.harness.metrics import support

Pairs = list[tuple[str, tuple[str, ...]]]
SHIFTS = (0, 1)
"""An answer and its neighbour's: full and partial overlap."""


@pytest.fixture(scope="module")
def data(SHARED: Path) -> Path:
    return SHARED / "data"


def value(name: str, language: str, pairs: Pairs) -> float:
    return support.value(build_metric(name, Setting(language=language)), pairs)


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def rows(file: Path, n: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(file)[:n]]


# Recomputed by the data's curators with sacrebleu 2.6.0 on all 557 segments, four places shown.
WMT23 = {
    "AIRC": (26.4817, 52.1922),
    "GPT4-5shot": (43.5866, 69.1148),
    "Lan-BridgeMT": (39.4215, 66.1183),
    "NLLB_Greedy": (31.0820, 56.2230),
    "NLLB_MBR_BLEU": (29.5711, 55.3866),
    "ONLINE-A": (43.6896, 69.7273),
    "ONLINE-B": (42.7189, 69.1090),
    "ONLINE-G": (43.2043, 68.9557),
    "ONLINE-M": (40.5116, 66.9090),
    "ONLINE-W": (47.8153, 71.8186),
    "ONLINE-Y": (43.5737, 69.1497),
    "ZengHuiMT": (40.4860, 69.4043),
}


@pytest.mark.parametrize(("system", "expected"), WMT23.items())
def test_wmt23_bleu_and_chrf_meet_the_recorded_values(
    data: Path, system: str, expected: tuple[float, float]
) -> None:
    folder = data / "wmt23-ende"
    answers, references = lines(folder / "systems" / f"{system}.txt"), lines(folder / "ref.de.txt")
    pairs = [(answer, (ref,)) for answer, ref in zip(answers, references, strict=True)]

    assert len(pairs) == 557
    assert f"{value('bleu', 'en', pairs):.4f}" == f"{expected[0]:.4f}"
    assert f"{value('chrf', 'en', pairs):.4f}" == f"{expected[1]:.4f}"


def test_e2e_multi_reference_bleu_meets_the_recorded_value(data: Path) -> None:
    folder = data / "metric-cases"
    text = (folder / "e2e_devel-conc.txt").read_text(encoding="utf-8").strip()
    references = [tuple(block.split("\n")) for block in text.split("\n\n")]
    answers = lines(folder / "e2e_baseline-output.txt")
    pairs = list(zip(answers, references, strict=True))

    # sacrebleu 2.x with all references: 67.83.
    assert f"{value('bleu', 'en', pairs):.2f}" == "67.83"


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("kind", ["rouge1", "rouge2", "rougeL", "rougeLsum"])
def test_rouge_on_clinical_notes_equals_rouge_score(data: Path, kind: str, shift: int) -> None:
    notes = [row["output"] for row in rows(data / "mts-dialog" / "gold.jsonl", 100)]
    answers = notes[shift:] + notes[:shift]
    library = RougeScorer([kind], use_stemmer=True)
    items = [
        library.score(ref, said)[kind].fmeasure for said, ref in zip(answers, notes, strict=True)
    ]
    name = {
        "rouge1": "rouge_1",
        "rouge2": "rouge_2",
        "rougeL": "rouge_l",
        "rougeLsum": "rouge_lsum",
    }[kind]

    found = value(name, "en", [(said, (ref,)) for said, ref in zip(answers, notes, strict=True)])

    assert f"{found:.12f}" == f"{np.mean(items):.12f}"


def official_tokens(text: str) -> list[str]:
    """normalize_answer(…).split() of the SQuAD v1.1 evaluation script."""
    text = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def official_f1(answer: str, reference: str) -> float:
    prediction, truth = official_tokens(answer), official_tokens(reference)
    same = sum((Counter(prediction) & Counter(truth)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(prediction), 1.0 * same / len(truth)
    return (2 * precision * recall) / (precision + recall)


def xquad(data: Path, language: str, n: int) -> tuple[list[str], list[str]]:
    """Return answers, and the first words of their paragraphs with the answer among them."""
    found = json.loads((data / "xquad" / f"xquad.{language}.json").read_text(encoding="utf-8"))
    questions = [
        (qa["answers"][0], paragraph["context"])
        for article in found["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ][:n]
    answers = [answer["text"] for answer, _ in questions]
    wide = [
        context[max(0, a["answer_start"] - 12) : a["answer_start"] + len(a["text"]) + 5]
        for a, context in questions
    ]
    return answers, wide


def test_squad_f1_and_exact_match_on_xquad_equal_the_official_script(data: Path) -> None:
    truths, wide = xquad(data, "en", 400)
    answers = truths[:100] + wide[100:]
    f1 = [official_f1(answer, truth) for answer, truth in zip(answers, truths, strict=True)]
    exact = [
        official_tokens(answer) == official_tokens(truth)
        for answer, truth in zip(answers, truths, strict=True)
    ]
    pairs = [(answer, (truth,)) for answer, truth in zip(answers, truths, strict=True)]

    assert value("token_f1", "en", pairs) == pytest.approx(np.mean(f1), rel=1e-12)
    assert value("exact_match", "en", pairs) == np.mean(exact)


@pytest.mark.parametrize("shift", SHIFTS)
def test_bleu_on_chinese_questions_equals_sacrebleu(data: Path, shift: int) -> None:
    found = rows(data / "cmrc2018" / "gold.jsonl", 200)
    questions = [row["input"].split("\n")[-1] for row in found]
    answers = questions[shift:] + questions[:shift]
    pairs = [(said, (ref,)) for said, ref in zip(answers, questions, strict=True)]

    bleu = BLEU(tokenize="zh").corpus_score(answers, [questions]).score
    chrf = CHRF().corpus_score(answers, [questions]).score

    assert f"{value('bleu', 'zh', pairs):.10f}" == f"{bleu:.10f}"
    assert f"{value('chrf', 'zh', pairs):.10f}" == f"{chrf:.10f}"


@pytest.mark.parametrize("name", ["exact_match", "contains", "token_f1", "rouge_1", "rouge_l"])
def test_a_right_chinese_answer_scores_one(data: Path, name: str) -> None:
    answers = [row["output"] for row in rows(data / "cmrc2018" / "gold.jsonl", 200)]

    assert value(name, "zh", [(answer, (answer,)) for answer in answers]) == 1.0


def test_any_of_several_chinese_answers_counts(data: Path) -> None:
    found = [row for row in rows(data / "cmrc2018" / "gold.jsonl", 300) if len(row["answers"]) > 1]
    pairs = [(row["answers"][-1], tuple(row["answers"])) for row in found]

    assert len(pairs) > 50
    assert value("exact_match", "zh", pairs) == 1.0
    assert value("token_f1", "zh", pairs) == 1.0


def test_a_chinese_answer_with_words_around_it_still_contains_it(data: Path) -> None:
    truths, wide = xquad(data, "zh", 400)
    pairs = [(answer, (truth,)) for answer, truth in zip(wide, truths, strict=True)]

    assert value("contains", "zh", pairs) > 0.9
    assert value("exact_match", "zh", pairs) < 0.1
