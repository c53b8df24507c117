"""What `tunemark plan` asks for: the plans of a study's configurations, or of one training file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from finetune.config import LoraSettings, TrainConfig, parse_config
from finetune.facts import config_folder, model_facts, settings_of
from finetune.lints import Finding, lint_training
from finetune.planner.architecture import Architecture
from finetune.planner.gpus import gpu_bytes, gpu_named
from finetune.planner.levers import fit_of
from finetune.planner.reading import read_architecture
from finetune.planner.report import MemoryPlan, memory_plan, plan_json
from finetune.planner.runs import RowFacts, history
from finetune.planner.shape import shape_of
from finetune.planner.sharding import Devices
from finetune.planner.text import history_text, plan_text
from harness.config import load_yaml, read_text
from harness.errors import ConfigError, InputError
from harness.machine import this_machine
from harness.study_config import StudyConfig

PLANNER_KEYS = (
    "method", "optimizer", "gradient_checkpointing", "modules_to_save", "trainable_tokens",
    "attention", "quantisation", "quantization", "double_quantisation", "packing", "stack", "model",
)  # fmt: skip
LORA_KEYS = ("modules_to_save", "trainable_tokens", "dora", "init")
"""What a training file for planning may say, whether or not the trainer here has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what there is to say about its settings."""

    plan: MemoryPlan
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What it is to run on."""

    gpu: str | None = None
    n: int = 1
    stage: Literal[0, 1, 2, 3] = 0
    on_cpu: bool = False
    stack: str | None = None
    serving_length: int | None = None

    def capacity(self) -> float | None:
        """Return the bytes of one device: the named one, or this machine's."""
        if self.on_cpu:
            return gpu_bytes(self.gpu) if self.gpu else float(this_machine().memory_bytes)
        if self.gpu is not None:
            return gpu_bytes(self.gpu)
        names = this_machine().gpus
        known = gpu_named(names[0]) if names else None
        return gpu_bytes(known) if known else None


def plan_command(
    *,
    file: Path | None,
    train: Path | None,
    model_config: Path | None,
    target: Mapping[str, Any],
    as_json: bool,
) -> Any:
    """Return the plans as text, or as values for JSON.

    Args:
        file: A study, or a training file.
        train: A training file, with `model_config`.
        model_config: A config.json or the folder with one; instead of the model that the file
            names.
        target: Fields of Target.
        as_json: Return values.

    Raises:
        InputError: a file, a name or a value is wrong.
    """
    chosen = file or train
    if chosen is None:
        raise InputError("give a study or a training file (or --train), or --history RUNS")
    if file is not None and train is not None:
        raise InputError("give one file: a study or training file, or --train")
    planned = plans_of(chosen, model_config, Target(**target))
    if as_json:
        values = [
            {**plan_json(p.plan), "findings": [_finding(f) for f in p.findings]} for p in planned
        ]
        return values[0] if len(values) == 1 and not _is_study(_mapping(chosen)) else values
    return "\n".join(plan_text(p.plan, p.findings) for p in planned)


def history_command(*, root: Path, as_json: bool) -> Any:
    """Return what was predicted and what was measured, as text or as values.

    Raises:
        StoreError: nothing to show.
    """
    past = history(root)
    if as_json:
        return [
            {
                "name": run.name,
                "predicted_bytes": round(run.predicted),
                "measured_bytes": round(run.measured),
                "error": round(run.error, 4),
                "within_range": run.low <= run.measured <= run.high,
            }
            for run in past
        ]
    return history_text(past)


def plans_of(file: Path, model_config: Path | None, target: Target) -> tuple[Planned, ...]:
    """Return the plan of each training that a file describes.

    Raises:
        InputError: the file, its model or a setting is wrong.
    """
    values = _mapping(file)
    if _is_study(values):
        return _study_plans(file, model_config, target)
    return (_training_plan(file, values, model_config, target),)


def _study_plans(file: Path, model_config: Path | None, target: Target) -> tuple[Planned, ...]:
    config = load_yaml(file, StudyConfig)
    folder = None if model_config else config_folder(config.model, file.parent)
    architecture = read_architecture(model_config or folder or Path())
    settings = settings_of(config, file, folder)
    if not settings:
        raise ConfigError(f"{file}: no configuration is trained here: nothing to plan")
    return tuple(
        Planned(
            plan=_plan(s.name, architecture, s.train, target, where=str(file), rows=s.rows),
            findings=lint_training(s.train, s.facts),
        )
        for s in settings
    )


def _training_plan(
    file: Path, values: Mapping[str, Any], model_config: Path | None, target: Target
) -> Planned:
    inner = values.get("train")
    train = dict(inner) if isinstance(inner, Mapping) else dict(values)
    reference = values.get("model")
    if model_config is None and not isinstance(reference, str):
        raise ConfigError(f"{file}: which model? Give --model-config config.json, or `model:` here")
    folder = None if model_config else config_folder(str(reference), file.parent)
    architecture = read_architecture(model_config or folder or Path())
    train.pop("model", None)
    resolved = _resolved(train, file)
    stack = target.stack or str(train.get("stack", "tunemark"))
    facts = model_facts(folder, architecture)
    data = train.get("data") or ()
    named = data if isinstance(data, list) else [data] if data else []
    sources = tuple(str(one["path"] if isinstance(one, dict) else one) for one in named)
    return Planned(
        plan=_plan(
            file.stem, architecture, resolved, replace(target, stack=stack), where=str(file)
        ),
        findings=lint_training(resolved, replace(facts, sources=sources)),
    )


def _resolved(train: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Check settings and fill in the trainer's defaults; a file for planning needs no data."""
    values = {"data": ["(none)"], **train}
    if "micro_batch" in values and "batch" not in values:
        values["batch"] = values["micro_batch"]
    beyond = _taken(values, PLANNER_KEYS, TrainConfig)
    lora = values.get("lora")
    beyond_lora: dict[str, Any] = {}
    if isinstance(lora, Mapping):
        values["lora"] = lora = dict(lora)
        beyond_lora = _taken(lora, LORA_KEYS, LoraSettings)
    resolved = parse_config(values, where=str(file)).model_dump(mode="json")
    resolved["lora"] = {**(resolved.get("lora") or {}), **beyond_lora}
    return resolved | beyond


def _taken(
    values: dict[str, Any], names: tuple[str, ...], config: type[BaseModel]
) -> dict[str, Any]:
    """Take out the settings of these names that the trainer's own class does not know."""
    return {name: values.pop(name) for name in names if name in values.keys() - config.model_fields}


def _plan(
    name: str,
    architecture: Architecture,
    train: Mapping[str, Any],
    target: Target,
    *,
    where: str,
    rows: RowFacts | None = None,
) -> MemoryPlan:
    stack = target.stack or "tunemark"
    share = None
    is_packed = bool(train.get("packing")) or train.get("stage") == "cpt"
    if rows is not None and not is_packed:
        train = {**train, "max_tokens": rows.longest}
        share = rows.loss_share
    shape = shape_of(train, where=where, stack=stack, on_cpu=target.on_cpu, loss_share=share)
    devices = Devices(n=max(target.n, int(train.get("processes") or 1)), stage=target.stage)
    capacity = target.capacity()
    if train.get("micro_batch") == "auto" and capacity is not None:
        most = max(1, fit_of(architecture, shape, capacity, devices).largest)
        batch = int(train.get("batch") or shape.micro_batch)
        fitting = max(n for n in range(1, batch + 1) if batch % n == 0 and n <= max(1, most))
        shape = replace(shape, micro_batch=fitting)
    return memory_plan(
        name,
        architecture,
        shape,
        devices=devices,
        capacity=capacity,
        serving_length=target.serving_length,
    )


def _mapping(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(read_text(file, ConfigError))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{file}{line}: this is not valid YAML") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{file}: expected `key: value` lines: a study, or training settings")
    return value


def _is_study(values: Mapping[str, Any]) -> bool:
    return "suites" in values


def _finding(finding: Finding) -> dict[str, str]:
    return {name: getattr(finding, name) for name in ("lint", "severity", "text", "source")}
