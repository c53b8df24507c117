"""Build a suite's metrics: look the name up, check the parameters, put the extraction in front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.config import line_in
from harness.errors import ConfigError, InputError
from harness.metrics.base import Array, Item, Metric, Scale, Setting, is_pure
from harness.metrics.classify import require_classes
from harness.metrics.extract import Pipeline, build_pipeline
from harness.metrics.labels import labels_of
from harness.registry import WHOLE_ANSWER, load, metrics
from harness.spec import ALIAS, Spec, call_with
from harness.suite import Suite
from harness.tasks import TaskConfig
from harness.types import Completion, Measurement

LIKELIHOOD = ("multiple_choice", "perplexity")
"""Types of tasks whose answers are log-likelihoods."""
OWN_EXTRACT = "extract"
"""Parameter that any metric takes: its own steps instead of the task's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracting:
    """A metric that sees only what its task's extraction steps find in an answer."""

    inner: Metric
    name: str
    pipelines: Mapping[str, Pipeline]
    """By task; "" is the rule for every task that is not named."""

    @property
    def signature(self) -> str:
        """The metric's own, and how the answer is found."""
        written = {task: pipeline.signature for task, pipeline in self.pipelines.items()}
        kinds = set(written.values())
        if kinds <= {""}:
            return self.inner.signature
        found = (
            kinds.pop()
            if len(kinds) == 1
            else ",".join(f"{task}:{text or 'none'}" for task, text in sorted(written.items()))
        )
        return f"{self.inner.signature}|extract:{found}"

    @property
    def scale(self) -> Scale:
        """The metric's own."""
        return self.inner.scale

    @property
    def pure(self) -> bool:
        """The metric's own; extraction looks at nothing but the text."""
        return is_pure(self.inner)

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Measure what was extracted; an answer in which nothing is found counts as empty."""
        found = [self._found(item, item.completion) for item in items]
        seen = [self._seen(item, text) for item, text in zip(items, found, strict=True)]
        measured = self.inner.measure(seen)
        return [
            replace(one, is_extracted=False) if one is not None and text is None else one
            for one, text in zip(measured, found, strict=True)
        ]

    def seen(self, items: Sequence[Item]) -> list[Item]:
        """Return the items as the metric sees them; what is not found is empty."""
        return [self._seen(item, self._found(item, item.completion)) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Return the metric's own value."""
        return self.inner.reduce(totals)

    def _found(self, item: Item, completion: Completion) -> str | None:
        pipeline = self.pipelines.get(item.gold.task) or self.pipelines.get("") or Pipeline()
        return pipeline.apply(completion.text, item.gold)

    def _seen(self, item: Item, text: str | None) -> Item:
        completion = item.completion.model_copy(update={"text": text or ""})
        if item.rival is None:
            return replace(item, completion=completion)
        rival = item.rival.model_copy(update={"text": self._found(item, item.rival) or ""})
        return replace(item, completion=completion, rival=rival)


def build_metric(
    spec: Spec | str, setting: Setting, *, pipelines: Mapping[str, Pipeline] | None = None
) -> Metric:
    """Return a registered metric, set up for a language and its parameters.

    Args:
        spec: Name and parameters.
        setting: What it is built for.
        pipelines: Extraction by task. The spec's own `extract` replaces it, and the gauges of a
            whole answer do without it.

    Raises:
        UnknownNameError: no such metric.
        ConfigError: a parameter that it does not take, or of the wrong type.
    """
    spec = Spec.model_validate(spec) if isinstance(spec, str) else spec
    factory = load("metric", spec.name, metrics())
    general = {OWN_EXTRACT, ALIAS}
    own = {name: value for name, value in spec.params.items() if name not in general}
    metric: Metric = call_with(factory, setting, Spec(name=spec.name, params=own), kind="metric")
    if spec.name in WHOLE_ANSWER:
        pipelines = None
    if OWN_EXTRACT in spec.params:
        pipelines = {"": build_pipeline(spec.params[OWN_EXTRACT], setting.language)}
    if spec.label == metric.name and not pipelines:
        return metric
    return Extracting(inner=metric, name=spec.label, pipelines=pipelines or {})


def suite_metrics(suite: Suite, *, trusts_code: bool = False) -> list[Metric]:
    """Return the metrics of all tasks of a suite, in order of first mention.

    Raises:
        UnknownNameError, ConfigError: naming the suite's file, the task and the metric.
    """
    for name, task in suite.config.tasks.items():
        with _told_where(suite.file, name, "extract"):
            if task.extract and task.type in LIKELIHOOD:
                raise ConfigError(f"for answers in words; a {task.type} task has none")
            build_pipeline(task.extract, suite.config.language)
        for number, spec in enumerate(task.metrics):
            with _told_where(suite.file, name, "metrics", number, what=f"metric {spec.label}"):
                metric_of(suite, spec, trusts_code=trusts_code)
    return [metric_of(suite, spec, trusts_code=trusts_code) for spec in suite.metric_specs()]


def metric_of(
    suite: Suite,
    spec: Spec,
    *,
    trusts_code: bool = False,
    runs: Path | None = None,
    baseline: str | None = None,
) -> Metric:
    """Return one metric as the suite's tasks use it.

    Args:
        suite: The suite.
        spec: One of its metrics.
        trusts_code: Whether Python files that the suite names may be run.
        runs: Folder of all runs, where judgements lie.
        baseline: Name of the run folder that answers are compared with.

    Raises:
        UnknownNameError, ConfigError: naming the suite's file.
    """
    tasks = {name: task for name, task in suite.config.tasks.items() if spec in task.metrics}
    setting = Setting(
        language=suite.config.language,
        labels=_labels(suite, tasks),
        no_answer=tuple(dict.fromkeys(t.no_answer for t in tasks.values() if t.no_answer)),
        folder=suite.file.parent,
        trusts_code=trusts_code,
        suite=suite,
        runs=runs,
        baseline=baseline,
    )
    pipelines = {
        name: build_pipeline(task.extract, suite.config.language)
        for name, task in tasks.items()
        if task.extract
    }
    if pipelines:
        pipelines = {name: pipelines.get(name, Pipeline()) for name in tasks}
    metric = build_metric(spec, setting, pipelines=pipelines)
    require_classes(metric)
    return metric


def metric_maker(
    suite: Suite,
    spec: Spec,
    *,
    trusts_code: bool = False,
    runs: Path | None = None,
    baseline: str | None = None,
) -> Callable[[], Metric]:
    """Return what makes a metric as the suite's tasks use it, here or in another process.

    It can be pickled and holds no gold set: classes that are taken from there are declared. The
    arguments are those of `metric_of`.
    """
    tasks = {
        name: task.model_copy(update={"labels": _labels(suite, {name: task})})
        if spec in task.metrics
        else task
        for name, task in suite.config.tasks.items()
    }
    config = suite.config.model_copy(update={"tasks": tasks})
    light = replace(suite, config=config, gold=(), pools={}, earlier={})
    return partial(metric_of, light, spec, trusts_code=trusts_code, runs=runs, baseline=baseline)


@contextmanager
def _told_where(
    file: Path, task: str, key: str, *place: int, what: str | None = None
) -> Iterator[None]:
    """Put file, line, task and setting in front of what is wrong with an input."""
    try:
        yield
    except InputError as error:
        line = line_in(file, ("tasks", task, key, *place))
        error.args = (f"{file}:{line}: task {task!r}: {what or key}: {error}",)
        raise


def _labels(suite: Suite, tasks: Mapping[str, TaskConfig]) -> tuple[str, ...]:
    """Return the classes that the tasks declare, or that their gold items have."""
    found: dict[str, None] = {}
    for name, task in tasks.items():
        gold = (record for record in suite.gold if record.task == name)
        found.update(dict.fromkeys(task.labels or labels_of(gold)))
    return tuple(found)
