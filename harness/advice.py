"""Turn a study's comparisons into one sentence of advice, and the reasons against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.compare import Comparison, Verdict
from harness.study_config import Role
from harness.types import Record


class Confirmation(Record):
    """A choice on one part of the gold items, and what the other part says of the chosen."""

    share: float
    """Of each task's items, or clusters, that were kept for confirming."""
    seed: int
    n_items: dict[str, tuple[int, int]]
    """By suite: items to choose on, and items to confirm on."""
    n_configurations: int
    """Among which was chosen."""
    chosen: str | None
    """None: the baseline; then there is nothing to confirm."""
    is_confirmed: bool
    """Whether the kept items alone would choose it too."""
    choice: tuple[Comparison, ...]
    """Primaries of all configurations on the part used for choosing, corrected for their number."""
    confirmed: tuple[Comparison, ...]
    """Primaries of the chosen one on the kept part: corrected for the number of primaries, and for
    nothing else, since nothing was chosen there."""


def advise(
    comparisons: Sequence[Comparison], roles: Mapping[str, Role], *, baseline: str
) -> list[str]:
    """Return sentences: which configuration to keep and why, then what is wrong with others."""
    by_name = _by_name(comparisons)
    if not by_name:
        return [f"Keep {baseline}: there is no finished configuration to compare with it."]
    chosen = choose(comparisons, roles)
    if chosen is None:
        first = _keep_baseline(baseline, by_name, roles)
    else:
        first = f"Keep {chosen}: {_findings(by_name[chosen])}."
    return [first, *_regressions(by_name)]


def choose(comparisons: Sequence[Comparison], roles: Mapping[str, Role]) -> str | None:
    """Return the configuration to keep; None: the baseline.

    A configuration is kept only if a domain primary improved, none regressed, and no retention
    primary regressed; among those, proof of "no worse" on retention comes before the size of
    the gain.
    """
    by_name = _by_name(comparisons)
    good = [name for name, group in by_name.items() if is_better(group, roles)]
    return max(good, key=lambda name: _rank(by_name[name], roles), default=None)


def advise_confirmed(
    confirmation: Confirmation,
    comparisons: Sequence[Comparison],
    roles: Mapping[str, Role],
    *,
    baseline: str,
) -> list[str]:
    """Return the same sentences where one part of the items chose and another one confirms.

    Args:
        confirmation: What was chosen, and what became of it.
        comparisons: On all items: what is wrong with the configurations that were not chosen.
        roles: By suite.
        baseline: Its name.
    """
    by_name = _by_name(confirmation.choice)
    chosen, confirmed = confirmation.chosen, confirmation.confirmed
    if not by_name:
        return [f"Keep {baseline}: there is no finished configuration to compare with it."]
    used, other = "half", "half"
    if confirmation.share != 0.5:
        used, other = f"{1 - confirmation.share:.0%}", f"{confirmation.share:.0%}"
    n = len(by_name)
    tried = f"{n} configuration{'s' if n > 1 else ''}"
    if chosen is None:
        first = (
            f"{_keep_baseline(baseline, by_name, roles)} So says the {used} of the items used for "
            f"choosing among {tried}; the other {other} was left alone."
        )
    elif confirmation.is_confirmed:
        first = (
            f"Keep {chosen}: on the {other} of the items not used for choosing it is "
            f"{_findings(confirmed)}. These figures need no correction for the {tried} tried: "
            "only the chosen one was compared there."
        )
    else:
        first = (
            f"Keep {baseline}: {chosen} was chosen among {tried} on one {used} of the items, and "
            f"the other {other} does not confirm it: "
            f"{_findings(confirmed) or 'nothing is scored there'}."
        )
    others = {name: own for name, own in _by_name(comparisons).items() if name != chosen}
    return [first, *_regressions(others)]


def is_better(group: Sequence[Comparison], roles: Mapping[str, Role]) -> bool:
    """Return whether primaries say that a configuration may replace the baseline."""
    domain = [c.verdict for c in group if roles[c.suite] == "domain"]
    return "improved" in domain and all(c.verdict != "regressed" for c in group)


def _by_name(comparisons: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    """Return the primary comparisons by configuration."""
    found: dict[str, list[Comparison]] = {}
    for c in comparisons:
        if c.is_primary:
            found.setdefault(c.configuration, []).append(c)
    return found


def _regressions(by_name: Mapping[str, Sequence[Comparison]]) -> list[str]:
    lost = {name: [c for c in by_name[name] if c.verdict == "regressed"] for name in by_name}
    return [f"{name} regressed on {_list(group)}." for name, group in lost.items() if group]


def _rank(group: Sequence[Comparison], roles: Mapping[str, Role]) -> tuple[bool, float]:
    """Put proven retention first, then the mean gain on the domain in standard errors."""
    kept: tuple[Verdict, ...] = ("no worse", "improved")
    is_safe = all(c.verdict in kept for c in group if roles[c.suite] == "retention")
    gains = [
        c.gain / max(c.minimum_detectable_effect, 1e-9) for c in group if roles[c.suite] == "domain"
    ]
    return is_safe, sum(gains) / max(1, len(gains))


def _findings(group: Sequence[Comparison]) -> str:
    """Say what a configuration's primaries found, the good before the bad."""
    better = [c for c in group if c.verdict == "improved"]
    same = [c for c in group if c.verdict == "no worse"]
    worse = [c for c in group if c.verdict == "regressed"]
    unknown = [c for c in group if c.verdict == "cannot tell"]
    parts = [f"better on {_list(better)}"] if better else []
    parts += [f"no worse on {_list(same)}"] if same else []
    parts += [f"worse on {_list(worse)}"] if worse else []
    sentence = ", ".join(parts)
    if unknown:
        shown = "; ".join(
            f"{c.suite} {c.metric} ({signed(c.difference.value)} "
            f"[{signed(c.difference.low)}, {signed(c.difference.high)}], {c.n} items would show "
            f"{c.minimum_detectable_effect:.3g} or more{_direction(c)})"
            for c in unknown
        )
        sentence += f"{'; ' if sentence else ''}cannot tell on {shown}"
    return sentence


def _keep_baseline(
    baseline: str, by_name: Mapping[str, Sequence[Comparison]], roles: Mapping[str, Role]
) -> str:
    domain = [c for group in by_name.values() for c in group if roles[c.suite] == "domain"]
    suites = ", ".join(dict.fromkeys(c.suite for c in domain)) or "the domain"
    costly = list(dict.fromkeys(c.configuration for c in domain if c.verdict == "improved"))
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
