"""Score the runs that count on a board, and say what speaks against each model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import ConfigError, InputError, UnknownNameError
from harness.estimate import Estimate, estimate_all
from harness.leaderboard.collect import Candidate, FoundRun, Leaks
from harness.leaderboard.config import BoardConfig, BoardMetric
from harness.leaderboard.eligibility import (
    chosen_run,
    common_template,
    model_reasons,
    most_common,
    run_reasons,
    score_reasons,
)
from harness.leaderboard.reasons import Reason, reason
from harness.scoring import Scores, score_run
from harness.store import RunFolder
from harness.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model on one suite."""

    run: FoundRun
    scores: Scores | None
    """None where the run answered another gold set."""
    estimate: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """All models on all suites."""

    suites: Mapping[str, Suite]
    metrics: Mapping[str, BoardMetric]
    """By suite."""
    cells: dict[tuple[str, str], Measured] = field(default_factory=dict)
    """By model and suite."""
    reasons: dict[str, list[Reason]] = field(default_factory=dict)
    """By model; empty where nothing speaks against it."""
    templates: dict[str, str | None] = field(default_factory=dict)
    """The chat template that all must use, by suite."""

    @property
    def ranked(self) -> list[str]:
        """Names of the models that nothing speaks against, in alphabetical order."""
        return sorted(name for name, found in self.reasons.items() if not found)

    def scores(self, suite: str, names: Sequence[str] | None = None) -> list[Scores]:
        """Return the scores on a suite, of the named models in their order or of all."""
        chosen = [model for model, of in self.cells if of == suite] if names is None else names
        cells = [self.cells[name, suite] for name in chosen]
        return [cell.scores for cell in cells if cell.scores is not None]

    def shared(self, suite: str) -> list[str]:
        """Return the gold ids that all ranked models have scored, in gold order."""
        found = self.scores(suite, self.ranked)
        if not found:
            return []
        common = set(found[0].stats).intersection(*(scores.stats for scores in found))
        return [record.id for record in found[0].planned if record.id in common]


def measure(
    config: BoardConfig,
    suites: Mapping[str, Suite],
    models: Sequence[Candidate],
    leaks: Leaks,
    *,
    trusts_code: bool,
    seed: int,
    say: Callable[[str], None],
) -> Measurements:
    """Score what is not scored yet.

    Args:
        config: Of the board.
        suites: By name.
        models: With their runs.
        leaks: What is known of gold items in training data.
        trusts_code: Whether Python files that a suite names may be run.
        seed: Of the intervals' bootstrap.
        say: Told what is being scored.

    Raises:
        InputError: a metric that is not there, or a suite that no run answered.
    """
    metrics = _metrics(config, suites)
    baselines = _baselines(config, models, suites)
    found = Measurements(suites=suites, metrics=metrics)
    found.reasons.update((model.name, model_reasons(model.first)) for model in models)
    for name, suite in suites.items():
        taken = {m.name: run for m in models if (run := chosen_run(m, suite)) is not None}
        template = common_template(list(taken.values()), suite, config)
        found.templates[name] = template
        for model in models:
            if model.name not in taken:
                found.reasons[model.name].append(reason("no_run", suite=name))
                continue
            run = taken[model.name]
            leaked = leaks.by_run.get(run.folder.path.resolve())
            found.reasons[model.name] += run_reasons(
                run, suite, config, template=template, leaked=leaked
            )
            say(f"{model.name} · {name}")
            scores = _scores(
                run, suite, metrics[name], model.name, baselines.get(name), trusts_code
            )
            estimate = estimate_all([scores], seed=seed)[0] if scores else None
            found.cells[model.name, name] = Measured(run=run, scores=scores, estimate=estimate)
        _judge_scores(config, found, name)
    return found


def _metrics(config: BoardConfig, suites: Mapping[str, Suite]) -> dict[str, BoardMetric]:
    """Return the metric that decides on each suite."""
    declared = {one.suite: one for one in config.metrics}
    for name in declared:
        if name not in suites:
            raise UnknownNameError("suite", name, suites, where=f"board {config.name}: metrics")
    found: dict[str, BoardMetric] = {}
    for name, suite in suites.items():
        labels = suite.metrics()
        if name not in declared:
            if len(labels) > 1:
                raise ConfigError(
                    f"board {config.name}: which metric decides on {name}? Name one under "
                    f"`metrics` or with --metric: {', '.join(labels)}"
                )
            found[name] = BoardMetric(suite=name, metric=suite.metric_specs()[0])
            continue
        if declared[name].metric.label not in labels:
            where = f"board {config.name}: {name}"
            raise UnknownNameError("metric", declared[name].metric.label, labels, where=where)
        found[name] = declared[name]
    return found


def _baselines(
    config: BoardConfig, models: Sequence[Candidate], suites: Mapping[str, Suite]
) -> dict[str, RunFolder]:
    if config.baseline is None:
        return {}
    known = {model.name: model for model in models}
    if config.baseline not in known:
        raise UnknownNameError("baseline", config.baseline, known, where=f"board {config.name}")
    runs = {name: chosen_run(known[config.baseline], suite) for name, suite in suites.items()}
    return {name: run.folder for name, run in runs.items() if run is not None}


def _scores(
    run: FoundRun,
    suite: Suite,
    metric: BoardMetric,
    name: str,
    baseline: RunFolder | None,
    trusts_code: bool,
) -> Scores | None:
    if run.identity.get("gold") != suite.gold_digest:
        return None
    found = score_run(run.folder, suite, name, trusts_code=trusts_code, baseline=baseline)
    position = suite.metrics().index(metric.metric.label)
    scores = found[position]
    if scores.metric.scale.better == "neither":
        raise InputError(
            f"{suite.name}: {metric.metric.label} has no better side, so nothing can be ranked by it"
        )
    return scores


def _judge_scores(config: BoardConfig, found: Measurements, suite: str) -> None:
    known = {
        name: cell.scores
        for (name, of), cell in found.cells.items()
        if of == suite and cell.scores is not None
    }
    if not known:
        gold = found.suites[suite].gold_digest[:12]
        raise InputError(f"{suite}: no run answered its gold set ({gold}); run a model on it first")
    signature = most_common(scores.metric.signature for scores in known.values())
    for name, scores in known.items():
        found.reasons[name] += score_reasons(scores, config, signature=signature)
