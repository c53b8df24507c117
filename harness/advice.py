"""Turn a study's comparisons into one sentence of advice, and the reasons against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.compare import Comparison, Verdict
from harness.study import Role


def advise(
    comparisons: Sequence[Comparison], roles: Mapping[str, Role], *, baseline: str
) -> list[str]:
    """Return sentences: which configuration to keep and why, then what is wrong with others.

    A configuration is kept only if a domain primary improved, none regressed, and no retention
    primary regressed; among those, proof of "no worse" on retention comes before the size of
    the gain.
    """
    primaries = [comparison for comparison in comparisons if comparison.is_primary]
    names = list(dict.fromkeys(comparison.configuration for comparison in primaries))
    if not names:
        return [f"Keep {baseline}: there is no finished configuration to compare with it."]
    by_name = {name: [c for c in primaries if c.configuration == name] for name in names}
    good = [name for name in names if _is_better(by_name[name], roles)]
    sentences: list[str] = []
    if good:
        good.sort(key=lambda name: _rank(by_name[name], roles), reverse=True)
        sentences.append(_keep(good[0], by_name[good[0]]))
    else:
        domain = [c for c in primaries if roles[c.suite] == "domain"]
        sentences.append(_keep_baseline(baseline, by_name, domain, roles))
    for name in names:
        lost = [c for c in by_name[name] if c.verdict == "regressed"]
        if lost:
            sentences.append(f"{name} regressed on {_list(lost)}.")
    return sentences


def _is_better(group: Sequence[Comparison], roles: Mapping[str, Role]) -> bool:
    domain = [c.verdict for c in group if roles[c.suite] == "domain"]
    return "improved" in domain and all(c.verdict != "regressed" for c in group)


def _rank(group: Sequence[Comparison], roles: Mapping[str, Role]) -> tuple[bool, float]:
    """Put proven retention first, then the mean gain on the domain in standard errors."""
    kept: tuple[Verdict, ...] = ("no worse", "improved")
    is_safe = all(c.verdict in kept for c in group if roles[c.suite] == "retention")
    gains = [
        c.gain / max(c.minimum_detectable_effect, 1e-9) for c in group if roles[c.suite] == "domain"
    ]
    return is_safe, sum(gains) / max(1, len(gains))


def _keep(name: str, group: Sequence[Comparison]) -> str:
    better = [c for c in group if c.verdict == "improved"]
    same = [c for c in group if c.verdict == "no worse"]
    unknown = [c for c in group if c.verdict == "cannot tell"]
    parts = [f"better on {_list(better)}"]
    if same:
        parts.append(f"no worse on {_list(same)}")
    sentence = f"Keep {name}: {', '.join(parts)}"
    if unknown:
        shown = "; ".join(
            f"{c.suite} {c.metric} ({signed(c.difference.value)} "
            f"[{signed(c.difference.low)}, {signed(c.difference.high)}], {c.n} items would show "
            f"{c.minimum_detectable_effect:.3g} or more{_direction(c)})"
            for c in unknown
        )
        sentence += f"; cannot tell on {shown}"
    return sentence + "."


def _keep_baseline(
    baseline: str,
    by_name: Mapping[str, Sequence[Comparison]],
    domain: Sequence[Comparison],
    roles: Mapping[str, Role],
) -> str:
    suites = ", ".join(dict.fromkeys(c.suite for c in domain)) or "the domain"
    costly = [
        name
        for name, group in by_name.items()
        if any(c.verdict == "improved" and roles[c.suite] == "domain" for c in group)
    ]
    if costly:
        return (
            f"Keep {baseline}: {', '.join(costly)} improved on {suites}, but every one of them "
            "also regressed on a primary."
        )
    return f"Keep {baseline}: no configuration is shown to be better on {suites}."


def _list(comparisons: Sequence[Comparison]) -> str:
    return ", ".join(
        f"{c.suite} ({c.metric} {c.before.value:.3g} → {c.after.value:.3g}, "
        f"{signed(c.difference.value)} [{signed(c.difference.low)}, {signed(c.difference.high)}]"
        f"{_direction(c)})"
        for c in comparisons
    )


def _direction(c: Comparison) -> str:
    return "; lower is better" if c.better == "lower" else ""


def signed(value: float) -> str:
    """Format a difference with its sign, three significant digits."""
    return f"{value:+.3g}".replace("-", "−")
