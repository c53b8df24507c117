"""The memory of one training on one device, component by component."""

from __future__ import annotations

from dataclasses import dataclass, replace

from finetune.planner.activations import activations_of
from finetune.planner.architecture import Architecture
from finetune.planner.constants import Constants, fitted
from finetune.planner.shape import TrainingShape
from finetune.planner.sharding import (
    LIVE_PARAMETERS,
    SUB_GROUP,
    Devices,
    communication_bytes,
    divided,
)
from finetune.planner.states import States, states_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the memory."""

    name: str
    n_bytes: float
    what: str
    """In a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The peak of one device, or of a process on a CPU."""

    components: tuple[Component, ...]
    """They add up to `expected`."""
    low: float
    high: float

    @property
    def expected(self) -> float:
        """Bytes at the peak, as nvidia-smi would show them (on a CPU: resident)."""
        return sum(component.n_bytes for component in self.components)

    @property
    def allocated(self) -> float:
        """Bytes that torch reserves: without the CUDA context."""
        return self.expected - self.of("context")

    def of(self, name: str) -> float:
        """Return a component's bytes, 0 where there is none."""
        return sum(c.n_bytes for c in self.components if c.name == name)


def memory_of(
    architecture: Architecture,
    shape: TrainingShape,
    devices: Devices | None = None,
    *,
    constants: Constants | None = None,
) -> Memory:
    """Return the peak memory of a training.

    Peak = what stands still + the larger of the two peaks that come and go: forward and backward
    pass, or optimizer step. Gradient accumulation changes none of them.
    """
    constants = constants or fitted()
    devices = devices or Devices()
    if shape.stack.zero_stage and devices.stage == 0:
        devices = replace(devices, stage=shape.stack.zero_stage)
    whole = states_of(architecture, shape)
    states = divided(whole, devices)
    pass_ = activations_of(architecture, shape)
    step = _step_bytes(whole, shape, devices)
    buffers = communication_bytes(architecture, whole, devices)
    if shape.stack.zero_stage == 3 and shape.method == "full":
        buffers = max(buffers, 2 * min(whole.n_trained, LIVE_PARAMETERS))
    buffers += shape.stack.bucket_bytes
    moving = pass_.peak + max(0.0, step - pass_.peak)
    if shape.on_cpu:
        slack, framework = constants.cpu_fragmentation, constants.cpu_process_bytes
    else:
        slack, framework = constants.fragmentation, constants.workspace_bytes
    parts = [
        ("weights", states.weights, _weights_words(shape)),
        ("adapter", states.trained, "what is trained beside the frozen base"),
        ("gradients", states.gradients, "of what is trained"),
        ("optimizer", states.optimizer, shape.optimizer),
        ("master", states.master, "float32 copies of the trained weights"),
        ("activations", pass_.saved + max(0.0, pass_.live - pass_.logits), _pass_words(shape)),
        ("weight copies", pass_.weight_copies, "of float32 weights, by autocast"),
        ("logits", pass_.logits, "at the loss, with their gradient"),
        ("optimizer step", max(0.0, step - pass_.peak), "copies while the weights are changed"),
        ("buffers", buffers, "for talking to the other devices"),
        ("fragmentation", slack * moving, "kept by the allocator, not needed"),
        ("process" if shape.on_cpu else "workspace", framework, "libraries, scratch space"),
        ("context", 0.0 if shape.on_cpu else constants.context_bytes, "CUDA context"),
    ]
    components = tuple(Component(name=n, n_bytes=b, what=w) for n, b, w in parts if b > 0)
    total = sum(component.n_bytes for component in components)
    paged = states.optimizer if states.is_paged else 0.0
    return Memory(
        components=components,
        low=(total - paged) * constants.low,
        high=total * constants.high,
    )


def _step_bytes(states: States, shape: TrainingShape, devices: Devices) -> float:
    """Return what an optimizer step needs beside the states; on a CPU it goes weight by weight."""
    if shape.on_cpu:
        return 0.0
    n = float(states.n_trained) / (devices.n if devices.stage else 1)
    if shape.stack.zero_stage == 3:
        n = min(n, SUB_GROUP)
        return n * (4 + 4 * shape.stack.optimizer_copies)  # float32 gradients, and the step's copy
    return shape.stack.optimizer_copies * n * states.trained_bytes


def _weights_words(shape: TrainingShape) -> str:
    if shape.weights in {"nf4", "nf4-double", "int8", "gptq-4bit"}:
        return f"linear layers {shape.weights}, the rest 16-bit"
    if shape.method == "full" and shape.is_float32_trained and shape.weights != "float32":
        return "float32, computed in 16 bits"
    return shape.weights


def _pass_words(shape: TrainingShape) -> str:
    if shape.checkpointing:
        return "inputs of the layers, and one layer at work"
    return f"kept for the backward pass, {shape.attention} attention"
