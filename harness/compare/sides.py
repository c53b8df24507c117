"""A baseline against several configurations, on all their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.compare.comparison import Comparison, Noise
from harness.compare.family import Pair, compare_all
from harness.compare.repeats import noise_of, pooled
from harness.errors import ConfigError, InputError, UnknownNameError
from harness.metrics.base import Scale
from harness.scoring import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One configuration with all its metrics, its repeats taken as one."""

    name: str
    scores: tuple[Scores, ...]
    noise: Mapping[str, Noise]
    """By metric signature; empty for a single run."""


def side_of(name: str, repeats: Sequence[Sequence[Scores]]) -> Side:
    """Return a configuration from the scores of its runs, which list the same metrics.

    Args:
        name: For tables.
        repeats: Scores of each run, as from `score_run`.
    """
    by_metric = list(zip(*repeats, strict=True))
    noise = {same[0].metric.signature: noise_of(same) for same in by_metric}
    return Side(
        name=name,
        scores=tuple(replace(pooled(same), run=name) for same in by_metric),
        noise={signature: found for signature, found in noise.items() if found is not None},
    )


def pairs_of(
    baseline: Side,
    others: Sequence[Side],
    *,
    primary: Sequence[str] | None = None,
    margin: float = 0.0,
) -> list[Pair]:
    """Return what is to be compared, metric by metric; what nobody has scored is left out.

    Args:
        baseline: What all others are compared with.
        others: In order.
        primary: Metrics whose comparisons are one family; None: all but the gauges.
        margin: How much worse is still "no worse".

    Raises:
        UnknownNameError: a primary is not measured.
        InputError: a primary is a gauge.
    """
    if primary is not None:
        _check_primary(primary, baseline)
    pairs: list[Pair] = []
    for number, before in enumerate(baseline.scores):
        metric = before.metric
        is_primary = metric.scale.better != "neither" if primary is None else metric.name in primary
        pairs += [
            Pair(before=before, after=other.scores[number], is_primary=is_primary, margin=margin)
            for other in others
            if before.stats or other.scores[number].stats
        ]
    return pairs


def compare_sides(
    baseline: Side, others: Sequence[Side], pairs: Sequence[Pair], *, is_simultaneous: bool = False
) -> list[Comparison]:
    """Compare the pairs of `pairs_of` and put the noise between repeats beside them."""
    noise = {side.name: side.noise for side in (baseline, *others)}
    return [
        replace(
            found,
            noise_before=noise[found.baseline].get(found.signature),
            noise_after=noise[found.configuration].get(found.signature),
        )
        for found in compare_all(pairs, is_simultaneous=is_simultaneous)
    ]


def refuse_gauge(
    metric: str, scale: Scale, *, where: str, error: type[InputError] = ConfigError
) -> None:
    """Check that a metric has a better side, as one that decides must.

    Raises:
        ConfigError: it is a gauge (or another `error`).
    """
    if scale.better == "neither":
        raise error(
            f"{where}: {metric!r} is a gauge: neither more nor less of it is better, so it cannot "
            "decide; name a metric with a better side"
        )


def _check_primary(primary: Sequence[str], baseline: Side) -> None:
    known = {scores.metric.name: scores.metric.scale for scores in baseline.scores}
    for name in primary:
        if name not in known:
            raise UnknownNameError("metric", name, known, where="--primary")
        refuse_gauge(name, known[name], where="--primary", error=InputError)
