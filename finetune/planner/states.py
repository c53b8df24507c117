"""Bytes that stand still during training: weights, adapters, gradients, optimizer states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.planner.architecture import Architecture, Matrix
from finetune.planner.shape import EIGHT_BIT, OPTIMIZERS, PAGED, TrainingShape, adapted
from harness.errors import ConfigError

BLOCK = 64
"""Weights that share a scale in NF4 (Dettmers et al. 2023)."""
OUTER_BLOCK = 256
"""Scales that share a scale of their own under double quantisation."""
GPTQ_GROUP = 128
BYTES: dict[str, float] = {
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "nf4": 0.5 + 4 / BLOCK,
    "nf4-double": 0.5 + 1 / BLOCK + 4 / (BLOCK * OUTER_BLOCK),
    "int8": 1,
    "gptq-4bit": 0.5 + 2.5 / GPTQ_GROUP,
}
"""Of one weight; quantised ones with their scales."""


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Bytes by kind, on one device that holds everything."""

    weights: float
    """Of the base."""
    trained: float
    """Of what is trained beside a frozen base: adapter, saved modules, token rows."""
    gradients: float
    optimizer: float
    master: float
    """float32 copies of fully trained 16-bit weights."""
    n_trained: int
    """Parameters that are trained."""
    trained_bytes: float
    """Bytes of a trained parameter, on average."""
    is_paged: bool
    """Whether the optimizer's states may move to the host when memory runs out."""


def states_of(architecture: Architecture, shape: TrainingShape) -> States:
    """Return what stands still during a training.

    Raises:
        ConfigError: a target or a module to save that the model does not have.
    """
    weights = base_bytes(architecture, shape)
    if shape.method == "full":
        n, beside = architecture.n_parameters, 0.0
        trained = weights
    else:
        n_adapter = adapter_parameters(architecture, shape)
        n_token = shape.trainable_tokens * architecture.width
        n_saved = saved_parameters(architecture, shape)
        saved_width = 4 if shape.is_float32_trained else 2  # PEFT copies them as they are
        adapter_width = 4 if shape.weights == "float32" else shape.stack.adapter_bytes
        trained = beside = (n_adapter + n_token) * adapter_width + n_saved * saved_width
        n = n_adapter + n_token + n_saved
    has_master = shape.stack.master and trained < 4 * n
    return States(
        weights=weights,
        trained=beside,
        gradients=trained,
        optimizer=_optimizer_bytes(architecture, shape, n, 4 * n if has_master else trained),
        master=4.0 * n if has_master else 0.0,
        n_trained=n,
        trained_bytes=trained / n if n else 0.0,
        is_paged=shape.optimizer in PAGED,
    )


def base_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Return the bytes of the base's weights; only linear layers are quantised, not the head."""
    if shape.method == "full" and shape.is_float32_trained:
        return 4.0 * architecture.n_parameters
    if shape.weights in {"float32", "float16", "bfloat16"}:
        return architecture.n_parameters * BYTES[shape.weights]
    linear = architecture.linear_parameters
    scales = 0.0
    if shape.weights == "int8":
        scales = sum(4.0 * m.count * m.n_out for m in architecture.matrices if m.is_linear)
    return linear * BYTES[shape.weights] + scales + (architecture.n_parameters - linear) * 2


def adapter_parameters(architecture: Architecture, shape: TrainingShape) -> int:
    """Return the parameters of the adapter: r (in + out) for each matrix, and out for DoRA."""
    return sum(
        m.count * (_rank(m, shape) * (m.n_in + m.n_out) + (m.n_out if shape.dora else 0))
        for m in adapted(architecture, shape.targets)
    )


def saved_parameters(architecture: Architecture, shape: TrainingShape) -> int:
    """Return the parameters of modules that are trained whole beside the adapter.

    Raises:
        ConfigError: the model has no such module.
    """
    embedding, head = architecture.embedding_path, architecture.head_path
    n = 0
    for name in shape.modules_to_save:
        if _is(embedding, name) or _is(head, name):
            n += architecture.vocabulary * architecture.width
            continue
        found = [m for m in architecture.matrices if _is(m.path, name)]
        if not found:
            known = sorted(
                {m.name for m in architecture.matrices} | {_last(embedding), _last(head)}
            )
            raise ConfigError(
                f"modules_to_save: this model has no module {name!r}; it has: {', '.join(known)}"
            )
        n += sum(m.n_parameters for m in found)
    return n


def adapter_file_bytes(architecture: Architecture, shape: TrainingShape) -> int:
    """Return the exact size of adapter_model.safetensors as PEFT writes it, in float32.

    The format: eight bytes of length, a JSON header padded to eight, the numbers.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, dimensions in sorted(_tensors(architecture, shape)):
        size = 4
        for dimension in dimensions:
            size *= dimension
        header[name] = {
            "dtype": "F32",
            "shape": list(dimensions),
            "data_offsets": [start, start + size],
        }
        start += size
    text = json.dumps(header, separators=(",", ":"))
    return 8 + -(-len(text) // 8) * 8 + start


def _tensors(
    architecture: Architecture, shape: TrainingShape
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for matrix in adapted(architecture, shape.targets):
        for layer in matrix.layers:
            where = matrix.adapter_path or matrix.path
            path = "base_model.model." + where.format(layer=layer)
            rank = _rank(matrix, shape) * matrix.copies
            yield f"{path}.lora_A.weight", (rank, matrix.n_in)
            yield f"{path}.lora_B.weight", (matrix.n_out, rank)
            if shape.dora:
                yield f"{path}.lora_magnitude_vector", (matrix.n_out,)
    for name in shape.modules_to_save:
        for path in (architecture.embedding_path, architecture.head_path):
            if _is(path, name):
                yield (
                    f"base_model.model.{path}.weight",
                    (architecture.vocabulary, architecture.width),
                )


def _rank(matrix: Matrix, shape: TrainingShape) -> int:
    return shape.rank * matrix.rank_factor


def _optimizer_bytes(
    architecture: Architecture, shape: TrainingShape, n: int, trained: float
) -> float:
    """Return the moments: torch keeps them as what is trained, bitsandbytes in its own precision."""
    if shape.optimizer == "adafactor":
        return 4.0 * _rows_and_columns(architecture, shape)
    per_parameter = OPTIMIZERS[shape.optimizer]
    if shape.optimizer in EIGHT_BIT or shape.optimizer in PAGED or shape.optimizer == "lion":
        return per_parameter * n
    return per_parameter / 4 * trained


def _rows_and_columns(architecture: Architecture, shape: TrainingShape) -> int:
    """Numbers that Adafactor keeps: one for each row and each column (Shazeer & Stern 2018)."""
    if shape.method == "full":
        sides = sum(m.count * (m.n_in + m.n_out * (1 + m.has_bias)) for m in architecture.matrices)
        heads = 1 if architecture.has_tied_head else 2
        sides += heads * (architecture.vocabulary + architecture.width)
        return sides + architecture.n_other
    return sum(
        m.count * (m.n_in + m.n_out + 2 * _rank(m, shape))
        for m in adapted(architecture, shape.targets)
    ) + len(shape.modules_to_save) * (architecture.vocabulary + architecture.width)


def _is(path: str, name: str) -> bool:
    return path == name or path.endswith(f".{name}")


def _last(path: str) -> str:
    return path.rpartition(".")[2]
