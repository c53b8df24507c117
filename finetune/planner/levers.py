"""What could be changed: a ladder of single changes, and the largest that fits a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from finetune.planner.architecture import Architecture
from finetune.planner.memory import memory_of
from finetune.planner.shape import TrainingShape
from finetune.planner.sharding import Devices, Stage

LONGEST = 1 << 20
LARGEST = 1 << 14
STAGES: tuple[tuple[Stage, str], ...] = (
    (0, "a whole copy on each (DDP)"),
    (1, "ZeRO-1"),
    (2, "ZeRO-2"),
    (3, "ZeRO-3 or FSDP"),
)
MOST_DEVICES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One change and what it saves; everything else stays."""

    change: str
    n_bytes: float
    """Expected peak after it."""
    saving: float
    """Bytes less than now; negative: it costs."""
    cost: str
    """What is paid for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What fits a device."""

    fits: bool
    """The training as it is, at the upper end of its range."""
    longest: int
    """Tokens in a row, at this micro-batch; 0: not even one."""
    largest: int
    """Rows in a micro-batch, at this length."""


def ladder(
    architecture: Architecture, shape: TrainingShape, devices: Devices | None = None
) -> tuple[Rung, ...]:
    """Return single changes, the largest saving first; those that change nothing are left out."""
    now = memory_of(architecture, shape, devices).expected
    rungs: list[Rung] = []
    for change, cost, changed in _changes(architecture, shape):
        after = memory_of(architecture, changed, devices).expected
        rungs.append(Rung(change=change, n_bytes=after, saving=now - after, cost=cost))
    kept = [rung for rung in rungs if abs(rung.saving) > 0.002 * now]
    return tuple(sorted(kept, key=lambda rung: -rung.saving))


def largest_lever(rungs: tuple[Rung, ...]) -> Rung | None:
    """Return the change that saves most without another method of training."""
    return next((r for r in rungs if r.saving > 0 and not r.change.startswith("method")), None)


def fit_of(
    architecture: Architecture,
    shape: TrainingShape,
    capacity: float,
    devices: Devices | None = None,
) -> Fit:
    """Return whether a training fits `capacity` bytes, the longest row and the largest micro-batch.

    Judged by the upper end of the range, since running out ends the training.
    """

    def high(changed: TrainingShape) -> float:
        return memory_of(architecture, changed, devices).high

    limit = min(LONGEST, architecture.n_positions or LONGEST)
    return Fit(
        fits=high(shape) <= capacity,
        longest=_largest(lambda n: high(replace(shape, sequence=n)) <= capacity, limit),
        largest=_largest(lambda n: high(replace(shape, micro_batch=n)) <= capacity, LARGEST),
    )


def devices_needed(
    architecture: Architecture, shape: TrainingShape, capacity: float
) -> dict[str, int | None]:
    """Return for each way of dividing the states how many devices it takes; None: no number does.

    Every device works on rows of its own, so activations are not divided.
    """
    needed: dict[str, int | None] = {}
    for stage, name in STAGES:

        def enough(n: int, stage: Stage = stage) -> bool:
            return memory_of(architecture, shape, Devices(n=n, stage=stage)).high <= capacity

        counts = [1 << k for k in range(MOST_DEVICES.bit_length())]
        first = next((n for n in counts if enough(n)), None)
        if first is not None and first > 2:
            first = next(n for n in range(first // 2 + 1, first + 1) if enough(n))
        needed[name] = first
    return needed


def _largest(works: Callable[[int], bool], limit: int) -> int:
    """Return the largest whole number up to `limit` that works; all below it do."""
    if not works(1):
        return 0
    low, high = 1, 2
    while high <= limit and works(high):
        low, high = high, high * 2
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if works(middle) else (low, middle)
    return low


def _changes(
    architecture: Architecture, shape: TrainingShape
) -> list[tuple[str, str, TrainingShape]]:
    found: list[tuple[str, str, TrainingShape]] = []

    def add(change: str, cost: str, **fields: object) -> None:
        found.append((change, cost, replace(shape, **fields)))  # pyright: ignore[reportArgumentType]

    _size_changes(shape, add)
    if not shape.checkpointing:
        add("gradient_checkpointing on", "about a third slower", checkpointing=True)
    if shape.attention != "flash" and not shape.on_cpu:
        add("flash attention", "needs a kernel package", attention="flash")
    if shape.weights == "float32":
        add("dtype float32 → bfloat16", "rounding", weights="bfloat16")
    if shape.method == "full":
        add("method full → lora", "learns less of large corpora (Biderman 2024)", method="lora")
        if shape.optimizer in {"adamw", "adam"}:
            add("optimizer adamw → adafactor", "needs other settings", optimizer="adafactor")
    if shape.method == "lora":
        _lora_changes(architecture, shape, add)
    if shape.optimizer in {"adamw", "paged_adamw"}:
        add(
            f"optimizer {shape.optimizer} → adamw_8bit",
            "needs bitsandbytes",
            optimizer="adamw_8bit",
        )
    return found


def _size_changes(shape: TrainingShape, add: Callable[..., None]) -> None:
    if shape.micro_batch > 1:
        half = shape.micro_batch // 2
        cost = "slower steps, the same result"
        add(f"micro_batch {shape.micro_batch} → {half}", cost, micro_batch=half)
        add(f"micro_batch {shape.micro_batch} → 1", cost, micro_batch=1)
    if shape.sequence > 64:
        half = shape.sequence // 2
        add(f"max_tokens {shape.sequence} → {half}", "longer rows are lost or cut", sequence=half)


def _lora_changes(
    architecture: Architecture, shape: TrainingShape, add: Callable[..., None]
) -> None:
    if shape.weights in {"float16", "bfloat16"}:
        add("method lora → qlora", "a third slower, a little quality", weights="nf4-double")
    if shape.dora:
        add("method dora → lora", "a little quality", dora=False)
    if shape.rank > 8:
        add(f"lora.r {shape.rank} → {shape.rank // 2}", "less capacity", rank=shape.rank // 2)
    names = {m.name for m in architecture.matrices if m.part == "attention" and m.is_linear}
    if shape.targets in {"all-linear", "all"} and names:
        cost = "learns less: the MLP matters most (Schulman 2025)"
        add("lora.targets attention only", cost, targets=tuple(sorted(names)))
    if shape.modules_to_save:
        add("no modules_to_save", "new tokens are not learnt", modules_to_save=())
