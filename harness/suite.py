"""Read a suite: what is asked (tasks, prompts), of what (gold), and how it is scored (metrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from harness.config import line_in, load_yaml, read_jsonl, validate_row
from harness.dialogues import expand
from harness.digest import digest_of
from harness.errors import ConfigError, GoldError, UnknownNameError
from harness.gold import check_gold, gold_digest, load_gold, subset
from harness.registry import metrics
from harness.rubric import JudgeConfig
from harness.shipped import suite_file
from harness.shots import Pools, choose_shots, read_pools
from harness.sources.config import SourceConfig
from harness.sources.read import read_source
from harness.spec import Spec
from harness.tasks import TaskConfig, TaskError, fit, resolve
from harness.types import GoldRecord, Language, Record

NAME = r"^[a-z0-9][a-z0-9._-]*$"
"""Names become folders."""
NOT_ASKED = {"metrics", "extract"}
"""Settings of a task that decide its scores, not its prompts."""


class LmEvalOptions(Record):
    """How lm-eval is to ask a task; the names and defaults are its own."""

    include: str | None = None
    """Folder with task YAML files of your own."""
    limit: int | None = Field(default=None, gt=0)
    """Only the first documents of each task."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """Solved examples; by default as many as the task says."""
    apply_chat_template: bool = False
    """Whether prompts are laid out by the chat template."""
    system_instruction: str | None = None


class LmEvalOrigin(Record):
    """The lm-eval task that a suite was made from."""

    task: str
    """A task, tag or group of lm-eval."""
    version: str
    """Of lm-eval."""
    requests: str
    """Hash of everything that it asks, before a chat template."""
    options: LmEvalOptions = LmEvalOptions()
    files: dict[str, str] = Field(default_factory=dict)
    """Hashes of the local files that decide the task."""
    left_out: tuple[str, ...] = ()
    """Metrics that cannot be compared item by item, and why."""


class SuiteConfig(Record):
    """suite.yaml."""

    name: str = Field(pattern=r"^(lm-eval/[A-Za-z0-9._-]+|[a-z0-9][a-z0-9._-]*)$")
    version: str
    language: Language
    """Decides the tokenisation of every metric."""
    description: str
    license: str | None = None
    gold: str = "gold.jsonl"
    source: SourceConfig | None = None
    """Makes the gold set from public data instead of reading `gold`."""
    shots_from: str | None = None
    """JSON Lines file of solved examples, written like gold rows. It may be the gold set itself:
    no item is its own example, nor that of its cluster."""
    system: str | None = None
    tasks: dict[str, TaskConfig] = Field(min_length=1)
    judges: dict[Annotated[str, Field(pattern=NAME)], JudgeConfig] = Field(default_factory=dict)
    """Models that judge answers; the metrics {judge: name} and {win_rate: name} read them."""
    lm_eval: LmEvalOrigin | None = None
    """Set by Tunemark when it makes a suite from an lm-eval task."""

    @model_validator(mode="after")
    def _is_whole(self) -> SuiteConfig:
        for name, task in self.tasks.items():
            if (task.type == "lm_eval") != (self.lm_eval is not None):
                raise ValueError(
                    f"task {name!r}: type lm_eval is for the suites that are made from an lm-eval "
                    "task; name that task as lm-eval/TASK instead"
                )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which gold items of a suite, where that is not said by its own files."""

    data: Path | None = None
    """Folder or file with the public data that the suite's `source` reads."""
    limit: int | None = None
    """At most so many items of each task; a dialogue counts as one."""
    limit_seed: int | None = None
    """Draw them at random with this seed; None: the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite with its gold set loaded and checked."""

    config: SuiteConfig
    """With every default filled in."""
    file: Path
    """Its suite.yaml."""
    gold: tuple[GoldRecord, ...]
    """Dialogues are taken apart into their turns."""
    gold_digest: str
    pools: Pools = field(default_factory=dict)
    """Solved examples by task."""
    earlier: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Gold ids whose answers an item's prompt contains, for dialogues on the model's own answers;
    items that need none are absent."""
    selection: Selection = Selection()
    """How to load it again."""

    @property
    def name(self) -> str:
        """Name from suite.yaml."""
        return self.config.name

    def metric_specs(self) -> tuple[Spec, ...]:
        """Return the metrics of all tasks that have items, in order of first mention."""
        asked = {record.task for record in self.gold}
        specs = [
            spec
            for name, task in self.config.tasks.items()
            if name in asked
            for spec in task.metrics
        ]
        return tuple({spec.label: spec for spec in specs}.values())

    def metrics(self) -> tuple[str, ...]:
        """Return the metrics' names in tables, in order of first mention."""
        return tuple(spec.label for spec in self.metric_specs())

    def chosen(self) -> dict[str, object] | None:
        """Return how its items were chosen, for a run's record; None: all that are its own."""
        selection = self.selection
        if self.config.source is None and selection == Selection():
            return None
        data = None if selection.data is None else str(selection.data)
        return {"data": data, "limit": selection.limit, "limit_seed": selection.limit_seed}

    def shots(self, record: GoldRecord) -> tuple[GoldRecord, ...]:
        """Return the solved examples that stand before an item.

        Raises:
            ConfigError: there are too few.
        """
        if record.task not in self.pools:
            return ()
        return choose_shots(self.config.tasks[record.task], self.pools[record.task], record)

    def identity(self) -> dict[str, object]:
        """Return everything here that decides the prompts; metrics do not."""
        origin = self.config.lm_eval
        paths = {"files": True, "left_out": True, "options": {"include"}}
        return {
            "suite": self.name,
            "language": self.config.language,
            "system": self.config.system,
            "tasks": {
                name: task.model_dump(mode="json", exclude=NOT_ASKED)
                for name, task in self.config.tasks.items()
            },
            "gold": self.gold_digest,
            "shots": digest_of(self._shots_identity()),
            **({"lm_eval": origin.model_dump(mode="json", exclude=paths)} if origin else {}),
        }

    def _shots_identity(self) -> dict[str, object]:
        """Return which examples each item gets, and what they are."""
        chosen = {r.id: self.shots(r) for r in self.gold if r.task in self.pools}
        rows = {row.id: row.model_dump(mode="json") for shots in chosen.values() for row in shots}
        return {"rows": rows, "of": {key: [s.id for s in shots] for key, shots in chosen.items()}}


def load_suite(path: Path, selection: Selection | None = None) -> Suite:
    """Read a suite from its folder, its suite.yaml or the name of one that is shipped.

    Args:
        path: Where it is.
        selection: Where its data is and how many items to take; by default all of its own.

    Raises:
        ConfigError, GoldError, UnknownNameError: naming file and line.
    """
    selection = selection or Selection()
    file = suite_file(path)
    config = resolve_tasks(load_yaml(file, SuiteConfig), file)
    rows = _rows(config, file, selection)
    return replace(assemble(config, file, rows), selection=selection)


def suite_with_gold(path: Path, kept: Path) -> Suite:
    """Read a suite whose items are those of a gold set that a run kept; it is only for scoring.

    Raises:
        ConfigError, GoldError, UnknownNameError: naming file and line.
    """
    file = suite_file(path)
    config = resolve_tasks(load_yaml(file, SuiteConfig), file)
    lines = read_jsonl(kept, GoldError)
    gold = tuple(validate_row(line, kept, GoldRecord, GoldError) for line in lines)
    tasks = {
        name: fit(task, [row for row in gold if row.task == name], config.language)
        for name, task in config.tasks.items()
    }
    fitted = config.model_copy(update={"tasks": tasks})
    return Suite(config=fitted, file=file, gold=gold, gold_digest=gold_digest(gold))


def _rows(config: SuiteConfig, file: Path, selection: Selection) -> tuple[GoldRecord, ...]:
    if config.source is None:
        if selection.data is not None:
            raise ConfigError(f"{file}: this suite brings its own gold set; --data is not for it")
        rows = load_gold(file.parent / config.gold, config.tasks, config.language)
    else:
        found = read_source(config.source, config.tasks, file, selection.data)
        placed = ((one.where, one.record) for one in found)
        rows = check_gold(placed, config.tasks, config.language, selection.data or file)
    if selection.limit is None:
        return rows
    return subset(rows, selection.limit, seed=selection.limit_seed)


def resolve_tasks(config: SuiteConfig, file: Path) -> SuiteConfig:
    """Return the configuration with every task's defaults filled in.

    Raises:
        ConfigError, UnknownNameError: a setting contradicts its type; no such metric.
    """
    tasks = {n: _resolved(task, config.language, file, n) for n, task in config.tasks.items()}
    _refuse_equal_labels(tasks, file)
    return config.model_copy(update={"tasks": tasks})


def assemble(config: SuiteConfig, file: Path, rows: Sequence[GoldRecord]) -> Suite:
    """Return the suite of resolved tasks and checked gold rows.

    Raises:
        ConfigError, GoldError: examples that are missing, or equal ids of rows and turns.
    """
    expanded = expand(rows, config.tasks)
    _refuse_equal_ids(expanded.items, file.parent / config.gold)
    tasks = {
        name: fit(task, [row for row in rows if row.task == name], config.language)
        for name, task in config.tasks.items()
    }
    suite = Suite(
        config=config.model_copy(update={"tasks": tasks}),
        file=file,
        gold=expanded.items,
        gold_digest=gold_digest(expanded.items),
        pools=_pools(config, file, {row.id for row in rows}),
        earlier=expanded.earlier,
    )
    _check_shots(suite)
    return suite


def _resolved(task: TaskConfig, language: Language, file: Path, name: str) -> TaskConfig:
    try:
        full = resolve(task, language)
    except TaskError as fault:
        loc = ("tasks", name, fault.setting)
        raise ConfigError(f"{file}:{line_in(file, loc)}: {'.'.join(loc)}: {fault}") from None
    for metric in full.metrics:
        if metric.name not in metrics():
            where = f"{file}: task {name}"
            raise UnknownNameError("metric", metric.name, metrics(), where=where)
    return full


def _refuse_equal_labels(tasks: Mapping[str, TaskConfig], file: Path) -> None:
    """Two metrics that are called alike (`as`) would be taken for one."""
    seen: dict[str, Spec] = {}
    for task in tasks.values():
        for spec in task.metrics:
            if seen.setdefault(spec.label, spec) != spec:
                raise ConfigError(f"{file}: two different metrics are called {spec.label!r}")


def _refuse_equal_ids(items: tuple[GoldRecord, ...], file: Path) -> None:
    """A row may be called like a turn of a dialogue."""
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise GoldError(f"{file}: id {item.id!r} is also that of a dialogue's turn; rename it")
        seen.add(item.id)


def _pools(config: SuiteConfig, file: Path, gold_ids: Set[str]) -> Pools:
    wanted = [name for name, task in config.tasks.items() if task.shots]
    if not wanted:
        return {}
    if config.shots_from is None:
        raise ConfigError(f"{file}: task {wanted[0]!r} has shots, but no `shots_from` file")
    path = file.parent / config.shots_from
    is_gold_itself = path.resolve() == (file.parent / config.gold).resolve()
    taken: Set[str] = frozenset() if is_gold_itself else gold_ids
    return read_pools(path, config.tasks, config.language, taken=taken)


def _check_shots(suite: Suite) -> None:
    """Choose every item's examples once, so that too few are found now."""
    for record in suite.gold:
        try:
            suite.shots(record)
        except ConfigError as error:
            file = suite.file.parent / str(suite.config.shots_from)
            raise ConfigError(f"{file}: {error}") from None
