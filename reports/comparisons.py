"""Tables for the terminal: comparisons of runs or files, on all items and in subgroups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.compare import Comparison
from harness.slices import FEWEST_ITEMS, SliceComparison
from reports.terminal import (
    LOWER_LEGEND,
    MDE,
    difference,
    metric_name,
    no_answer_lines,
    number,
    rendered,
    verdict,
)

SMALLEST_P = 0.0005
"""Below this three decimals would say 0.000."""


def comparison_table(
    comparisons: Sequence[Comparison], *, notes: Sequence[str] = (), is_chosen: bool = False
) -> str:
    """Return the comparisons metric by metric, how they were made, and what else to know.

    Args:
        comparisons: In the order of metrics, the configurations of each together.
        notes: Sentences from `harness.compare.notes`.
        is_chosen: Whether somebody said which metrics decide.
    """
    if not comparisons:
        return "Nothing is scored yet, so there is nothing to compare.\n"
    table = _table(comparisons)
    for group in _by_metric(comparisons):
        first = group[0]
        star = " ★" if first.is_primary and not all(c.is_primary for c in comparisons) else ""
        table.add_row(Text(metric_name(first) + star, style="bold"))
        shown = None
        for c in group:
            value = number(c.before.value, c)
            if value != shown:  # again where other items are missing
                table.add_row(Text(f"  {c.baseline}"), value)
            shown = value
            table.add_row(Text(f"  {c.configuration}"), *_cells(c), end_section=c is group[-1])
    parts: list[RenderableType] = [Text(f"\n{comparisons[0].suite}", style="bold"), table]
    parts += [_dim(line) for line in _legend(comparisons, is_chosen=is_chosen)]
    remarks = [*no_answer_lines(comparisons), *notes]
    parts += [Text()] * bool(remarks) + [_bullet(line) for line in remarks]
    return rendered(parts)


def slice_table(sliced: Sequence[SliceComparison]) -> str:
    """Return the comparisons in subgroups, those on too few items without a verdict."""
    parts: list[RenderableType] = []
    for key in dict.fromkeys(one.key for one in sliced):
        own = [one for one in sliced if one.key == key]
        table = _table([one.comparison for one in own])
        metric = place = None
        for one in own:
            c = one.comparison
            if c.signature != metric:
                table.add_row(Text(metric_name(c), style="bold"))
            if (c.signature, one.slice) != place:
                table.add_row(Text(f"  {one.slice}: {c.baseline}"), number(c.before.value, c))
            metric, place = c.signature, (c.signature, one.slice)
            table.add_row(Text(f"    {c.configuration}"), *_cells(c, is_judged=one.is_judged))
        parts += [Text(f"\nBy {key} (exploratory)", style="bold"), table]
    n_judged = sum(one.is_judged for one in sliced)
    parts.append(
        _dim(
            f"Exploratory: p adjusted over these {n_judged} comparisons by Benjamini-Hochberg (of "
            "those found, one in twenty is expected to be noise); slices of fewer than "
            f"{FEWEST_ITEMS} items are listed and not judged."
        )
    )
    return rendered(parts)


def _table(comparisons: Sequence[Comparison]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    is_adjusted = any(c.correction != "none" for c in comparisons)
    is_joint = any(c.simultaneous is not None for c in comparisons)
    table.add_column("metric", overflow="fold", min_width=10)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column(f"difference [95 %{' joint' if is_joint else ''}]", no_wrap=True)
    table.add_column("p adj." if is_adjusted else "p", justify="right", no_wrap=True)
    table.add_column("w/t/l", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    return table


def _cells(c: Comparison, *, is_judged: bool = True) -> list[RenderableType]:
    """Return value, difference, p, counts, verdict and number of items."""
    return [
        number(c.after.value, c),
        difference(c, c.simultaneous),
        _p(c.p_adjusted) if is_judged else "",
        f"{c.n_gained}/{c.n_tied}/{c.n_lost}",
        verdict(c) if is_judged else Text("– too few items", style="dim"),
        str(c.n) if c.coverage == 1 else f"{c.n} of {c.n_planned}",
    ]


def _legend(comparisons: Sequence[Comparison], *, is_chosen: bool) -> Iterable[str]:
    yield from _family(comparisons, is_chosen=is_chosen)
    for method in dict.fromkeys(c.method for c in comparisons):
        own = [c for c in comparisons if c.method == method]
        units = "" if all(c.n_groups == c.n for c in own) else f" over {_counts(own)} clusters"
        yield f"{method}{units}: {', '.join(dict.fromkeys(c.metric for c in own))}"
    margins = {f"{c.margin:g}" for c in comparisons if c.margin}
    if margins:
        yield f"margin {', '.join(sorted(margins))}: how much worse is still “no worse”"
    yield "w/t/l: items won, tied and lost against the baseline"
    yield MDE + LOWER_LEGEND * any(c.better == "lower" for c in comparisons)


def _family(comparisons: Sequence[Comparison], *, is_chosen: bool) -> Iterable[str]:
    family = [c for c in comparisons if c.is_primary]
    others = dict.fromkeys(c.metric for c in comparisons if not c.is_primary)
    if len(family) > 1:
        whose = (
            f"of the primary metrics ({', '.join(dict.fromkeys(c.metric for c in family))})"
            if is_chosen
            else "here (--primary chooses the metrics that decide)"
        )
        yield f"p adjusted over the {len(family)} comparisons {whose} by {family[0].correction}"
    if others:
        yield f"★ decides; not adjusted, to explore: {', '.join(others)}"


def _by_metric(comparisons: Sequence[Comparison]) -> list[list[Comparison]]:
    groups: dict[str, list[Comparison]] = {}
    for c in comparisons:
        groups.setdefault(c.signature, []).append(c)
    return list(groups.values())


def _counts(comparisons: Sequence[Comparison]) -> str:
    counts = sorted({c.n_groups for c in comparisons})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _p(p: float) -> str:
    return "<0.001" if p < SMALLEST_P else f"{p:.3f}"


def _dim(line: str) -> Text:
    return Text(line, style="dim")


def _bullet(line: str) -> Text:
    return Text(f"! {line}", style="yellow")
