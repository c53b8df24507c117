"""What a training asks of memory: the few settings that decide it, out of a `train:` mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from finetune.planner.architecture import Architecture, Matrix
from finetune.planner.stacks import STACKS, Stack
from harness.errors import ConfigError, UnknownNameError

Method = Literal["full", "lora"]
Weights = Literal["float32", "float16", "bfloat16", "int8", "nf4", "nf4-double", "gptq-4bit"]
Attention = Literal["eager", "sdpa", "flash"]
ALL_LINEAR = ("all-linear", "all", "linear")
OPTIMIZERS: Mapping[str, float] = {
    "adamw": 8,
    "adam": 8,
    "adamw_8bit": 2 + 8 / 256,
    "paged_adamw": 8,
    "paged_adamw_8bit": 2 + 8 / 256,
    "lion": 4,
    "lion_8bit": 1 + 4 / 256,
    "paged_lion": 4,
    "adafactor": 0,
    "sgd": 0,
    "sgd_momentum": 4,
    "muon": 4,
}
"""State bytes per parameter trained in float32; 8-bit ones keep a float32 scale for each 256
values of each moment (Dettmers et al. 2022). Adafactor's rows and columns are counted apart."""
EIGHT_BIT = ("adamw_8bit", "paged_adamw_8bit", "lion_8bit")
PAGED = ("paged_adamw", "paged_adamw_8bit", "paged_lion")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingShape:
    """One training, as far as memory goes."""

    method: Method = "lora"
    micro_batch: int = 8
    """Rows in a forward pass."""
    sequence: int = 512
    """Tokens in the longest row."""
    loss_share: float = 1.0
    """Share of tokens whose logits are computed; below 1 only where the stack leaves the rest out."""
    weights: Weights = "bfloat16"
    """How the base is kept."""
    optimizer: str = "adamw"
    checkpointing: bool = False
    attention: Attention = "sdpa"
    rank: int = 16
    targets: str | tuple[str, ...] = "all-linear"
    dora: bool = False
    modules_to_save: tuple[str, ...] = ()
    """Whole modules that are trained beside the adapter."""
    trainable_tokens: int = 0
    """Rows of the embedding that are trained beside the adapter."""
    stack: Stack = STACKS["tunemark"]
    on_cpu: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        assert self.micro_batch > 0, f"{self.micro_batch=}"
        assert self.sequence > 0, f"{self.sequence=}"
        assert 0 <= self.loss_share <= 1, f"{self.loss_share=}"

    @property
    def is_float32_trained(self) -> bool:
        """Whether whole modules that are trained are float32 beside 16-bit values."""
        return self.weights == "float32" or self.stack.trains_in_float32

    @property
    def n_tokens(self) -> int:
        """Tokens in a forward pass, padding included."""
        return self.micro_batch * self.sequence


def shape_of(
    train: Mapping[str, Any],
    *,
    where: str,
    stack: str = "tunemark",
    on_cpu: bool = False,
    loss_share: float | None = None,
) -> TrainingShape:
    """Return the shape of a `train:` mapping; what it does not say has the trainer's defaults.

    Args:
        train: The mapping, as in a study.
        where: For messages.
        stack: Name of the software that trains.
        on_cpu: Whether it trains on a CPU.
        loss_share: Share of tokens that are learnt; by default all, the most that it can be.

    Raises:
        ConfigError: a value that memory depends on is wrong.
        UnknownNameError: an optimizer, a method or a stack that is not known.
    """
    if stack not in STACKS:
        raise UnknownNameError("stack", stack, STACKS, where=where)
    lora = train.get("lora") or {}
    if not isinstance(lora, Mapping):
        raise ConfigError(f"{where}: train: lora: expected settings, got {lora!r}")
    method = _one_of(
        train.get("method", "lora"), ("lora", "qlora", "dora", "full"), "method", where
    )
    batch = _count(train.get("batch", 16), "batch", where)
    micro = train.get("micro_batch", 8)
    default = STACKS[stack].attention
    pairs = 2 if train.get("stage") in {"dpo", "orpo", "kto"} else 1
    rows = min(batch, 8 if micro == "auto" else _count(micro, "micro_batch", where))
    return TrainingShape(
        method="full" if method == "full" else "lora",
        micro_batch=pairs * rows,
        sequence=_count(train.get("max_tokens", 512), "max_tokens", where),
        loss_share=1.0 if loss_share is None else loss_share,
        weights=_weights(train, method, where),
        optimizer=_optimizer(str(train.get("optimizer", "adamw")), where),
        checkpointing=_switch(train.get("gradient_checkpointing", False), where),
        attention=_attention(train.get("attention", default), where),
        rank=_count(lora.get("r", 16), "lora.r", where),
        targets=_targets(lora.get("targets", "all-linear"), where),
        dora=method == "dora" or bool(lora.get("dora", False)),
        modules_to_save=_names(_either(lora, train, "modules_to_save"), "modules_to_save", where),
        trainable_tokens=_n_rows(_either(lora, train, "trainable_tokens"), where),
        stack=STACKS[stack],
        on_cpu=on_cpu,
    )


def adapted(architecture: Architecture, targets: str | tuple[str, ...]) -> tuple[Matrix, ...]:
    """Return the matrices that LoRA adapts: those of the given names, or all linear ones.

    A single text that is no name is a regular expression for whole module names, as in PEFT; of a
    matrix only the layers that it matches are returned.

    Raises:
        ConfigError: no matrix of the model has that name.
    """
    linear = [matrix for matrix in architecture.matrices if matrix.is_linear]
    if targets in ALL_LINEAR:
        inside = [m for m in architecture.matrices if m.adapter_path]
        # Beside experts that are adapted, PEFT takes a dense MLP's names for theirs and leaves it.
        outside = [m for m in linear if not inside or m.part != "mlp"]
        return tuple(outside + inside)
    if isinstance(targets, str) and not any(_ends(m.path, targets) for m in linear):
        found = _matching(linear, targets)
        if found:
            return found
    wanted = (targets,) if isinstance(targets, str) else targets
    found = tuple(m for m in linear if any(_ends(m.path, target) for target in wanted))
    for target in wanted:
        if not any(_ends(matrix.path, target) for matrix in linear):
            names = ", ".join(sorted({matrix.name for matrix in linear}))
            raise ConfigError(f"lora.targets: this model has no layer {target!r}; it has: {names}")
    return found


def _matching(linear: Sequence[Matrix], pattern: str) -> tuple[Matrix, ...]:
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"lora.targets: {pattern!r} is no regular expression: {error}") from None
    matched = [
        (matrix, [n for n in matrix.layers if wanted.fullmatch(matrix.path.format(layer=n))])
        for matrix in linear
    ]
    return tuple(replace(matrix, layers=tuple(layers)) for matrix, layers in matched if layers)


def _ends(path: str, target: str) -> bool:
    """PEFT's rule: the module's name, or the end of its path from a dot."""
    return path == target or path.endswith(f".{target}")


def _weights(train: Mapping[str, Any], method: str, where: str) -> Weights:
    quantisation = train.get("quantisation", train.get("quantization"))
    if isinstance(quantisation, Mapping):
        quantisation = "nf4-double" if quantisation.get("double", True) else "nf4"
    if quantisation not in (None, False, "none"):
        known = ("nf4", "nf4-double", "int8", "gptq-4bit")
        return _one_of(quantisation, known, "quantisation", where)
    if method == "qlora":
        double = train.get("double_quantisation", train.get("double_quant", True))
        return "nf4-double" if double else "nf4"
    dtype = train.get("dtype", "auto")
    short = {"auto": "bfloat16", "bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
    known = ("float32", "float16", "bfloat16")
    return _one_of(short.get(dtype, dtype), known, "dtype", where)


def _optimizer(name: str, where: str) -> str:
    """Return one of OPTIMIZERS; transformers' names (adamw_torch_fused, …) are understood."""
    plain = name.lower()
    for ending in ("_torch", "_fused", "_hf", "_32bit", "_bnb", "_apex"):
        plain = plain.replace(ending, "")
    plain = {"adamw8bit": "adamw_8bit", "adamw_bnb_8bit": "adamw_8bit"}.get(plain, plain)
    if plain in OPTIMIZERS:
        return plain
    raise UnknownNameError("optimizer", name, OPTIMIZERS, where=where)


def _attention(value: object, where: str) -> Attention:
    aliases = {"flash_attention_2": "flash", "fa2": "flash", "flash2": "flash", "auto": "sdpa"}
    name = aliases.get(str(value), value)
    return _one_of(name, ("eager", "sdpa", "flash"), "attention", where)


def _either(lora: Mapping[str, Any], train: Mapping[str, Any], key: str) -> object:
    return lora.get(key) or train.get(key)


def _targets(value: object, where: str) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value if "," not in value else tuple(v.strip() for v in value.split(","))
    return _names(value, "lora.targets", where)


def _names(value: object, key: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    if isinstance(value, list | tuple):
        return tuple(str(part) for part in value)
    raise ConfigError(f"{where}: train: {key}: expected names, got {value!r}")


def _n_rows(value: object, where: str) -> int:
    if value is None:
        return 0
    if isinstance(value, int) and value >= 0:
        return value
    if isinstance(value, list | tuple):
        return len(value)
    raise ConfigError(f"{where}: train: trainable_tokens: expected token ids, got {value!r}")


def _count(value: object, key: str, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigError(f"{where}: train: {key}: expected a whole number above 0, got {value!r}")
    return value


def _switch(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in {"auto", "unsloth"}:
        return value == "unsloth"
    raise ConfigError(f"{where}: train: gradient_checkpointing: expected true or false")


def _one_of(value: Any, known: tuple[str, ...], key: str, where: str) -> Any:
    if value not in known:
        raise UnknownNameError(key, str(value), known, where=f"{where}: train")
    return value
