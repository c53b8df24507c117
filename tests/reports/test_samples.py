"""Joined samples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import StoreError
from harness.metrics.base import Scale
from reports.samples import load_samples
from reports.selection import lead_metrics, leading_metric, most_telling, select
from tests.reports.support import EVIL, N_ITEMS, Stored


def test_sample_joins_prompt_reference_answers_and_scores(stored: Stored) -> None:
    sample = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")[3]

    assert sample.gold_id == "dose-03"
    assert sample.prompt == "Question: 第3号药的剂量？"
    assert sample.system == "Be brief."
    assert sample.references == ("每日3毫克",)
    assert sample.before is not None
    assert sample.before.text == "不知道3"
    assert sample.after is not None
    assert sample.after.text == "每日3毫克"
    assert sample.score("before", "exact_match") == 0.0
    assert sample.score("after", "exact_match") == 1.0
    assert sample.change("token_f1") == pytest.approx(1.0, abs=0.5)


def test_multiple_choice_shows_the_chosen_option(stored: Stored) -> None:
    sample = load_samples(stored.result, stored.root, suite="general", configuration="excess")[0]

    assert sample.before is not None
    assert sample.before.text == "the first"
    assert sample.after is not None
    assert sample.after.text == "the second"
    assert sample.change("accuracy") == -1.0


def test_regressed_holds_only_losses(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="general", configuration="excess")

    assert len(select(samples, "accuracy", mode="regressed")) == N_ITEMS
    assert select(samples, "accuracy", mode="improved") == ()


def test_improved_comes_best_first(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")

    changes = [s.change("token_f1") or 0.0 for s in select(samples, "token_f1", mode="improved")]

    assert changes == sorted(changes, reverse=True)


def test_both_wrong_with_another_text_is_also_changed(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")

    changed = select(samples, "exact_match", mode="changed")
    wrong = select(samples, "exact_match", mode="both wrong")

    assert [sample.gold_id for sample in changed] == ["dose-11"]
    assert changed == wrong


def test_search_finds_words_of_an_answer(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")

    assert [s.gold_id for s in select(samples, "token_f1", search="ALERT boo")] == ["dose-11"]
    assert EVIL in (samples[11].after.text if samples[11].after else "")


def test_unscored_metric_selects_nothing(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")

    assert select(samples, "bleu") == ()


def test_primary_metric_leads(stored: Stored) -> None:
    assert lead_metrics(stored.result, "clinic") == ("token_f1", "exact_match")


def test_telling_samples_put_losses_before_gains_within_the_limit(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="general", configuration="excess")

    assert len(most_telling(samples, ("accuracy",), 5)) == 5


def test_more_of_a_metric_of_which_less_is_better_is_a_loss(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="general", configuration="excess")
    sample = samples[0]

    assert sample.change("brier") == pytest.approx(2.0, abs=0.01)
    assert sample.gain("brier") == pytest.approx(-2.0, abs=0.01)
    assert len(select(samples, "brier", mode="regressed")) == N_ITEMS
    assert select(samples, "brier", mode="improved") == ()
    assert sample.is_poor("after", "brier")
    assert not sample.is_poor("before", "brier")


def test_a_gain_without_a_bound_is_relative_to_the_larger_score(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="general", configuration="excess")
    sample = samples[0]

    assert sample.gain("nll") == pytest.approx(-6.5, abs=0.01)
    assert -1.0 <= (sample.relative_gain("nll") or 0.0) < -0.99
    assert sample.relative_gain("brier") == pytest.approx(-1.0, abs=0.01)
    assert select(samples, "nll", mode="both wrong") == ()
    assert len(most_telling(samples, ("nll",), 3)) == 3


def test_a_gauge_neither_gains_nor_loses(stored: Stored) -> None:
    found = load_samples(stored.result, stored.root, suite="general", configuration="excess")
    samples = [replace(s, scales={**s.scales, "nll": Scale(better="neither")}) for s in found]

    assert samples[0].gain("nll") is None
    assert samples[0].change("nll") is not None
    assert select(samples, "nll", mode="regressed") == ()
    assert most_telling(samples, ("nll",), 3) == ()
    assert leading_metric(samples[0], ("nll", "accuracy")) == "accuracy"


def test_a_range_of_a_hundred_does_not_outrank_one_of_one(stored: Stored) -> None:
    (sample, *_) = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")
    wide = replace(sample, scales={"exact_match": Scale(high=100.0)})

    assert sample.relative_gain("exact_match") == 1.0
    assert wide.relative_gain("exact_match") == 0.01


def test_missing_run_is_a_store_error(stored: Stored) -> None:
    (stored.cell("lora", "clinic") / "completions.jsonl").unlink()

    with pytest.raises(StoreError, match="no completions here"):
        load_samples(stored.result, stored.root, suite="clinic", configuration="lora")


def test_missing_gold_copy_is_a_store_error(stored: Stored) -> None:
    (stored.root / stored.result.suites[0].gold_file).unlink()

    with pytest.raises(StoreError, match="gold set is missing"):
        load_samples(stored.result, stored.root, suite="clinic", configuration="lora")


def test_missing_scores_leave_samples_unscored(stored: Stored) -> None:
    scores = stored.cell("lora", "clinic") / "scores"
    next(scores.glob("token_f1*")).unlink()

    samples = load_samples(stored.result, stored.root, suite="clinic", configuration="lora")

    assert samples[0].score("after", "token_f1") is None
    assert samples[0].score("after", "exact_match") == 1.0
