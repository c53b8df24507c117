"""A whole plan as one value: for tables, and for machines (`tunemark plan --json`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from finetune.planner.architecture import Architecture
from finetune.planner.constants import fitted
from finetune.planner.levers import Fit, Rung, devices_needed, fit_of, ladder, largest_lever
from finetune.planner.memory import Memory, memory_of
from finetune.planner.serving import ServingPlan, serving_plan
from finetune.planner.shape import TrainingShape
from finetune.planner.sharding import Devices
from finetune.planner.states import adapter_file_bytes, states_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What a training takes, what could change it, and what serving takes."""

    name: str
    architecture: Architecture
    shape: TrainingShape
    devices: Devices
    memory: Memory
    n_trained: int
    adapter_bytes: int | None
    """Of the adapter's file; None where the whole model is trained."""
    rungs: tuple[Rung, ...]
    lever: Rung | None
    capacity: float | None
    """Bytes of one device, if one was named."""
    fit: Fit | None
    needed: dict[str, int | None] | None
    """Devices, by way of dividing the states."""
    serving: ServingPlan | None


def memory_plan(
    name: str,
    architecture: Architecture,
    shape: TrainingShape,
    *,
    devices: Devices | None = None,
    capacity: float | None = None,
    serving_length: int | None = None,
) -> MemoryPlan:
    """Return the plan of one training.

    Args:
        name: Of the configuration.
        architecture: The model.
        shape: The training.
        devices: Over how many it is divided, and how.
        capacity: Bytes of one device.
        serving_length: Tokens of a request to the server; by default the longest row.

    Raises:
        ConfigError: a target or a module to save that the model does not have.
    """
    devices = devices or Devices()
    rungs = ladder(architecture, shape, devices)
    is_lora = shape.method == "lora"
    return MemoryPlan(
        name=name,
        architecture=architecture,
        shape=shape,
        devices=devices,
        memory=memory_of(architecture, shape, devices),
        n_trained=states_of(architecture, shape).n_trained,
        adapter_bytes=adapter_file_bytes(architecture, shape) if is_lora else None,
        rungs=rungs,
        lever=largest_lever(rungs),
        capacity=capacity,
        fit=fit_of(architecture, shape, capacity, devices) if capacity else None,
        needed=devices_needed(architecture, shape, capacity) if capacity else None,
        serving=_serving(architecture, shape, capacity, devices, serving_length),
    )


def plan_json(plan: MemoryPlan) -> dict[str, Any]:
    """Return a plan as plain values; bytes are whole numbers."""
    architecture, shape = plan.architecture, plan.shape
    return {
        "name": plan.name,
        "model": {
            "family": architecture.family,
            "parameters": architecture.n_parameters,
            "embedding_parameters": architecture.embedding_parameters,
            "tied_head": architecture.has_tied_head,
            "kv_bytes_per_token": architecture.kv_values_per_token * 2,
            "context": architecture.context,
        },
        "training": {
            **{k: v for k, v in asdict(shape).items() if k != "stack"},
            "stack": shape.stack.name,
            "trained_parameters": plan.n_trained,
            "adapter_file_bytes": plan.adapter_bytes,
            "devices": plan.devices.n,
            "zero_stage": plan.devices.stage,
        },
        "memory": {
            "expected_bytes": round(plan.memory.expected),
            "expected_without_context_bytes": round(plan.memory.allocated),
            "low_bytes": round(plan.memory.low),
            "high_bytes": round(plan.memory.high),
            "components": {c.name: round(c.n_bytes) for c in plan.memory.components},
        },
        "largest_lever": _rung(plan.lever) if plan.lever else None,
        "ladder": [_rung(rung) for rung in plan.rungs],
        "gpu": _gpu(plan),
        "serving": asdict(plan.serving) if plan.serving else None,
    }


def _gpu(plan: MemoryPlan) -> dict[str, Any] | None:
    if plan.capacity is None or plan.fit is None:
        return None
    return {
        "bytes": round(plan.capacity),
        "fits": plan.fit.fits,
        "longest_sequence": plan.fit.longest,
        "largest_micro_batch": plan.fit.largest,
        "devices_needed": plan.needed,
    }


def _rung(rung: Rung) -> dict[str, Any]:
    return {
        "change": rung.change,
        "bytes": round(rung.n_bytes),
        "saving_bytes": round(rung.saving),
        "cost": rung.cost,
    }


def _serving(
    architecture: Architecture,
    shape: TrainingShape,
    capacity: float | None,
    devices: Devices,
    length: int | None,
) -> ServingPlan | None:
    if capacity is None:
        return None
    return serving_plan(
        architecture,
        capacity,
        length=length or shape.sequence,
        gpus=devices.n,
        adapters=1 if shape.method == "lora" else 0,
        rank=shape.rank,
        context_bytes=fitted().context_bytes,
    )
