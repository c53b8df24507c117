"""Read a board's YAML file: which suites, which metric decides on each, which runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.config import load_yaml
from harness.errors import ConfigError
from harness.spec import Spec
from harness.types import Record

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names become folders."""
HUB_ID = r"^[A-Za-z0-9][\w.-]*/[\w.-]+$"


class BoardSuite(Record):
    """A suite of a board."""

    path: str
    """Folder of the suite, relative to the board's file, or the name of a shipped one."""
    data: str | None = None
    """Folder or file with the public data that a recipe reads, relative to the board's file.
    Without it the gold set that most runs kept is taken."""
    limit: int | None = Field(default=None, gt=0)
    """At most so many items of each task."""
    limit_seed: int | None = None
    """Draw them at random with this seed; null: the first ones."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class BoardMetric(Record):
    """The metric that decides on one suite."""

    suite: str
    """Name of one of the board's suites."""
    metric: Spec
    weight: float | None = Field(default=None, gt=0)
    """Share in the composite, relative to the others; all metrics have one, or none has."""


class BoardLimits(Record):
    """What a model must fulfil to be ranked."""

    coverage: float = Field(default=1.0, gt=0, le=1)
    """Least share of a suite's items that are answered and scored."""
    leaked_items: int = Field(default=0, ge=0)
    """Most gold items of a suite that may stand in a model's training data, where that is known."""


class HubDataset(Record):
    """A suite's data set on the Hugging Face hub."""

    id: str = Field(pattern=HUB_ID)
    task_id: str = "default"
    """Of the task in the data set's eval.yaml."""
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    """Git commit."""
    task_type: str = "text-generation"
    """In model-index."""


class BoardConfig(Record):
    """A board's YAML file."""

    name: str = Field(pattern=NAME)
    description: str = ""
    suites: tuple[BoardSuite, ...] = ()
    metrics: tuple[BoardMetric, ...] = ()
    """One for each suite."""
    runs: tuple[str, ...] = ()
    """Run folders, folders of runs and studies' folders, or patterns of these (`*`), relative to
    the board's file."""
    votes: str | None = None
    """JSON Lines of pairwise votes {item, rater, a, b, winner: a, b or tie}, instead of runs."""
    template: Literal["same", "own", "any"] = "same"
    """Which chat template models must use: all the same; each its own; whichever."""
    limits: BoardLimits = BoardLimits()
    baseline: str | None = None
    """Configuration whose answers metrics such as win_rate compare with."""
    ridge: float = Field(default=1e-3, gt=0)
    """Of Bradley–Terry: precision of the normal prior on each log-strength."""
    organization: str | None = None
    """Who publishes the board, in exports."""
    relationship: Literal["first_party", "third_party", "collaborative", "other"] = "other"
    """Who ran the evaluation, as seen from the models' makers, in exports."""
    url: str | None = None
    """Where the board is published, in exports."""
    models: dict[str, Annotated[str, Field(pattern=HUB_ID)]] = Field(default_factory=dict)
    """Hub id by the model's name here, for exports."""
    datasets: dict[str, HubDataset] = Field(default_factory=dict)
    """Hub data set by suite, for exports."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("runs"), str):
            return {**value, "runs": [value["runs"]]}
        return value

    @model_validator(mode="after")
    def _is_one_kind(self) -> BoardConfig:
        if self.votes is not None:
            if self.suites or self.runs or self.metrics:
                raise ValueError(
                    "a board has either `votes` or `suites`, `metrics` and `runs`; make two boards"
                )
            return self
        for name in ("suites", "runs"):
            if not getattr(self, name):
                raise ValueError(f"missing key {name!r} (or `votes`, for a board of votes)")
        named = [one.suite for one in self.metrics]
        for name in named:
            if named.count(name) > 1:
                raise ValueError(
                    f"metrics: {name!r} stands there twice; one metric decides on a suite"
                )
        if len({one.weight is None for one in self.metrics}) > 1:
            raise ValueError("metrics: give every metric a weight, or none")
        return self


def load_board_config(file: Path) -> BoardConfig:
    """Read a board's YAML file.

    Raises:
        ConfigError: naming file and line.
    """
    return load_yaml(file, BoardConfig)


def short_config(
    *,
    name: str,
    runs: tuple[str, ...],
    suites: tuple[str, ...],
    metrics: tuple[Spec, ...],
    suite_names: tuple[str, ...],
) -> BoardConfig:
    """Return the configuration that the short form of the command stands for.

    Args:
        name: Of the board.
        runs: Where runs lie.
        suites: Paths of suites.
        metrics: One for all suites, one for each in their order, or none.
        suite_names: What the suites are called.

    Raises:
        ConfigError: the numbers of suites and metrics do not fit.
    """
    if len(metrics) not in {0, 1, len(suites)}:
        raise ConfigError(
            f"{len(metrics)} metrics for {len(suites)} suites: give --metric once for all, or once "
            "for every --suite in the same order"
        )
    each = metrics if len(metrics) == len(suites) else metrics * len(suites)
    return BoardConfig(
        name=name,
        suites=tuple(BoardSuite(path=path) for path in suites),
        metrics=tuple(
            BoardMetric(suite=suite, metric=metric)
            for suite, metric in zip(suite_names, each, strict=False)
        ),
        runs=runs,
    )
