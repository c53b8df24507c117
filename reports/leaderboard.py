"""Write a board as one HTML file that needs nothing else and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.leaderboard.board import Board, Column, Entry, Estimate, tied_with_first
from harness.leaderboard.changes import Change, rank_text
from harness.leaderboard.exports.text import bounds, number
from harness.leaderboard.reasons import Reason
from harness.stats.ranking import Rank
from reports.axes import Axis, Tick
from reports.board_words import SIDES
from reports.render import asset, environment
from reports.words import Lang, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One model's whisker, positions in percent."""

    name: str
    rank: str
    at: float
    low: float
    high: float
    text: str
    is_level: bool
    """Whether it cannot be told apart from the first of the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The values of all ranked models with their intervals; right is better."""

    title: str
    note: str
    status: str
    is_reversed: bool
    ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Td:
    """One cell of the table."""

    text: str
    sort: str
    """What the column is sorted by, the best smallest; a number or a name."""
    small: str = ""


def render_board(board: Board, changed: Sequence[Change] = (), *, lang: Lang = "en") -> str:
    """Return a board as HTML.

    Args:
        board: What to show.
        changed: Against an earlier snapshot.
        lang: Language of the page's own words.
    """
    style = asset("parts.css") + asset("report.css") + asset("leaderboard.css")
    script = asset("leaderboard.js")
    return (
        environment(lang)
        .get_template("leaderboard.html.jinja")
        .render(
            board=board,
            lang=lang,
            answer=answer(board, lang),
            heads=_heads(board, lang),
            rows=[(entry, _row(board, entry)) for entry in board.ranked],
            charts=charts(board, lang),
            ranks=rank_chart(board, lang),
            reasons=lambda entry: [reason_text(found, lang) for found in entry.reasons],
            changes=[change_text(change, lang) for change in changed],
            remarks=_remarks(board, lang),
            matrix=_matrix(board),
            style=style,
            style_hash=_csp_hash(style),
            script=script,
            script_hash=_csp_hash(script),
        )
    )


def answer(board: Board, lang: Lang) -> str:
    """Say in a few words who is first, or that nobody is."""
    ranked = board.ranked
    if not ranked:
        return word(lang, "board_nobody")
    if not board.has_order:
        return word(lang, "board_no_order", n=len(ranked))
    tied = tied_with_first(board)
    first = ranked[0].name
    if len(ranked) == 1:
        return word(lang, "board_alone", name=first)
    if tied == 0:
        return word(lang, "board_first", name=first)
    return word(lang, "board_tied", name=first, n=tied)


def charts(board: Board, lang: Lang) -> list[Chart]:
    """Return the composite's chart, if there is one, and one for each suite."""
    found: list[Chart] = []
    if board.kind == "votes":
        rows = [(entry, entry.strength, entry.rank) for entry in board.ranked]
        return [_chart(word(lang, "board_strength"), "", board.status, rows, None, lang)]
    if board.has_composite:
        weights = " + ".join(f"{100 * (c.weight or 0):.0f} % {c.suite}" for c in board.columns)
        rows = [(entry, entry.composite, entry.rank) for entry in board.ranked]
        found.append(_chart(word(lang, "board_composite"), weights, board.status, rows, None, lang))
    for column in board.columns:
        cells = [(entry, entry.cell(column.suite)) for entry in board.ranked]
        rows = [(entry, cell.value, cell.rank) for entry, cell in cells if cell is not None]
        title = f"{column.suite} · {column.metric}"
        found.append(_chart(title, units_text(column, lang), column.status, rows, column, lang))
    return [chart for chart in found if chart.lines]


def rank_chart(board: Board, lang: Lang) -> Chart | None:
    """Return which ranks each model may have; None where there is no order."""
    ranked = [(entry, entry.rank) for entry in board.ranked if entry.rank is not None]
    if len(ranked) < 2:
        return None
    m = len(ranked)
    axis = Axis(low=0.5, high=m + 0.5)
    every = 1 + m // 20
    return Chart(
        title=word(lang, "board_possible"),
        note=word(lang, "board_open", share=round(100 * board.openness)),
        status=word(lang, f"board_{board.status}"),
        is_reversed=False,
        ticks=tuple(Tick(at=axis.at(i), label=str(i)) for i in range(1, m + 1, every)),
        lines=tuple(
            Line(
                name=entry.name,
                rank=rank_text(rank),
                at=axis.at(position),
                low=axis.at(rank.best),
                high=axis.at(rank.worst),
                text="",
                is_level=rank.best == 1,
            )
            for position, (entry, rank) in enumerate(ranked, start=1)
        ),
    )


def units_text(column: Column, lang: Lang) -> str:
    """Say how many items a suite has, and how many independent groups of them."""
    found = f"{column.n_items} {word(lang, 'items')}"
    if column.n_groups not in {0, column.n_items}:
        found += " · " + word(lang, "clusters", n=column.n_groups)
    return found


def reason_text(found: Reason, lang: Lang) -> str:
    """Say why a model is not ranked."""
    return word(lang, f"board_reason_{found.code}", **found.fields)


def change_text(change: Change, lang: Lang) -> str:
    """Say what changed on the board."""
    if lang == "en":
        return change.text
    fields = {"name": change.name, "before": change.before, "after": change.after}
    return word(lang, f"board_change_{change.code}", **fields)


def _chart(
    title: str,
    note: str,
    status: str,
    rows: Sequence[tuple[Entry, Estimate | None, Rank | None]],
    column: Column | None,
    lang: Lang,
) -> Chart:
    known = [(entry, value, rank) for entry, value, rank in rows if value is not None]
    is_reversed = column is not None and column.better == "lower"
    known.sort(key=lambda row: (row[1].value if is_reversed else -row[1].value, row[0].name))
    ends = [end for _, v, _ in known for end in (v.low, v.value, v.high) if end is not None]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    pad = 0.05 * (high - low or 1.0)
    axis = Axis(low=low - pad, high=high + pad, is_reversed=is_reversed)
    lines = tuple(
        Line(
            name=entry.name,
            rank=rank_text(rank),
            at=axis.at(value.value),
            low=axis.at(axis.low if value.low is None else value.low),
            high=axis.at(axis.high if value.high is None else value.high),
            text=f"{number(value.value, column)} {bounds(value, column)}",
            is_level=rank is not None and rank.best == 1,
        )
        for entry, value, rank in known
    )
    return Chart(
        title=title,
        note=note,
        status=word(lang, f"board_{status}"),
        is_reversed=is_reversed,
        ticks=axis.ticks(),
        lines=lines,
    )


def _heads(board: Board, lang: Lang) -> list[tuple[str, str]]:
    """Return the heads of the table with a second line each."""
    w = {key: word(lang, f"board_{key}") for key in SIDES}
    found = [(w["rank"], ""), (w["model"], "")]
    if board.kind == "votes":
        return [*found, (w["strength"], "[95 %]"), (w["out_of_ten"], ""), (w["record"], "")]
    if board.has_composite:
        found += [(w["composite"], "[95 %]"), (w["by_weights"], "")]
    for column in board.columns:
        arrow = " ↓" if column.better == "lower" else ""
        found.append((column.suite, f"{column.metric}{arrow} [95 %]"))
        if len(board.columns) > 1:
            found.append((w["rank"], column.suite))
    if len(board.columns) > 1:
        found += [(w["mean"], ""), (w["win_rate"], "")]
    return found


def _row(board: Board, entry: Entry) -> list[Td]:
    found = [_rank(entry.rank), Td(text=entry.name, sort=entry.name, small=_identity(entry))]
    if board.kind == "votes":
        tally = entry.tally
        assert tally is not None, f"{entry.name} has no votes"
        record = f"{tally.wins} / {tally.ties} / {tally.losses}"
        return [
            *found,
            _value(entry.strength, None),
            Td(text=f"{tally.out_of_ten:.1f}", sort=f"{-tally.out_of_ten}"),
            Td(text=record, sort=str(-tally.wins)),
        ]
    if board.has_composite:
        found += [_value(entry.composite, None), _rank(entry.weight_ranks)]
    for column in board.columns:
        cell = entry.cell(column.suite)
        found.append(_value(cell.value if cell else None, column))
        if len(board.columns) > 1:
            found.append(_rank(cell.rank if cell else None))
    if len(board.columns) > 1:
        found += [_number(entry.mean), _number(entry.win_rate)]
    return found


def _rank(rank: Rank | None) -> Td:
    sort = "1e9" if rank is None else f"{rank.best + rank.worst / 1e4}"
    return Td(text=rank_text(rank), sort=sort)


def _value(found: Estimate | None, column: Column | None) -> Td:
    if found is None:
        return Td(text="–", sort="1e9")
    is_lower = column is not None and column.better == "lower"
    sort = found.value if is_lower else -found.value
    return Td(text=number(found.value, column), sort=f"{sort}", small=bounds(found, column))


def _number(value: float | None) -> Td:
    return Td(text=number(value), sort="1e9" if value is None else f"{-value}")


def _identity(entry: Entry) -> str:
    digests = [d[:8] for d in (entry.model_digest, entry.adapter_digest) if d]
    base = entry.model if entry.model != entry.name else ""
    return " ".join(part for part in (base, "+".join(digests)) if part)


def _remarks(board: Board, lang: Lang) -> list[str]:
    found: list[str] = []
    if board.kind == "scores" and len(board.columns) > 1:
        if not board.has_composite:
            found.append(word(lang, "board_no_weights"))
        found.append(word(lang, "board_win_rate_note"))
    unknown = [entry.name for entry in board.ranked if entry.leaked is None]
    if board.kind == "scores" and unknown:
        found.append(word(lang, "board_not_looked_for", names=", ".join(unknown)))
    return [*found, *board.notes]


def _matrix(board: Board) -> list[tuple[str, list[str]]]:
    """Return how often each model beat each other, for a board of votes."""
    return [
        (entry.name, [f"{won:g}" for won in entry.tally.beaten])
        for entry in board.ranked
        if entry.tally is not None
    ]


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
