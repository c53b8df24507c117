"""What is run: cells of one configuration on one suite each, and where their runs lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.engines.base import Dtype
from harness.models import ModelSource
from harness.store import RunFolder, run_folder
from harness.suite import Suite
from harness.templates import ChatTemplate
from harness.types import Adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What all cells of one call share."""

    model: ModelSource
    template: ChatTemplate
    engine: str = "vllm"
    dtype: Dtype = "auto"
    temperature: float = 0.0
    seed: int = 0
    lora_mode: str = "auto"
    replay_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One configuration on one suite."""

    name: str
    """Of the configuration."""
    suite: Suite
    adapter: Adapter | None = None

    @property
    def label(self) -> str:
        """For progress and messages."""
        return f"{self.name} · {self.suite.name}"


def identity(cell: Cell, serving: Serving) -> dict[str, object]:
    """Return everything that determines the completions of a cell."""
    found: dict[str, object] = {
        **cell.suite.identity(),
        "model": serving.model.digest,
        "adapter": cell.adapter.digest if cell.adapter else None,
        "template": serving.template.digest,
        "engine": serving.engine,
        "dtype": serving.dtype,
        "temperature": serving.temperature,
        "seed": serving.seed,
    }
    if serving.replay_from is not None:
        found["replay"] = serving.replay_from
    return found


def folder_of(cell: Cell, serving: Serving, root: Path) -> RunFolder:
    """Return where a cell's run lies."""
    return run_folder(root, cell.suite.name, cell.name, identity(cell, serving))


def missing_items(cell: Cell, serving: Serving, root: Path) -> list[str]:
    """Return the gold ids that have no completion yet."""
    done = folder_of(cell, serving, root).completions()
    return [record.id for record in cell.suite.gold if record.id not in done]
