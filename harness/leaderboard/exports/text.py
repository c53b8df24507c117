"""A board as rows: for the terminal, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from harness.leaderboard.board import Board, Column, Entry, Estimate, tied_with_first
from harness.leaderboard.changes import Change, rank_text

LARGE = 10.0
"""From this width of a metric's range on, one decimal is enough."""


def headings(board: Board) -> list[str]:
    """Return the heads of a board's columns."""
    if board.kind == "votes":
        return ["rank", "model", "strength", "95 %", "won of 10", "wins", "ties", "losses"]
    found = ["rank", "model"]
    if board.has_composite:
        found += ["composite", "by weights"]
    for column in board.columns:
        arrow = " ↓" if column.better == "lower" else ""
        found.append(f"{column.suite} {column.metric}{arrow}")
        if len(board.columns) > 1:
            found.append(f"rank on {column.suite}")
    if len(board.columns) > 1:
        found += ["mean", "win rate"]
    return found


def rows(board: Board) -> list[list[str]]:
    """Return the ranked models, each as texts below the headings."""
    return [_row(board, entry) for entry in board.ranked]


def remarks(board: Board) -> list[str]:
    """Return what there is to know beside the table, a sentence each."""
    found = [summary(board)]
    found += [
        f"{column.suite}: {column.status}; {units(column)}; {resolution(column.resolution, column)}"
        for column in board.columns
        if board.kind == "scores"
    ]
    if board.kind == "scores" and len(board.columns) > 1:
        if not board.has_composite:
            found.append(
                "No weights are declared, so there is no rank over all suites; the order is that of "
                "the mean."
            )
        found.append("The win rate depends on which models take part.")
    unknown = [entry.name for entry in board.ranked if entry.leaked is None]
    if board.kind == "scores" and unknown:
        found.append(f"Not looked for in training data: {', '.join(unknown)}.")
    return [*found, *board.notes]


def summary(board: Board) -> str:
    """Say how much is known of the order in one sentence."""
    n = len(board.ranked)
    if n == 0:
        return "No model is ranked."
    if not board.has_order:
        return f"{n} models, no overall rank. Status: {board.status}."
    tied = tied_with_first(board)
    first = board.ranked[0].name
    head = (
        f"{first} is first of {n}"
        if tied == 0
        else f"{tied} of {n - 1} others cannot be told apart from {first}"
    )
    return f"{head}. Status: {board.status} ({100 * board.openness:.0f} % of the order is open)."


def units(column: Column) -> str:
    """Say how many items there are, and how many independent groups of them."""
    if column.n_groups in {0, column.n_items}:
        return f"{column.n_items} items"
    return f"{column.n_items} items in {column.n_groups} independent groups"


def resolution(size: float | None, column: Column) -> str:
    """Say which difference can be seen."""
    if size is None:
        return "no difference can be told"
    return f"a typical pair needs a difference of about {number(size, column)} to be told apart"


def number(value: float | None, column: Column | None = None) -> str:
    """Write a value of a metric; of the composite without a column."""
    if value is None:
        return "–"
    is_large = column is not None and (
        column.high is None or column.low is None or column.high - column.low >= LARGE
    )
    return f"{value:.{2 if is_large else 3}f}".replace("-", "−")


def interval(found: Estimate | None, column: Column | None = None) -> str:
    """Write a value with its interval."""
    if found is None:
        return "–"
    return f"{number(found.value, column)} {bounds(found, column)}"


def bounds(found: Estimate, column: Column | None = None) -> str:
    """Write an interval."""
    return f"[{number(found.low, column)}, {number(found.high, column)}]"


def as_markdown(board: Board, changed: Sequence[Change] = ()) -> str:
    """Return a board as Markdown."""
    heads = headings(board)
    lines = [f"# {board.name}", ""]
    if board.config.description:
        lines += [_escaped(board.config.description), ""]
    lines += [_line(heads), "|" + "---|" * len(heads)]
    lines += [_line(row) for row in rows(board)]
    if board.unranked:
        lines += ["", "Not ranked:", ""]
        lines += [
            f"- {_escaped(entry.name)}: {_escaped('; '.join(r.text for r in entry.reasons))}"
            for entry in board.unranked
        ]
    if changed:
        lines += ["", "Changes:", ""]
        lines += [f"- {_escaped(change.text)}" for change in changed]
    lines += [""] + [f"- {_escaped(line)}" for line in remarks(board)]
    lines += [
        f"- `{column.signature}`, gold `{column.gold_digest[:12]}`" for column in board.columns
    ]
    return "\n".join(lines) + "\n"


def as_csv(board: Board) -> str:
    """Return a board as CSV: a row per model and suite, numbers in full."""
    out = io.StringIO()
    names = [
        "model", "ranked", "reasons", "rank_best", "rank_worst", "composite", "composite_low",
        "composite_high", "mean", "win_rate", "suite", "metric", "signature", "value", "low", "high",
        "suite_rank_best", "suite_rank_worst", "n", "model_digest", "adapter_digest",
    ]  # fmt: skip
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for entry in board.entries:
        for column in board.columns:
            writer.writerow(_values(board, entry, column))
    return out.getvalue()


def _row(board: Board, entry: Entry) -> list[str]:
    if entry.tally is not None and entry.strength is not None:
        tally = entry.tally
        return [
            rank_text(entry.rank), entry.name, number(entry.strength.value),
            bounds(entry.strength), f"{tally.out_of_ten:.1f}",
            str(tally.wins), str(tally.ties), str(tally.losses),
        ]  # fmt: skip
    found = [rank_text(entry.rank), entry.name]
    if board.has_composite:
        found += [interval(entry.composite), rank_text(entry.weight_ranks)]
    for column in board.columns:
        cell = entry.cell(column.suite)
        found.append(interval(cell.value if cell else None, column))
        if len(board.columns) > 1:
            found.append(rank_text(cell.rank if cell else None))
    if len(board.columns) > 1:
        found += [number(entry.mean), number(entry.win_rate)]
    return found


def _values(board: Board, entry: Entry, column: Column) -> dict[str, object]:
    cell = entry.cell(column.suite)
    value = entry.strength if board.kind == "votes" else cell.value if cell else None
    rank = entry.rank if board.kind == "votes" else cell.rank if cell else None
    tally = entry.tally
    n = tally.wins + tally.ties + tally.losses if tally else cell.n if cell else 0
    return {
        "model": entry.name,
        "ranked": entry.is_ranked,
        "reasons": "; ".join(reason.text for reason in entry.reasons),
        "rank_best": entry.rank.best if entry.rank else None,
        "rank_worst": entry.rank.worst if entry.rank else None,
        "composite": entry.composite.value if entry.composite else None,
        "composite_low": entry.composite.low if entry.composite else None,
        "composite_high": entry.composite.high if entry.composite else None,
        "mean": entry.mean,
        "win_rate": entry.win_rate,
        "suite": column.suite,
        "metric": column.metric,
        "signature": column.signature,
        "value": value.value if value else None,
        "low": value.low if value else None,
        "high": value.high if value else None,
        "suite_rank_best": rank.best if rank else None,
        "suite_rank_worst": rank.worst if rank else None,
        "n": n,
        "model_digest": entry.model_digest,
        "adapter_digest": entry.adapter_digest,
    }


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Keep a text from ending a cell or a line, or from being read as markup."""
    flat = " ".join(text.split())
    for char in "\\|*_`[]":
        flat = flat.replace(char, f"\\{char}")
    return flat.replace("<", "&lt;")
