"""What a reader must know beside the numbers: tests that disagree, missing scores, noise."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.comparison import ALPHA, Comparison, Noise
from harness.stats.caution import cautions


def notes_of(comparisons: Sequence[Comparison]) -> list[str]:
    """Return one sentence for each thing to know, none where there is nothing."""
    alike: dict[str, list[str]] = {}
    for c in comparisons:
        for note in (*_disagreements(c), *_unscored(c), *_cautions(c)):
            alike.setdefault(f"{c.configuration}: {note}", []).append(c.metric)
    noted = [f"{', '.join(metrics)} {note}" for note, metrics in alike.items()]
    return [*noted, *_noise(comparisons)]


def disagreeing(comparison: Comparison) -> dict[str, float]:
    """Return the sensitivity tests that find what the main one does not, or the other way round.

    All p-values are unadjusted, each against .05.
    """
    is_found = comparison.p_value < ALPHA
    return {name: p for name, p in comparison.sensitivity.items() if (p < ALPHA) != is_found}


def floor_note(metric: str, configuration: str, noise: Noise) -> str:
    """Return the sentence on a configuration's noise floor."""
    return (
        f"{metric} {configuration}: noise floor: standard deviation {noise.deviation:.2g} between "
        f"{noise.n_repeats} repeats ({noise.lowest:.4g} to {noise.highest:.4g})"
    )


def _disagreements(c: Comparison) -> list[str]:
    others = disagreeing(c)
    if not others:
        return []
    *most, last = [f"{name} ({_p(p)})" for name, p in others.items()]
    told = f"{', '.join(most)} and {last}" if most else last
    ending = "" if len(others) > 1 else "s"
    finds = f"find{ending} nothing" if c.p_value < ALPHA else f"find{ending} a difference"
    return [f"{c.verdict} (p {_p(c.p_value)} alone), but {told} {finds}"]


def _unscored(c: Comparison) -> list[str]:
    found = c.unscored
    if found is None:
        return []
    counts = f"{c.baseline} {found.n_before}, {c.configuration} {found.n_after} of {c.n_planned}"
    if found.worst is None or found.best is None:
        effect = "not a mean on a bounded scale, so what they could change has no bound"
    else:
        effect = (
            f"all worst or all best for {c.configuration}, the difference would be "
            f"{_signed(found.worst)} or {_signed(found.best)}"
        )
    return [f"unscored: {counts}; {effect}"]


def _cautions(c: Comparison) -> tuple[str, ...]:
    if c.n_changed is None:  # an exact test needs no warning
        return ()
    return cautions(
        n_groups=c.n_groups,
        n_items=c.n,
        n_changed=c.n_changed,
        is_bounded=c.lowest is not None and c.highest is not None,
    )


def _noise(comparisons: Sequence[Comparison]) -> list[str]:
    """Tell each configuration's noise once for each metric, and which differences lie inside."""
    told: dict[str, None] = {}
    for c in comparisons:
        for name, noise in ((c.baseline, c.noise_before), (c.configuration, c.noise_after)):
            if noise is not None:
                told[floor_note(c.metric, name, noise)] = None
        widths = [n.highest - n.lowest for n in (c.noise_before, c.noise_after) if n is not None]
        if widths and abs(c.difference.value) <= max(widths):
            told[
                f"{_what(c)}: the difference is no larger than repeats of one configuration differ"
            ] = None
    return list(told)


def _what(c: Comparison) -> str:
    return f"{c.metric} {c.configuration}"


def _p(p: float) -> str:
    return "<0.001" if p < 0.0005 else f"{p:.2g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
