"""`tunemark leaderboard`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import json_option, print_json, say, trust_option
from harness.registry import load_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.leaderboard.board import Board
    from harness.leaderboard.changes import Change
    from harness.leaderboard.config import BoardConfig

HTML = "reports.leaderboard:render_board"
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="BOARD|RUNS…|VOTES")
@click.option("--suite", "suites", multiple=True, help="With RUNS: the suite; may be repeated.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="With RUNS: what decides on it; once for all suites, or once for each.",
)
@click.option("--name", help="With RUNS or VOTES: what the board is called.")
@click.option("--against", type=click.Path(path_type=Path), help="Show changes since a snapshot.")
@click.option("--publish", type=FOLDER, help="Store it as the next immutable snapshot here.")
@click.option("--html", type=FILE, help="Write a page.")
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the page."
)
@click.option("--markdown", type=FILE, help="Write it in Markdown.")
@click.option("--csv", type=FILE, help="Write a row per model and suite.")
@click.option("--hf", type=FOLDER, help="Write model cards and .eval_results for the hub.")
@click.option("--eee", type=FOLDER, help="Write Every Eval Ever 0.3.")
@trust_option
@json_option
def leaderboard(
    targets: tuple[str, ...],
    suites: tuple[str, ...],
    metrics: tuple[str, ...],
    name: str | None,
    against: Path | None,
    publish: Path | None,
    html: Path | None,
    lang: str,
    markdown: Path | None,
    csv: Path | None,
    hf: Path | None,
    eee: Path | None,
    trusts_code: bool,
    as_json: bool,
) -> None:
    """Put many models in order on suites; say how much of the order is known. Loads no model.

    Give a BOARD (its YAML file, or a published snapshot); or RUNS (run folders, folders of runs,
    studies, patterns) with --suite; or VOTES (JSON Lines of {item, rater, a, b, winner}).
    """
    from harness.leaderboard.changes import changes
    from harness.leaderboard.exports.text import as_csv, as_markdown
    from harness.leaderboard.snapshot import publish as publish_board
    from harness.leaderboard.snapshot import read_snapshot
    from harness.store import write_text

    earlier = read_snapshot(against).board if against is not None else None
    board = _board(targets, suites, metrics, name, trusts_code)
    changed: Sequence[Change] = () if earlier is None else changes(earlier, board)
    if publish is not None:
        stored = publish_board(board, publish)
        board = stored.snapshot.board
        if earlier is None and stored.is_new:
            changed = stored.snapshot.changes
        say(f"{stored.path}" if stored.is_new else f"{stored.path}: nothing changed since")
    if markdown is not None:
        write_text(markdown, as_markdown(board, changed))
    if csv is not None:
        write_text(csv, as_csv(board))
    if html is not None:
        write_text(html, load_object(HTML)(board, changed, lang=lang))
    _write_exports(board, hf, eee)
    if as_json:
        shown = [change.model_dump() | {"text": change.text} for change in changed]
        print_json({**board.model_dump(mode="json"), "digest": board.digest, "changes": shown})
        return
    click.echo(_table(board), nl=False)
    if earlier is not None or changed:
        click.echo("Changes:" if changed else "No changes.")
        for change in changed:
            click.echo(f"  {change.text}")


def _board(
    targets: tuple[str, ...],
    suites: tuple[str, ...],
    metrics: tuple[str, ...],
    name: str | None,
    trusts_code: bool,
) -> Board:
    from harness.errors import InputError
    from harness.leaderboard.config import BoardConfig, load_board_config
    from harness.leaderboard.rank import make_board
    from harness.leaderboard.snapshot import is_published, read_snapshot
    from harness.leaderboard.votes import votes_board

    first = Path(targets[0])
    is_snapshot = is_published(first)
    is_file = first.suffix in {".yaml", ".yml", ".jsonl"} or is_snapshot
    if is_file and (len(targets) > 1 or suites or metrics):
        raise InputError(f"{first} says everything by itself: leave the rest out")
    if is_snapshot:
        return read_snapshot(first).board
    if first.suffix == ".jsonl":
        config = BoardConfig(name=_name(name, first.stem), votes=first.name)
        return votes_board(config, first.parent)
    if first.suffix in {".yaml", ".yml"}:
        config, base = load_board_config(first), first.parent
        if config.votes is not None:
            return votes_board(config, base)
        return make_board(config, base, trusts_code=trusts_code)
    if not suites:
        raise InputError("which suite did these runs answer? Name it with --suite")
    config = _short(targets, suites, metrics, name)
    return make_board(config, Path(), trusts_code=trusts_code)


def _short(
    targets: tuple[str, ...], suites: tuple[str, ...], metrics: tuple[str, ...], name: str | None
) -> BoardConfig:
    from harness.leaderboard.config import short_config
    from harness.leaderboard.suites import suite_name
    from harness.spec import parse_specs

    names = tuple(suite_name(path, Path()) for path in suites)
    return short_config(
        name=_name(name, "-".join(names)),
        runs=targets,
        suites=suites,
        metrics=tuple(spec for text in metrics for spec in parse_specs(text)),
        suite_names=names,
    )


def _name(given: str | None, otherwise: str) -> str:
    """Return a board's name: the given one as it is, or one made of any text."""
    from harness.errors import InputError
    from harness.leaderboard.config import NAME

    if given is not None:
        if not re.match(NAME, given):
            raise InputError(
                f"--name {given!r}: a board's name becomes a folder; use letters A to Z, digits, "
                "`.`, `-` and `_`, and begin with a letter or digit"
            )
        return given
    return re.sub(r"[^A-Za-z0-9._-]+", "-", otherwise).strip("-._") or "board"


def _write_exports(board: Board, hf: Path | None, eee: Path | None) -> None:
    if hf is not None:
        from harness.leaderboard.exports.hub import write_hub

        say(f"{hf}: {len(write_hub(board, hf))} files")
        without = [c.suite for c in board.columns if c.suite not in board.config.datasets]
        if without:
            say(
                f"no .eval_results for {', '.join(without)}: the board declares no data set on the "
                "hub (`datasets:`)"
            )
    if eee is not None:
        from harness.leaderboard.exports.eee import write_eee

        say(f"{eee}: {len(write_eee(board, eee))} files")


def _table(board: Board) -> str:
    from harness.cli.tables import plain_table
    from harness.leaderboard.exports.text import headings, remarks, rows

    heads = headings(board)
    found = plain_table(heads, [dict(zip(heads, row, strict=True)) for row in rows(board)])
    lines = [f"{board.name}: {board.config.description}".rstrip(": "), found.rstrip("\n"), ""]
    if board.unranked:
        lines.append("Not ranked:")
        lines += [f"  {e.name}: {'; '.join(r.text for r in e.reasons)}" for e in board.unranked]
        lines.append("")
    return "\n".join([*lines, *remarks(board)]) + "\n"
