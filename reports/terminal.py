"""Tables for the terminal: verdicts of a study, and its plan."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from harness.compare import Comparison, Verdict
from harness.plan import Step
from harness.result import StudyResult, SuiteResult, VariantResult
from harness.stats.bootstrap import Interval
from reports.sweep import confirmation_table, noise_table, trade_off_table

MARKS: dict[Verdict, str] = {
    "improved": "▲ improved",
    "regressed": "▼ regressed",
    "no worse": "● no worse",
    "cannot tell": "? cannot tell",
    "changed": "~ changed",
}
LEGEND = (
    "★ primary: decides, corrected for the number of primary comparisons{}; the others explore.\n"
)
MDE = "MDE: the difference that this many items would show with 80 % probability."
LOWER_LEGEND = "\n↓: lower is better."
STYLES: dict[Verdict, str] = {
    "improved": "green",
    "regressed": "red",
    "no worse": "cyan",
    "cannot tell": "yellow",
    "changed": "cyan",
}
NARROWEST = 108
"""Columns that a row takes at most; narrower terminals wrap."""


def study_tables(result: StudyResult) -> str:
    """Return a study's verdicts, its costs and the advice, ready to print."""
    parts: list[RenderableType] = [
        Text(f"\n{result.name}: {result.description}", style="bold"),
        Text(f"model {result.model} · template {result.template} · engine {result.engine}"),
    ]
    for suite in result.suites:
        parts.append(_suite_table(result, suite))
        compared = [c for c in result.comparisons if c.suite == suite.name]
        parts.extend(Text(f"{line}\n", style="yellow") for line in no_answer_lines(compared))
    parts.extend(
        _suite_table(
            result.without_leaks(),
            suite,
            note=f"{suite.n_items - len(suite.leaks)} items, without those that training has seen",
        )
        for suite in result.suites
        if suite.leaks and result.clean
    )
    is_lower = any(c.better == "lower" for c in result.comparisons)
    methods = dict.fromkeys(c.correction for c in result.comparisons if c.correction != "none")
    by = f" ({', '.join(methods)})" if methods else ""
    parts.append(Text(f"{LEGEND.format(by)}{MDE}{LOWER_LEGEND * is_lower}\n", style="dim"))
    if result.confirmation:
        parts.extend(confirmation_table(result.confirmation))
    parts.extend(noise_table(result))
    parts.extend(trade_off_table(result))
    parts.append(_cost_table(result))
    parts.extend(Text(f"! {warning}", style="yellow") for warning in result.warnings)
    parts.extend(
        Text(f"✗ {variant.name} failed: {variant.failure}", style="red")
        for variant in result.variants
        if variant.status == "failed"
    )
    parts.append(Text())
    for number, sentence in enumerate(result.advice):
        parts.append(Text(sentence, style="bold" if number == 0 else ""))
    parts.append(Text())
    return rendered(parts)


def no_answer_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for each metric that found no answer in some texts, and none for the others."""
    lines: list[str] = []
    for metric in dict.fromkeys(c.metric for c in comparisons):
        group = [c for c in comparisons if c.metric == metric]
        counts = {c.baseline: (c.n_no_answer_before, c.n) for c in group[:1]}
        counts |= {c.configuration: (c.n_no_answer_after, c.n) for c in group}
        told = [f"{name} {n} of {total}" for name, (n, total) in counts.items() if n]
        if told:
            lines.append(f"{metric}: no answer found: {', '.join(told)} (counted as wrong)")
    return lines


def plan_table(steps: Sequence[Step]) -> str:
    """Return what a study would do."""
    table = plain_table("step", "configuration", "suite", "state", "amount", "~time", "~memory")
    for step in steps:
        table.add_row(
            step.kind,
            step.configuration,
            step.suite or "",
            step.state,
            step.amount,
            duration(step.seconds) if step.seconds else "",
            f"{step.memory_bytes / 2**30:.1f} GiB"
            if step.memory_bytes and step.state != "done"
            else "",
        )
    total = duration(sum(step.seconds for step in steps))
    note = "rough estimates from sizes alone; `study run` measures"
    return rendered([table, Text(f"{total} to go ({note})")])


def number(value: float, c: Comparison) -> str:
    """Format a value in a comparison's unit, with its places."""
    return f"{value:.{_places(c)}f}".replace("-", "−")


def difference(c: Comparison, interval: Interval | None = None) -> str:
    """Format a difference with its interval, by default the one that it has alone."""
    places = _places(c)
    d = interval or c.difference
    text = f"{d.value:+.{places}f} [{d.low:+.{places}f}, {d.high:+.{places}f}]"
    return text.replace("-", "−")


def duration(seconds: float | None) -> str:
    """Format seconds for people."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _suite_table(result: StudyResult, suite: SuiteResult, *, note: str = "") -> Table:
    about = note or f"{suite.role}, {suite.n_items} items, version {suite.version}"
    title = f"{suite.name} ({about})"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric")
    table.add_column("n", justify="right")
    table.add_column(result.baseline, justify="right")
    table.add_column("configuration")
    table.add_column("value", justify="right")
    table.add_column("difference [95 %]", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for metric in dict.fromkeys(c.metric for c in result.comparisons if c.suite == suite.name):
        rows = [c for c in result.comparisons if (c.suite, c.metric) == (suite.name, metric)]
        for c in rows:
            is_first = c is rows[0]
            table.add_row(
                (f"{metric_name(c)} ★" if c.is_primary else metric_name(c)) if is_first else "",
                _n(c) if is_first else "",
                number(c.before.value, c) if is_first else "",
                c.configuration,
                number(c.after.value, c),
                difference(c),
                verdict(c),
            )
    return table


def _cost_table(result: StudyResult) -> Table:
    table = plain_table(
        "configuration", "training", "tokens/s", "evaluation", "peak memory", "answered",
        "ended by itself", "adapter effect",
    )  # fmt: skip
    for variant in result.variants:
        if variant.status == "failed":
            continue
        table.add_row(
            variant.name,
            duration(variant.train_seconds),
            f"{variant.tokens_per_second:.0f}" if variant.tokens_per_second else "",
            duration(variant.run_seconds),
            f"{variant.peak_bytes / 2**30:.1f} GiB",
            _coverage(variant),
            _stops(variant),
            f"{variant.canary:.1f} nats" if variant.canary is not None else "",
        )
    return table


def _coverage(variant: VariantResult) -> str:
    done = sum(cell.n_done for cell in variant.cells)
    planned = sum(cell.n_planned for cell in variant.cells)
    return f"{done / planned:.0%}" if planned else ""


def _stops(variant: VariantResult) -> str:
    shares = [c.ended_by_itself for c in variant.cells if c.ended_by_itself is not None]
    return " / ".join(f"{share:.0%}" for share in shares)


def metric_name(c: Comparison) -> str:
    """Return a metric's name, marked where less of it is better."""
    return f"{c.metric} ↓" if c.better == "lower" else c.metric


def _places(c: Comparison) -> int:
    """Return the decimals: three up to 10, one on a scale to 100 or more, two between."""
    largest = max(abs(c.before.value), abs(c.after.value))
    if (c.highest or 0.0) >= 100 or largest >= 100:
        return 1
    return 3 if largest < 10 else 2


def _n(c: Comparison) -> str:
    return str(c.n) if c.coverage == 1 else f"{c.n} of {c.n_planned}"


def verdict(c: Comparison) -> Text:
    """Return the verdict with its mark and colour; of "cannot tell" with the detectable effect."""
    text = MARKS[c.verdict]
    if c.verdict == "cannot tell" and c.minimum_detectable_effect > 0:
        text += f" (MDE {number(c.minimum_detectable_effect, c)})"
    return Text(text, style=STYLES[c.verdict])


def plain_table(*columns: str) -> Table:
    """Return an empty table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    return table


def rendered(parts: Sequence[RenderableType]) -> str:
    """Return what a terminal shows, at least NARROWEST columns wide."""
    console = Console()
    if console.width < NARROWEST:
        console = Console(width=NARROWEST)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()
