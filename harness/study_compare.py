"""Compare a study's configurations with its baseline: on all items, or on some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.advice import Confirmation, choose, is_better
from harness.compare import Comparison, Pair
from harness.compare import compare_all as compare_pairs
from harness.leaks import FoundLeak
from harness.scoring import Scores
from harness.study import Study
from harness.suite import Suite

ByConfiguration = Mapping[str, Sequence[Scores]]
"""Every metric of every suite, the baseline included."""


def compare_all(
    study: Study,
    scores: ByConfiguration,
    suites: Sequence[Suite],
    *,
    primary_only: bool = False,
) -> list[Comparison]:
    """Return the comparisons of all configurations, the primaries corrected for their number.

    Args:
        study: Which comparisons are primary, and with what margin.
        scores: By configuration.
        suites: Of these.
        primary_only: Leave the others out.
    """
    margins = {(p.suite, p.metric): p.margin for p in study.config.primary}
    by_key = {name: {(s.suite, s.metric.name): s for s in group} for name, group in scores.items()}
    before = by_key.pop(study.config.baseline)
    keys = [(suite.name, metric) for suite in suites for metric in suite.metrics()]
    pairs = [
        Pair(
            before=before[key],
            after=own[key],
            is_primary=key in margins,
            margin=margins.get(key, 0.0),
        )
        for key in keys
        if key in margins or not primary_only
        for own in by_key.values()
        # Else a judge has not judged: among the warnings.
        if before[key].stats.keys() & own[key].stats.keys()
    ]
    return compare_pairs(pairs)


def compare_clean(
    study: Study, scores: ByConfiguration, leaks: Mapping[str, tuple[FoundLeak, ...]]
) -> list[Comparison]:
    """Compare again without the gold items that training has seen, where there are such."""
    seen = {name: frozenset(found.leak.gold_id for found in met) for name, met in leaks.items()}
    suites = [s for s in study.suites if 0 < len(seen[s.name]) < len(s.gold)]
    clean = {
        name: [score.without(seen[score.suite]) for score in group]
        for name, group in scores.items()
    }
    return compare_all(study, clean, suites)


def confirm_choice(study: Study, scores: ByConfiguration) -> Confirmation | None:
    """Choose a configuration on one part of the items and compare it alone on the other.

    Among many, the best is partly the luckiest: on the items that chose it, its gain is too high.
    The other items had no part in the choice, so there the usual estimate and interval hold.
    None: the study does not ask for it.
    """
    confirm, kept = study.config.confirm, study.kept
    if confirm is None:
        return None
    used = {
        name: [score.without(kept[score.suite]) for score in group]
        for name, group in scores.items()
    }
    choice = compare_all(study, used, study.suites, primary_only=True)
    chosen = choose(choice, study.roles)
    confirmed: list[Comparison] = []
    if chosen is not None:
        other = {
            name: [score.only(kept[score.suite]) for score in scores[name]]
            for name in (study.config.baseline, chosen)
        }
        confirmed = compare_all(study, other, study.suites, primary_only=True)
    return Confirmation(
        share=confirm.share,
        seed=confirm.seed,
        n_items={
            suite.name: (len(suite.gold) - len(kept[suite.name]), len(kept[suite.name]))
            for suite in study.suites
        },
        n_configurations=len(scores) - 1,
        chosen=chosen,
        is_confirmed=is_better(confirmed, study.roles),
        choice=tuple(choice),
        confirmed=tuple(confirmed),
    )
