"""Read a suite: what is asked (tasks, prompts), of what (gold), and how it is scored (metrics)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, field_validator

from harness.config import load_yaml, read_jsonl, validate_row
from harness.digest import digest_of
from harness.errors import ConfigError, GoldError, UnknownNameError
from harness.gold import gold_digest, load_gold
from harness.registry import metrics
from harness.spec import Spec
from harness.types import GoldRecord, Record, TaskType

Language = Literal["en", "zh"]

PROMPT_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)


class TaskConfig(Record):
    """One kind of question in a suite."""

    type: TaskType = "generate"
    prompt: str = "{{ input }}"
    """Jinja template of the user's turn; `input` is the gold row's input."""
    system: str | None = None
    """System turn; the suite's own when absent."""
    max_tokens: int = Field(default=64, gt=0)
    stop: tuple[str, ...] = ()
    """Strings that end a completion, besides the template's own."""
    shots: int = Field(default=0, ge=0)
    """Solved examples before the question, the first of `shots_from` with this task."""
    metrics: tuple[Spec, ...] = Field(min_length=1)
    """Names, or {name: {parameter: value}}."""
    extract: tuple[Spec, ...] = ()
    """Steps that find the answer in what the model said, before any metric sees it."""
    labels: tuple[str, ...] = ()
    """The classes of a classification task; by default those of the gold answers."""

    @field_validator("prompt")
    @classmethod
    def _is_jinja(cls, prompt: str) -> str:
        try:
            PROMPT_JINJA.parse(prompt)
        except TemplateError as error:
            raise ValueError(f"not a valid Jinja template: {error}") from None
        return prompt


class SuiteConfig(Record):
    """suite.yaml."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: str
    language: Language
    """Decides the tokenisation of every metric."""
    description: str
    license: str | None = None
    gold: str = "gold.jsonl"
    shots_from: str | None = None
    """JSON Lines file of solved examples (gold rows that are not in the gold set)."""
    system: str | None = None
    tasks: dict[str, TaskConfig] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite with its gold set loaded and checked."""

    config: SuiteConfig
    file: Path
    """Its suite.yaml."""
    gold: tuple[GoldRecord, ...]
    gold_digest: str
    shots: dict[str, tuple[GoldRecord, ...]]
    """Solved examples by task."""

    @property
    def name(self) -> str:
        """Name from suite.yaml."""
        return self.config.name

    def metric_specs(self) -> tuple[Spec, ...]:
        """Return the metrics of all tasks, in order of first mention."""
        specs = [spec for task in self.config.tasks.values() for spec in task.metrics]
        return tuple({spec.label: spec for spec in specs}.values())

    def metrics(self) -> tuple[str, ...]:
        """Return the metrics' names in tables, in order of first mention."""
        return tuple(spec.label for spec in self.metric_specs())

    def identity(self) -> dict[str, object]:
        """Return everything here that decides the prompts; metrics do not."""
        tasks = {
            name: task.model_dump(mode="json", exclude={"metrics", "extract", "labels"})
            for name, task in self.config.tasks.items()
        }
        shots = {
            task: [row.model_dump(mode="json") for row in rows] for task, rows in self.shots.items()
        }
        return {
            "suite": self.name,
            "language": self.config.language,
            "system": self.config.system,
            "tasks": tasks,
            "gold": self.gold_digest,
            "shots": digest_of(shots),
        }


def load_suite(path: Path) -> Suite:
    """Read a suite from its folder or its suite.yaml.

    Raises:
        ConfigError, GoldError, UnknownNameError: naming file and line.
    """
    file = path / "suite.yaml" if path.is_dir() or path.suffix != ".yaml" else path
    config = load_yaml(file, SuiteConfig)
    for task_name, task in config.tasks.items():
        for metric in task.metrics:
            if metric.name not in metrics():
                where = f"{file}: task {task_name}"
                raise UnknownNameError("metric", metric.name, metrics(), where=where)
    types: dict[str, TaskType] = {name: task.type for name, task in config.tasks.items()}
    gold = load_gold(file.parent / config.gold, types)
    return Suite(
        config=config,
        file=file,
        gold=gold,
        gold_digest=gold_digest(gold),
        shots=_load_shots(config, file, {record.id for record in gold}),
    )


def _load_shots(
    config: SuiteConfig, file: Path, gold_ids: set[str]
) -> dict[str, tuple[GoldRecord, ...]]:
    wanted = {name: task.shots for name, task in config.tasks.items() if task.shots}
    if not wanted:
        return {}
    if config.shots_from is None:
        raise ConfigError(
            f"{file}: task {next(iter(wanted))!r} has shots, but no `shots_from` file"
        )
    path = file.parent / config.shots_from
    rows: dict[str, list[GoldRecord]] = {name: [] for name in wanted}
    for line in read_jsonl(path, GoldError):
        row = validate_row(line, path, GoldRecord, GoldError)
        if row.id in gold_ids:
            raise GoldError(f"{path}:{line.number}: shot {row.id!r} is also a gold item")
        if row.task in rows:
            rows[row.task].append(row)
    for name, count in wanted.items():
        if len(rows[name]) < count:
            raise ConfigError(
                f"{path}: task {name!r} wants {count} shots, the file has {len(rows[name])}"
            )
    return {name: tuple(rows[name][:count]) for name, count in wanted.items()}
