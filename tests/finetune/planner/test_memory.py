"""The planner's identities, its order, and its errors on published measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.planner.activations import logit_bytes
from finetune.planner.constants import fitted
from finetune.planner.levers import devices_needed, fit_of, ladder, largest_lever
from finetune.planner.memory import memory_of
from finetune.planner.shape import TrainingShape
from finetune.planner.sharding import Devices, Stage, divided, zero_bytes
from finetune.planner.stacks import STACKS
from finetune.planner.states import states_of
from harness.machine import GIB
from scripts.calibrate_planner import GROUPS, Published, left_out, read_rows, share_under
from tests.finetune.planner.configs import model

SHAPES = st.builds(
    TrainingShape,
    method=st.sampled_from(["lora", "full"]),
    micro_batch=st.integers(1, 16),
    sequence=st.integers(16, 4096),
    weights=st.sampled_from(["bfloat16", "float32"]),
    optimizer=st.sampled_from(["adamw", "adamw_8bit", "lion", "sgd", "adafactor"]),
    checkpointing=st.booleans(),
    attention=st.sampled_from(["eager", "sdpa", "flash"]),
    rank=st.sampled_from([1, 8, 64]),
    dora=st.booleans(),
    stack=st.sampled_from(list(STACKS.values())),
)
NAMES = st.sampled_from(["SmolLM2-135M", "Llama-3-8B", "Qwen2.5-7B", "Gemma-2-2B", "Qwen3-30B-A3B"])


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.88)])
def test_zero_divides_states_as_its_paper_says(stage: Stage, gigabytes: float) -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5 billion parameters on 64 devices
    assert zero_bytes(7.5e9, stage, 64) / 1e9 == pytest.approx(gigabytes, rel=3e-3)


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_planned_states_are_zeros_identity(stage: Stage) -> None:
    architecture = model("Llama-2-7B")
    shape = TrainingShape(method="full", stack=STACKS["amp"])

    states = divided(states_of(architecture, shape), Devices(n=8, stage=stage))

    total = states.weights + states.gradients + states.optimizer + states.master
    assert total == pytest.approx(zero_bytes(architecture.n_parameters, stage, 8))


def test_pure_bf16_adamw_takes_eight_bytes_a_parameter() -> None:
    architecture = model("Llama-2-7B")
    shape = TrainingShape(method="full", stack=STACKS["transformers"])
    states = states_of(architecture, shape)

    total = states.weights + states.gradients + states.optimizer
    assert total == 8 * architecture.n_parameters


def test_our_own_trainer_keeps_what_it_trains_in_float32() -> None:
    architecture = model("Llama-2-7B")
    states = states_of(architecture, TrainingShape(method="full"))

    total = states.weights + states.gradients + states.optimizer
    assert total == 16 * architecture.n_parameters
    copies = memory_of(architecture, TrainingShape(method="full")).of("weight copies")
    norms = 65 * 4096  # not multiplied, as the embedding is not
    assert copies == 2 * (architecture.n_parameters - 32000 * 4096 - norms)


def test_logits_without_a_holder_take_twelve_bytes_each() -> None:
    architecture = model("Llama-3-8B")
    shape = TrainingShape(micro_batch=2, sequence=100, loss_share=0.5)

    assert logit_bytes(architecture, shape) == 12 * 128256 * 100


@given(name=NAMES, shape=SHAPES)
def test_components_add_up_and_stand_inside_the_range(name: str, shape: TrainingShape) -> None:
    memory = memory_of(model(name), shape)

    assert memory.expected == pytest.approx(sum(c.n_bytes for c in memory.components))
    assert memory.low <= memory.expected <= memory.high


@given(name=NAMES, shape=SHAPES)
def test_more_rows_tokens_or_rank_never_take_less(name: str, shape: TrainingShape) -> None:
    architecture = model(name)
    now = memory_of(architecture, shape).expected

    for change in (
        {"micro_batch": shape.micro_batch + 1},
        {"sequence": shape.sequence + 1},
        {"rank": shape.rank + 8},
    ):
        changed: dict[str, Any] = change
        assert memory_of(architecture, replace(shape, **changed)).expected >= now


@given(name=NAMES, shape=SHAPES)
def test_checkpointing_never_takes_more_than_a_layer_of_gradients(
    name: str, shape: TrainingShape
) -> None:
    architecture = model(name)
    off = memory_of(architecture, replace(shape, checkpointing=False))
    on = memory_of(architecture, replace(shape, checkpointing=True))

    assert on.of("activations") <= off.of("activations") * 1.2


@given(name=NAMES, shape=SHAPES)
def test_ladder_savings_are_differences_of_whole_plans(name: str, shape: TrainingShape) -> None:
    architecture = model(name)
    now = memory_of(architecture, shape).expected

    rungs = ladder(architecture, shape)

    assert [r.saving for r in rungs] == sorted((r.saving for r in rungs), reverse=True)
    assert all(rung.n_bytes + rung.saving == pytest.approx(now) for rung in rungs)


def test_the_longest_row_fits_and_one_token_more_does_not() -> None:
    architecture, capacity = model("Llama-3-8B"), 40 * GIB
    shape = TrainingShape(micro_batch=1, sequence=512)

    fit = fit_of(architecture, shape, capacity)

    def high(**change: Any) -> float:
        return memory_of(architecture, replace(shape, **change)).high

    assert fit.fits
    assert high(sequence=fit.longest) <= capacity < high(sequence=fit.longest + 1)
    assert high(micro_batch=fit.largest) <= capacity < high(micro_batch=fit.largest + 1)


def test_a_learnt_position_table_limits_the_longest_row() -> None:
    assert fit_of(model("GPT-2"), TrainingShape(micro_batch=1), 80 * GIB).longest == 1024


def test_the_largest_lever_keeps_the_method() -> None:
    rungs = ladder(model("Llama-3-8B"), TrainingShape(method="full", micro_batch=1, sequence=128))

    lever = largest_lever(rungs)
    assert rungs[0].change == "method full → lora"
    assert lever is not None
    assert lever.change == "optimizer adamw → adafactor"


def test_fewer_devices_are_needed_the_more_is_divided() -> None:
    shape = TrainingShape(method="full", micro_batch=1, sequence=512, checkpointing=True)

    needed = list(devices_needed(model("Llama-3-8B"), shape, 40 * GIB).values())

    assert needed[0] is None  # 16 bytes a parameter are more than one device has
    assert needed[3] is not None
    counts = [n if n is not None else 10**6 for n in needed]
    assert counts == sorted(counts, reverse=True)


def test_the_device_count_is_the_smallest() -> None:
    architecture, capacity = model("Llama-3-8B"), 40 * GIB
    shape = TrainingShape(method="full", micro_batch=1, sequence=512, checkpointing=True)

    n = devices_needed(architecture, shape, capacity)["ZeRO-3 or FSDP"]

    assert n is not None
    assert memory_of(architecture, shape, Devices(n=n, stage=3)).high <= capacity
    assert memory_of(architecture, shape, Devices(n=n - 1, stage=3)).high > capacity


@pytest.fixture(scope="module")
def published(SHARED: Path) -> Sequence[Published]:
    return read_rows(SHARED / "data" / "memory-calibration.csv")


@pytest.mark.parametrize("left", GROUPS)
def test_errors_hold_the_bound_with_each_group_left_out_of_the_fit(
    left: str, published: Sequence[Published]
) -> None:
    errors = left_out(published, GROUPS[left])

    assert median(map(abs, errors)) <= 0.10
    assert share_under(errors) <= 0.10


def test_the_shipped_constants_hold_the_bound(published: Sequence[Published]) -> None:
    errors = [row.error(fitted()) for row in published]

    assert median(map(abs, errors)) <= 0.06
    assert share_under(errors) <= 0.10


def test_the_printed_range_covers_most_rows(published: Sequence[Published]) -> None:
    constants = fitted()
    ratios = [1 / (1 + row.error(constants)) for row in published]

    inside = sum(constants.low <= ratio <= constants.high for ratio in ratios)
    assert inside >= 0.8 * len(ratios)


def test_the_documentation_shows_the_shipped_errors(published: Sequence[Published]) -> None:
    text = (Path(__file__).parents[3] / "docs" / "planner.md").read_text(encoding="utf-8")

    for row in published:
        error = f"{row.error(fitted()):+.0%}".replace("-", "−")
        assert f"| {row.predicted(fitted()) / 1e9:.1f} | {error} |" in text, row.label
