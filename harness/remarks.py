"""What a study's reader must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.leaks import FoundLeak, leak_sentence
from harness.metrics.judge import METRICS as JUDGED
from harness.result import VariantResult
from harness.scoring import Scores
from harness.store import RunFolder
from harness.study import Study


def remarks(
    study: Study,
    variants: Sequence[VariantResult],
    leaks: Mapping[str, tuple[FoundLeak, ...]],
    scores: Mapping[str, Sequence[Scores]],
) -> list[str]:
    """Return everything, one sentence each."""
    return [
        *_warnings(variants, leaks),
        *_lm_eval_warnings(study, variants),
        *_unscored(study, scores),
    ]


def _warnings(
    variants: Sequence[VariantResult], leaks: Mapping[str, tuple[FoundLeak, ...]]
) -> list[str]:
    """Say where answers are missing or cut, and which suites stand in training data."""
    found = [
        f"{leak_sentence(name, met)}; see the scores without them"
        for name, met in leaks.items()
        if met
    ]
    for variant in variants:
        for cell in variant.cells:
            if cell.n_done < cell.n_planned:
                found.append(
                    f"{variant.name} on {cell.suite}: {cell.n_planned - cell.n_done} of "
                    f"{cell.n_planned} items have no completion"
                )
            if cell.ended_by_itself is not None and cell.ended_by_itself < 0.8:
                found.append(
                    f"{variant.name} on {cell.suite}: only {cell.ended_by_itself:.0%} of the "
                    "answers ended by themselves; the rest were cut at max_tokens"
                )
    return found


def _unscored(study: Study, scores: Mapping[str, Sequence[Scores]]) -> list[str]:
    """Name what a judge left open; everything else is scored wherever there is an answer."""
    judged = {
        (suite.name, spec.label)
        for suite in study.suites
        for spec in suite.metric_specs()
        if spec.name in JUDGED.values()
    }
    return [
        f"{name} on {score.suite}: {len(score.planned) - len(score.stats)} of "
        f"{len(score.planned)} items have no score from {score.metric.name}"
        for name, group in scores.items()
        for score in group
        if (score.suite, score.metric.name) in judged and len(score.stats) < len(score.planned)
    ]


def _lm_eval_warnings(study: Study, variants: Sequence[VariantResult]) -> list[str]:
    """Say what lm-eval measures and is not compared here, and which prompts it had to cut."""
    origins = [suite.config.lm_eval for suite in study.suites if suite.config.lm_eval]
    found = [f"not compared: {why}" for origin in origins for why in origin.left_out]
    for variant in variants:
        for cell in variant.cells:
            for event in RunFolder(path=study.root / cell.folder).events("lm_eval")[-1:]:
                if event["truncated"]:
                    found.append(
                        f"{variant.name} on {cell.suite}: {event['truncated']} prompts are longer "
                        "than the model's context; their beginning was cut"
                    )
                found.extend(f"not compared: {name}" for name in event["not_kept"])
    return list(dict.fromkeys(found))
