"""A board as Every Eval Ever 0.3: one JSON file per model, in the layout of its data store.

Schema and validator: `every_eval_ever` (evaleval, MIT); `python -m every_eval_ever validate`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.leaderboard.board import Board, Cell, Column, Entry
from harness.leaderboard.exports.hub import homes, slug
from harness.store import write_json

SCHEMA = "0.3.0"
LOCAL = "local"
"""Maker of models that are not on the hub, where the board names no organisation."""


def write_eee(board: Board, folder: Path, *, now: datetime | None = None) -> list[Path]:
    """Write data/<board>/<maker>/<model>/<uuid>.json for every model with a measured suite.

    Models that are not ranked are left out: their numbers are not comparable.

    Raises:
        InputError: a board of votes has no data sets, so it cannot be said this way.
    """
    if board.kind == "votes":
        raise InputError(f"{board.name}: votes have no data set, so there is nothing for --eee")
    written: list[Path] = []
    for entry in board.ranked:
        value = log_of(board, entry, now=now or datetime.now(UTC))
        maker, model = model_id(board, entry).split("/", 1)
        name = _uuid(f"{board.name}/{maker}/{model}/{board.digest}")
        file = folder / "data" / slug(board.name) / maker / model / f"{name}.json"
        write_json(file, value)
        written.append(file)
    return written


def log_of(board: Board, entry: Entry, *, now: datetime) -> dict[str, Any]:
    """Return one model's evaluation log."""
    stamp = f"{now.timestamp():.0f}"
    cells = [(c, cell) for c in board.columns if (cell := entry.cell(c.suite)) and cell.value]
    created = max((cell.created for _, cell in cells), default="")
    identity = model_id(board, entry)
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{board.name}/{identity}/{stamp}",
        **({"evaluation_timestamp": created} if created else {}),
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": board.name,
            "source_type": "evaluation_run",
            "source_organization_name": board.config.organization or LOCAL,
            **({"source_organization_url": board.config.url} if board.config.url else {}),
            "evaluator_relationship": board.config.relationship,
            "additional_details": _texts({"board_digest": board.digest, "status": board.status}),
        },
        "eval_library": {"name": "tunemark", "version": board.tunemark},
        "model_info": _model(board, entry, identity),
        "evaluation_results": [_result(board, entry, column, cell) for column, cell in cells],
    }


def model_id(board: Board, entry: Entry) -> str:
    """Return maker/model: the hub id, or a local one."""
    return entry.hub_id or f"{slug(board.config.organization or LOCAL)}/{homes(board)[entry.name]}"


def _model(board: Board, entry: Entry, identity: str) -> dict[str, Any]:
    return {
        "name": entry.name,
        "id": identity,
        "developer": identity.split("/", 1)[0],
        "inference_engine": {"name": entry.engine or "unknown"},
        "additional_details": _texts(
            {
                "deployment_type": "self_deployed",
                "model_availability": "open_weights" if entry.hub_id else "unknown",
                "base_model": entry.model,
                "model_digest": entry.model_digest,
                "adapter_digest": entry.adapter_digest,
                "chat_template": entry.template,
                "dtype": entry.dtype,
                "leaked_items": entry.leaked,
                "rank_best": entry.rank.best if entry.rank else None,
                "rank_worst": entry.rank.worst if entry.rank else None,
                "models_ranked": len(board.ranked),
            }
        ),
    }


def _result(board: Board, entry: Entry, column: Column, cell: Cell) -> dict[str, Any]:
    assert cell.value is not None, f"{column.suite} was not measured"
    low, high = cell.value.low, cell.value.high
    uncertainty: dict[str, Any] = {"num_samples": cell.n}
    if low is not None and high is not None:
        uncertainty["confidence_interval"] = {
            "lower": low,
            "upper": high,
            "confidence_level": 0.95,
            "method": cell.method,
        }
    arguments: dict[str, Any] = {}
    if entry.temperature is not None:
        arguments["temperature"] = entry.temperature
    return {
        "evaluation_result_id": f"{column.suite}/{column.metric}",
        "evaluation_name": column.suite,
        "source_data": _source(board, column),
        **({"evaluation_timestamp": cell.created} if cell.created else {}),
        "metric_config": {
            "evaluation_description": f"{column.metric} on {column.suite} {column.version}".strip(),
            "metric_id": column.metric,
            "metric_name": column.metric,
            "lower_is_better": column.better == "lower",
            "score_type": "continuous",
            "min_score": "-Infinity" if column.low is None else column.low,
            "max_score": "Infinity" if column.high is None else column.high,
            "additional_details": {"signature": column.signature},
        },
        "score_details": {
            "score": cell.value.value,
            "uncertainty": uncertainty,
            "details": _texts(
                {
                    "run": cell.run,
                    "rank_best": cell.rank.best if cell.rank else None,
                    "rank_worst": cell.rank.worst if cell.rank else None,
                }
            ),
        },
        "generation_config": {
            "generation_args": arguments,
            "additional_details": _texts({"seed": entry.seed}),
        },
    }


def _source(board: Board, column: Column) -> dict[str, Any]:
    details = _texts(
        {
            "gold_digest": column.gold_digest,
            "version": column.version,
            "language": column.language,
            "independent_groups": column.n_groups,
        }
    )
    dataset = board.config.datasets.get(column.suite)
    if dataset is None:
        return {"dataset_name": column.suite, "source_type": "other", "additional_details": details}
    return {
        "dataset_name": column.suite,
        "source_type": "hf_dataset",
        "hf_repo": dataset.id,
        **({"hf_split": dataset.split} if dataset.split else {}),
        "samples_number": column.n_items,
        "additional_details": details
        | _texts({"revision": dataset.revision, "task_id": dataset.task_id}),
    }


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    """Return what is known, as texts: the schema wants no other values there."""
    return {key: str(value) for key, value in values.items() if value not in (None, "")}


def _uuid(text: str) -> uuid.UUID:
    """Return the same version 4 UUID for the same text, so that a file is written once."""
    return uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)
