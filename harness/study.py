"""Read a study: one base model, a baseline, training configurations, suites and margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.adapters import load_adapter
from harness.compare.sides import refuse_gauge
from harness.config import line_in, load_yaml
from harness.confirm import kept_for_confirming
from harness.errors import ConfigError, UnknownNameError, suggestion
from harness.metrics.base import Metric
from harness.metrics.build import suite_metrics
from harness.models import resolve_model
from harness.named_suites import is_lm_eval, lm_eval_suite, refuse_lm_eval_options
from harness.registry import ENGINES
from harness.runner import Cell, Serving
from harness.shipped import shipped_or
from harness.stats.resample import group_numbers
from harness.study_config import Role, StudyConfig, StudySuite
from harness.suite import LmEvalOptions, Selection, Suite, load_suite
from harness.templates import load_template
from harness.types import GoldRecord
from harness.variants import MAX_RANK, Source, Variant, seed_names, variants_of

FEWEST_GROUPS = 2
"""Independent items or clusters without which nothing tells how much one varies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, checked and ready to run."""

    config: StudyConfig
    file: Path
    root: Path
    """Folder of all runs."""
    suites: tuple[Suite, ...]
    roles: dict[str, Role]
    """By suite name."""
    serving: Serving
    variants: tuple[Variant, ...]
    """What is served beside the baseline: each configuration, or each of its training seeds."""
    trusts_code: bool = False
    """Whether Python files that the suites' metrics name may be run."""

    @property
    def kept(self) -> dict[str, frozenset[str]]:
        """Ids of the gold items that are kept for confirming, by suite; empty without `confirm:`."""
        confirm = self.config.confirm
        if confirm is None:
            return {}
        return {
            suite.name: kept_for_confirming(suite.gold, share=confirm.share, seed=confirm.seed)
            for suite in self.suites
        }

    @property
    def folder(self) -> Path:
        """Where the study's own results lie."""
        return self.root / "studies" / self.config.name

    def cells(self, variant: Variant | None) -> list[Cell]:
        """Return a variant's cells (None: the baseline's); its adapter must exist.

        Raises:
            AdapterError: it does not, or does not fit.
        """
        if variant is None:
            return [Cell(name=self.config.baseline, suite=suite) for suite in self.suites]
        folder = variant.training.adapter if variant.training else variant.adapter
        assert folder is not None, f"{variant.name} has neither training nor adapter"
        adapter = load_adapter(variant.name, folder, self.serving.model, max_rank=MAX_RANK)
        return [Cell(name=variant.name, suite=suite, adapter=adapter) for suite in self.suites]


def load_study(file: Path, root: Path, *, trusts_code: bool = False) -> Study:
    """Read a study and everything it names; nothing heavy is imported.

    Raises:
        InputError: the study, a suite, the model, a template or training data is wrong.
    """
    config = load_yaml(file, StudyConfig)
    if config.engine not in ENGINES:
        raise UnknownNameError("engine", config.engine, ENGINES, where=str(file))
    here = file.parent
    suites = [_suite(entry, file, root) for entry in config.suites]
    # A wrong parameter is told before anything is trained.
    built = {suite.name: suite_metrics(suite, trusts_code=trusts_code) for suite in suites}
    roles: dict[str, Role] = {
        suite.name: entry.role for suite, entry in zip(suites, config.suites, strict=True)
    }
    if len(roles) < len(suites):
        raise ConfigError(f"{file}: two suites have the same name")
    _check_primaries(config, file, suites, built)
    _check_names(config, file)
    model = resolve_model(_model_reference(config.model, here))
    template = load_template(config.template, model.path)
    serving = Serving(
        model=model,
        template=template,
        engine=config.engine,
        dtype=config.dtype,
        seed=config.seed,
        lora_mode=config.lora_mode,
    )
    source = Source(config=config, file=file, root=root, serving=serving)
    variants = [
        variant
        for i, entry in enumerate(config.configurations)
        for variant in variants_of(entry, source, i)
    ]
    study = Study(
        config=config,
        file=file,
        root=root,
        suites=tuple(suites),
        roles=roles,
        serving=serving,
        variants=tuple(variants),
        trusts_code=trusts_code,
    )
    _check_confirm(study)
    return study


def _suite(entry: StudySuite, file: Path, root: Path) -> Suite:
    """A relative folder is meant from the study's file; else the name may be a shipped suite's."""
    here = file.parent
    path = here / entry.path
    selection = Selection(
        data=None if entry.data is None else here / entry.data,
        limit=entry.limit,
        limit_seed=entry.limit_seed,
    )
    options = LmEvalOptions(
        include=entry.include,
        limit=entry.limit,
        num_fewshot=entry.num_fewshot,
        apply_chat_template=entry.apply_chat_template,
        system_instruction=entry.system_instruction,
    )
    where = f"{file}: suite {entry.path}"
    if is_lm_eval(entry.path, here):
        return lm_eval_suite(entry.path, root, options, selection, here=here, where=where)
    refuse_lm_eval_options(options, where=where)
    return load_suite(path if path.exists() else shipped_or(path, entry.path), selection)


def _model_reference(reference: str, here: Path) -> str:
    """A relative folder is meant from the study's file."""
    folder = here / reference
    return str(folder) if folder.is_dir() else reference


def _check_primaries(
    config: StudyConfig,
    file: Path,
    suites: Sequence[Suite],
    built: Mapping[str, Sequence[Metric]],
) -> None:
    known = {suite.name: suite.metrics() for suite in suites}
    for i, primary in enumerate(config.primary):
        if primary.suite not in known:
            raise ConfigError(
                f"{file}:{line_in(file, ('primary', i, 'suite'))}: primary: unknown suite "
                f"{primary.suite!r}{suggestion(primary.suite, known)}; this study has: "
                f"{', '.join(known)}"
            )
        if primary.metric not in known[primary.suite]:
            raise ConfigError(
                f"{file}:{line_in(file, ('primary', i, 'metric'))}: primary: suite "
                f"{primary.suite!r} does not measure {primary.metric!r}"
                f"{suggestion(primary.metric, known[primary.suite])}; it measures: "
                f"{', '.join(known[primary.suite])}"
            )
        number = known[primary.suite].index(primary.metric)
        scale = built[primary.suite][number].scale
        refuse_gauge(primary.metric, scale, where=f"{file}: primary")


def _check_names(config: StudyConfig, file: Path) -> None:
    known = {config.baseline}
    for i, entry in enumerate(config.configurations):
        names = {entry.name, *seed_names(entry)}
        for name in sorted(names & known):
            line = line_in(file, ("configurations", i, "name"))
            raise ConfigError(f"{file}:{line}: two configurations are called {name!r}")
        known |= names


def _check_confirm(study: Study) -> None:
    """Both parts of a suite must be able to tell something about each primary."""
    by_name = {suite.name: suite for suite in study.suites}
    for primary in study.config.primary if study.config.confirm else ():
        kept = study.kept[primary.suite]
        records = _measured(by_name[primary.suite], primary.metric)
        for what, group in (
            ("to choose on", [record for record in records if record.id not in kept]),
            ("to confirm on", [record for record in records if record.id in kept]),
        ):
            n = len(set(group_numbers([record.cluster for record in group])))
            if n < FEWEST_GROUPS:
                raise ConfigError(
                    f"{study.file}:{line_in(study.file, ('confirm',))}: confirm: {primary.metric} "
                    f"on {primary.suite} has {n} independent items or clusters {what}, and needs "
                    f"{FEWEST_GROUPS}; add gold items, change `share`, or leave `confirm` out"
                )


def _measured(suite: Suite, metric: str) -> list[GoldRecord]:
    """Return the items that a metric applies to."""
    tasks = {
        name
        for name, task in suite.config.tasks.items()
        if any(spec.label == metric for spec in task.metrics)
    }
    return [record for record in suite.gold if record.task in tasks]
