from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError, PredictionsError, UnknownNameError
from harness.estimate import estimate_all
from harness.importers.base import Prediction, Predictions
from harness.importers.read import read_predictions
from harness.plain import default_metrics, language_of, score_predictions, with_groups
from harness.scoring import Scores
from harness.spec import parse_specs
from harness.suite import Language
from tests.harness.importers import files
from tests.harness.importers.files import write

ZH = ("巴黎是法国的首都。", "高血压患者应当低盐饮食，每天不超过５克。", "用 LoRA 微调 7B 模型。")


def rows(*pairs: tuple[str | None, str], clusters: tuple[str, ...] = ()) -> Predictions:
    made = tuple(
        Prediction(
            where=f"f:{i}", id=str(i), text=said, references=(reference,) if reference else (),
            cluster=clusters[i] if clusters else None,
        )
        for i, (said, reference) in enumerate(pairs)
    )  # fmt: skip
    return Predictions(format="plain", rows=made, has_own_ids=False)


def score(found: Predictions, metrics: str, language: Language = "en") -> list[Scores]:
    specs = with_groups(parse_specs(metrics))
    return score_predictions(found, Path("f.jsonl"), specs, language=language)


def test_rouge_stands_for_four_metrics_and_passes_its_parameters_on() -> None:
    specs = with_groups(parse_specs("bleu,rouge"))

    assert [spec.name for spec in specs] == ["bleu", "rouge_1", "rouge_2", "rouge_l", "rouge_lsum"]


@pytest.mark.parametrize("metrics", ["exact_match", "token_f1", "bleu", "rouge", "chrf"])
def test_identical_chinese_scores_best(metrics: str) -> None:
    found = rows(*((text, text) for text in ZH))

    for one in score(found, metrics, language_of(found)):
        assert one.value() == pytest.approx(one.metric.scale.high), one.metric.signature


@pytest.mark.parametrize(
    ("texts", "language"),
    [(ZH, "zh"), (("Paris", "naïve café"), "en"), (("SARS-CoV-2 感染", "ECMO 治疗"), "zh"),
     (("Beijing (北京) is the capital of China, said the guide.",), "en"), (("42", "…"), "en")],
)  # fmt: skip
def test_the_language_is_told_by_its_characters(texts: tuple[str, ...], language: str) -> None:
    assert language_of(rows(*((text, text) for text in texts))) == language


def test_a_missing_answer_lowers_coverage_and_an_empty_one_the_score() -> None:
    [one] = score(rows(("Paris", "Paris"), (None, "Rome"), ("", "Lima"), ("x", "")), "exact_match")

    assert one.value() == 0.5
    assert one.coverage == 0.5


def test_answers_that_are_not_found_are_told_apart() -> None:
    found = rows(("so #### 12", "12"), ("no idea", "7"), ("#### 3", "4"))

    [one] = score_predictions(
        found, Path("f"), parse_specs("exact_match"), language="en",
        extract=parse_specs('regex("#### (.*)")'),
    )  # fmt: skip
    [estimate] = estimate_all([one])

    assert one.value() == pytest.approx(1 / 3)
    assert one.not_extracted == {"1"}
    assert estimate.as_row()["not_extracted"] == 1


def test_binary_metrics_of_independent_rows_get_wilsons_interval() -> None:
    found = rows(*[("a", "a")] * 8, *[("a", "b")] * 2)

    [estimate] = estimate_all(score(found, "exact_match"))

    assert estimate.method == "Wilson"
    assert estimate.interval is not None
    # By scipy 1.17.1, binomtest(8, 10).proportion_ci(method=wilson).
    assert (estimate.interval.low, estimate.interval.high) == pytest.approx((0.4901625, 0.9433178))


def test_clustered_rows_are_drawn_by_cluster_and_stay_inside_the_range() -> None:
    found = rows(*[("a", "a")] * 3, ("a", "b"), clusters=("x", "x", "y", "y"))

    [estimate] = estimate_all(score(found, "exact_match"))

    assert estimate.n_groups == 2
    assert estimate.method == "bootstrap, clustered"
    assert estimate.interval is not None
    assert 0.0 <= estimate.interval.low <= 0.75 <= estimate.interval.high <= 1.0


def test_choices_of_lm_eval_are_scored_by_log_likelihood(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path / "s.jsonl", files.LM_EVAL_CHOICES))

    values = [one.value() for one in score(found, default_metrics(found))]

    assert values == [1.0, 1.0]


def test_rows_without_any_reference_point_to_the_suite() -> None:
    with pytest.raises(PredictionsError, match="tunemark import FILE --suite"):
        score(rows(("a", ""), ("b", "")), "exact_match")


def test_unknown_metrics_and_parameters_are_named() -> None:
    with pytest.raises(UnknownNameError, match=r"'blue'.*did you mean 'bleu'"):
        score(rows(("a", "a")), "blue")
    with pytest.raises(ConfigError, match="'bleu'"):
        score(rows(("a", "a")), "bleu(tokenizer=zh)")


def test_classes_are_those_of_all_references_however_many_rows_are_measured_at_once() -> None:
    pairs = [("yes", "yes")] * 700 + [("no", "no")] * 699 + [("maybe", "no")]

    [accuracy, macro] = score(rows(*pairs), "accuracy,macro_f1")

    assert accuracy.value() == pytest.approx(1399 / 1400)
    assert macro.value() == pytest.approx((1 + 2 * 699 / (2 * 699 + 1)) / 2)
    assert {len(stats) for stats in macro.stats.values()} == {len(next(iter(macro.stats.values())))}
