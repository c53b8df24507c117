"""A board for the Hugging Face hub: `model-index` in model cards, and `.eval_results/*.yaml`.

Formats: huggingface.co/docs/hub/model-cards and huggingface.co/docs/hub/eval-results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from harness.digest import digest_of
from harness.errors import ConfigError, InputError
from harness.leaderboard.board import Board, Cell, Column, Entry
from harness.leaderboard.config import HubDataset
from harness.store import write_text

CARD = "README.md"
RESULTS = ".eval_results"
INDEX = "model-index"
_FRONT = re.compile(r"\A---\r?\n(.*?)^---[ \t]*\r?\n", re.DOTALL | re.MULTILINE)


def write_hub(board: Board, folder: Path) -> list[Path]:
    """Write a model card and evaluation results for every ranked model, each in its own folder.

    A card that is there keeps its text, its other fields and other results. `.eval_results` are for the suites
    whose data set on the hub is declared: its leaderboard knows no others.

    Raises:
        InputError: a board of votes has no data sets, so it cannot be said this way.
        ConfigError: a card that is there cannot be read.
    """
    if board.kind == "votes":
        raise InputError(f"{board.name}: votes have no data set, so there is nothing for --hf")
    written: list[Path] = []
    names = homes(board)
    for entry in board.ranked:
        home = folder / names[entry.name]
        card = home / CARD
        old = _card(card)
        write_text(card, card_with(old, model_index(board, entry), entry, where=card))
        written.append(card)
        for column, cell in _measured(board, entry):
            dataset = board.config.datasets.get(column.suite)
            if dataset is not None:
                file = home / RESULTS / f"{slug(column.suite)}.yaml"
                write_text(file, _yaml([eval_result(board, column, cell, dataset)]))
                written.append(file)
    return written


def model_index(board: Board, entry: Entry) -> list[dict[str, Any]]:
    """Return a model card's `model-index`."""
    results = [_result(board, column, cell) for column, cell in _measured(board, entry)]
    return [{"name": entry.hub_id or entry.name, "results": results}]


def eval_result(board: Board, column: Column, cell: Cell, dataset: HubDataset) -> dict[str, Any]:
    """Return one entry of `.eval_results/*.yaml`."""
    assert cell.value is not None, f"{column.suite} was not measured"
    low, high = cell.value.low, cell.value.high
    return {
        "dataset": _known({"id": dataset.id, "task_id": dataset.task_id,
                           "revision": dataset.revision}),
        "value": cell.value.value,
        **({"date": cell.created} if cell.created else {}),
        **({"source": {"url": board.config.url, "name": board.name}} if board.config.url else {}),
        "notes": f"{column.signature}; 95 % interval [{low:.4g}, {high:.4g}]"
        if low is not None and high is not None
        else column.signature,
    }  # fmt: skip


def card_with(old: str, index: list[dict[str, Any]], entry: Entry, *, where: Path) -> str:
    """Return a model card with our results in its `model-index`; all else in it is kept.

    Results of the same data set and metric are replaced, others in the `model-index` kept. The
    other lines of the front matter are not touched: YAML would read `language: no` as false.

    Args:
        old: The card's text; empty where there is none.
        index: The `model-index`.
        entry: Whose card it is.
        where: The card's file, for messages.

    Raises:
        ConfigError: its front matter is not YAML.
    """
    match = _FRONT.match(old)
    front = match[1] if match else ""
    fields = _fields(front, where)
    merged = _merged(fields.get(INDEX), index)
    block = _yaml({INDEX: merged})
    text = _without_index(front) + block
    if _parsed(text) != {**fields, INDEX: merged}:
        text = _yaml({**fields, INDEX: merged})
    body = old[match.end() :] if match else old or f"\n# {entry.name}\n"
    return f"---\n{text}---\n{body}"


def homes(board: Board) -> dict[str, str]:
    """Return a folder's name for every ranked model, each its own; by the model's name."""
    plain = {entry.name: slug(entry.name) for entry in board.ranked}
    taken = [name.casefold() for name in plain.values()]
    return {
        name: found if taken.count(found.casefold()) == 1 else f"{found}-{digest_of(name)[:8]}"
        for name, found in plain.items()
    }


def slug(name: str) -> str:
    """Return a name that is safe for a file: letters of any script, digits, `.`, `-` and `_`."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"


def _card(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig") if file.exists() else ""
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8; store it as UTF-8") from None


def _fields(front: str, where: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(front)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 2}" if mark is not None else ""
        raise ConfigError(f"{where}{line}: the front matter is not valid YAML") from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ConfigError(f"{where}:1: the front matter is not `key: value` lines")
    return cast("dict[str, Any]", fields)


def _parsed(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _without_index(front: str) -> str:
    """Return the lines of a front matter without those of its `model-index`."""
    kept: list[str] = []
    is_index = False
    for line in front.splitlines():
        if line[:1] not in {"", " ", "-", "#"}:
            is_index = line.startswith(f"{INDEX}:")
        if not is_index:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _merged(old: object, index: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return our `model-index` followed by the results that a card had of other measurements."""
    ours = {key for model in index for result in model["results"] for key in _keys(result)}
    kept: list[dict[str, Any]] = []
    for model in old if isinstance(old, list) else []:
        results = [
            one | {"metrics": left} if "metrics" in one else one
            for one in model.get("results") or []
            if (left := [m for m in one.get("metrics") or [] if _key(one, m) not in ours])
            or not one.get("metrics")
        ]
        if results:
            kept.append(model | {"results": results})
    same = [model for model in kept if model.get("name") == index[0]["name"]]
    others = [model for model in kept if model.get("name") != index[0]["name"]]
    results = [result for model in [*index, *same] for result in model["results"]]
    return [{**index[0], "results": results}, *others]


def _keys(result: Mapping[str, Any]) -> list[tuple[object, ...]]:
    return [_key(result, metric) for metric in result["metrics"]]


def _key(result: Mapping[str, Any], metric: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what a result is of: two with the same are of the same measurement."""
    dataset = result.get("dataset") or {}
    return (*(dataset.get(key) for key in ("type", "config", "split")), metric.get("type"))


def _measured(board: Board, entry: Entry) -> list[tuple[Column, Cell]]:
    pairs = [(column, entry.cell(column.suite)) for column in board.columns]
    return [(column, cell) for column, cell in pairs if cell is not None and cell.value is not None]


def _result(board: Board, column: Column, cell: Cell) -> dict[str, Any]:
    assert cell.value is not None, f"{column.suite} was not measured"
    dataset = board.config.datasets.get(column.suite)
    declared = (
        {"type": dataset.id, "config": dataset.config, "split": dataset.split,
         "revision": dataset.revision}
        if dataset
        else {"type": column.suite}
    )  # fmt: skip
    source = {"name": board.name, "url": board.config.url} if board.config.url else None
    return {
        "task": {"type": dataset.task_type if dataset else "text-generation"},
        "dataset": _known({"name": f"{column.suite} {column.version}".strip(), **declared}),
        "metrics": [
            {
                "type": column.metric,
                "name": column.metric,
                "value": cell.value.value,
                "args": _known(
                    {
                        "signature": column.signature,
                        "low": cell.value.low,
                        "high": cell.value.high,
                        "confidence": 0.95,
                        "items": cell.n,
                        "gold": column.gold_digest,
                    }
                ),
            }
        ],
        **({"source": source} if source else {}),
    }


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
