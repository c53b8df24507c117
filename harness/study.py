"""Read a study: one base model, a baseline, training configurations, suites and margins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from harness.adapters import load_adapter
from harness.config import load_yaml
from harness.engines.base import Dtype
from harness.errors import ConfigError, UnknownNameError, suggestion
from harness.machine import this_machine
from harness.metrics.build import suite_metrics
from harness.models import ModelSource, resolve_model
from harness.registry import ENGINES, LM_EVAL_PREFIX, LM_EVAL_SUITE, load_object
from harness.runner import Cell, Serving
from harness.shipped import shipped_or
from harness.suite import LmEvalOptions, Selection, Suite, load_suite
from harness.templates import OWN, load_template
from harness.training import PLAN_TRAINING, PlannedTraining
from harness.types import Record

Role = Literal["domain", "retention"]
MAX_RANK = 512
"""The largest LoRA rank that vLLM serves."""


class StudySuite(Record):
    """A suite in a study."""

    path: str
    """Folder of the suite, relative to the study's file; the name of a shipped one; or
    lm-eval/TASK."""
    role: Role = "domain"
    """What it stands for: the ability wanted, or the abilities that must not be lost."""
    data: str | None = None
    """Folder or file with the public data that a recipe reads, relative to the study's file."""
    limit: int | None = Field(default=None, gt=0)
    """At most so many items of each task."""
    limit_seed: int | None = None
    """Draw them at random with this seed; null: the first ones."""
    include: str | None = None
    """For lm-eval tasks: folder with task YAML files of your own, relative to the study's file."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """For lm-eval tasks: solved examples; by default as many as the task says."""
    apply_chat_template: bool = False
    """For lm-eval tasks: whether prompts are laid out by the chat template."""
    system_instruction: str | None = None
    """For lm-eval tasks: a system turn."""


class Primary(Record):
    """A comparison that decides; all of them together are corrected for their number."""

    suite: str
    metric: str
    margin: float = Field(default=0.0, ge=0)
    """How much worse is still "no worse", in the metric's unit."""


class Configuration(Record):
    """One variant to compare with the baseline: trained here, or an adapter made elsewhere."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    train: dict[str, Any] | None = None
    """Differences from the study's `train:`."""
    adapter: str | None = None
    """Folder of a PEFT LoRA adapter, relative to the study's file."""


class StudyConfig(Record):
    """A study's YAML file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    description: str = ""
    model: str
    """A folder, a Hugging Face id, or a packaged model."""
    template: str = OWN
    engine: str = "vllm"
    dtype: Dtype = "auto"
    lora_mode: Literal["auto", "multi", "merged"] = "auto"
    seed: int = 0
    baseline: str = "base"
    """Name of the untouched model in tables."""
    suites: tuple[StudySuite, ...] = Field(min_length=1)
    primary: tuple[Primary, ...] = Field(min_length=1)
    train: dict[str, Any] = Field(default_factory=dict)
    """Shared by all configurations that are trained here."""
    configurations: tuple[Configuration, ...] = ()

    @field_validator("suites", mode="before")
    @classmethod
    def _paths_are_suites(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"path": item} if isinstance(item, str) else item for item in value]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A configuration with its training, if it is trained here."""

    name: str
    training: PlannedTraining | None = None
    adapter: Path | None = None


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
    """Configurations, without the baseline."""
    trusts_code: bool = False
    """Whether Python files that the suites' metrics name may be run."""

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
    for suite in suites:
        suite_metrics(
            suite, trusts_code=trusts_code
        )  # a wrong parameter is told before anything is trained
    roles: dict[str, Role] = {
        suite.name: entry.role for suite, entry in zip(suites, config.suites, strict=True)
    }
    if len(roles) < len(suites):
        raise ConfigError(f"{file}: two suites have the same name")
    _check_primaries(config, file, suites)
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
    variants = tuple(
        _variant(entry, config, file, root, model, serving) for entry in config.configurations
    )
    return Study(
        config=config,
        file=file,
        root=root,
        suites=tuple(suites),
        roles=roles,
        serving=serving,
        variants=variants,
        trusts_code=trusts_code,
    )


def is_lm_eval(reference: str, here: Path) -> bool:
    """Tell whether a suite is named as lm-eval/TASK, and is no folder."""
    return reference.startswith(LM_EVAL_PREFIX) and not (here / reference).exists()


def lm_eval_suite(
    reference: str,
    root: Path,
    options: LmEvalOptions,
    selection: Selection,
    *,
    here: Path,
    where: str,
) -> Suite:
    """Return the suite of an lm-eval task, which is kept among the runs.

    Args:
        reference: lm-eval/TASK.
        root: Folder of all runs.
        options: How lm-eval is to ask.
        selection: What is said for suites in general.
        here: Folder from which relative paths are meant.
        where: For messages.

    Raises:
        InputError: there is no such task, or it cannot be loaded.
    """
    if selection.data is not None or selection.limit_seed is not None:
        raise ConfigError(
            f"{where}: lm-eval finds a task's data by itself, and takes the first documents: "
            "leave `data` and `limit_seed` out"
        )
    return load_object(LM_EVAL_SUITE)(reference, root, options, base=here)


def refuse_lm_eval_options(options: LmEvalOptions, *, where: str) -> None:
    """Check that nothing is said for lm-eval.

    Raises:
        ConfigError: an option that only lm-eval tasks have.
    """
    given = [name for name in options.model_dump(exclude_defaults=True) if name != "limit"]
    if given:
        raise ConfigError(f"{where}: {', '.join(given)} is for suites named lm-eval/TASK")


def merged_settings(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Overlay a configuration's settings, one level into nested ones such as `lora:`."""
    result = dict(shared)
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = {**result[key], **value}
        else:
            result[key] = value
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a piece of work will roughly take."""

    seconds: float
    memory_bytes: float


def estimate_training(training: PlannedTraining, model: ModelSource) -> Estimate:
    """Guess time and memory of a training from sizes alone.

    Six floating-point operations per parameter and token (Kaplan et al. 2020), of which LoRA
    skips the weight gradients; the rate is what 2 CPU cores or one data-centre GPU reached.
    """
    n_parameters = _weight_bytes(model) / 2
    machine = this_machine()
    rate = 3e14 * 0.3 if machine.gpus else 1.8e11 * machine.cores
    seconds = 15 + 4 * n_parameters * training.n_tokens / rate
    return Estimate(seconds=seconds, memory_bytes=5 * _weight_bytes(model) + 3.75 * 2**30)


def estimate_run(n_items: int, model: ModelSource) -> Estimate:
    """Guess time and memory of a run of `n_items` short questions."""
    n_parameters = _weight_bytes(model) / 2
    machine = this_machine()
    rate = 3e14 * 0.1 if machine.gpus else 6e10 * machine.cores
    seconds = 5 + n_items * 2 * n_parameters * 60 / rate
    return Estimate(seconds=seconds, memory_bytes=5 * _weight_bytes(model) + 2.75 * 2**30)


def _weight_bytes(model: ModelSource) -> float:
    return sum(file.stat().st_size for file in model.path.glob("*.safetensors"))


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


def _variant(
    entry: Configuration,
    config: StudyConfig,
    file: Path,
    root: Path,
    model: ModelSource,
    serving: Serving,
) -> Variant:
    where = f"{file}: configuration {entry.name!r}"
    if entry.adapter is not None:
        if entry.train is not None:
            raise ConfigError(f"{where}: give either `train` or `adapter`, not both")
        folder = file.parent / entry.adapter
        load_adapter(entry.name, folder, model, max_rank=MAX_RANK)
        return Variant(name=entry.name, adapter=folder)
    plan: Any = load_object(PLAN_TRAINING)
    training: PlannedTraining = plan(
        entry.name,
        merged_settings(config.train, entry.train or {}),
        base_folder=file.parent,
        model=model,
        template=serving.template,
        root=root,
        where=where,
    )
    return Variant(name=entry.name, training=training)


def _check_primaries(config: StudyConfig, file: Path, suites: list[Suite]) -> None:
    known = {suite.name: suite.metrics() for suite in suites}
    for primary in config.primary:
        if primary.suite not in known:
            raise ConfigError(
                f"{file}: primary: unknown suite {primary.suite!r}"
                f"{suggestion(primary.suite, known)}; this study has: {', '.join(known)}"
            )
        if primary.metric not in known[primary.suite]:
            raise ConfigError(
                f"{file}: primary: suite {primary.suite!r} does not measure {primary.metric!r}"
                f"{suggestion(primary.metric, known[primary.suite])}; it measures: "
                f"{', '.join(known[primary.suite])}"
            )


def _check_names(config: StudyConfig, file: Path) -> None:
    names = [config.baseline, *(entry.name for entry in config.configurations)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{file}: two configurations are called {name!r}")
