"""Training states over several devices: ZeRO's stages, and FSDP, which is its third.

Rajbhandari et al. 2020: of 16 bytes a parameter under mixed-precision Adam (2 weights, 2
gradients, 12 master copy and moments), stage 1 divides the 12 by the number of devices, stage 2
the gradients too, stage 3 all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from finetune.planner.architecture import Architecture
from finetune.planner.states import States

Stage = Literal[0, 1, 2, 3]
LIVE_PARAMETERS = 1e9
"""Parameters that stage 3 may hold gathered at once (stage3_max_live_parameters)."""
SUB_GROUP = 1e9
"""Parameters that DeepSpeed's optimizer handles at once (sub_group_size)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """How many devices hold the states together, and what of them is divided."""

    n: int = 1
    stage: Stage = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        assert self.n > 0, f"{self.n=}"

    @property
    def divides_weights(self) -> bool:
        """Whether each device holds a part of the weights only."""
        return self.stage == 3 and self.n > 1


def divided(states: States, devices: Devices) -> States:
    """Return what one device holds."""
    n = devices.n
    is_weights, is_gradients = devices.stage >= 3, devices.stage >= 2
    is_optimizer = devices.stage >= 1
    return States(
        weights=states.weights / (n if is_weights else 1),
        trained=states.trained / (n if is_weights else 1),
        gradients=states.gradients / (n if is_gradients else 1),
        optimizer=states.optimizer / (n if is_optimizer else 1),
        master=states.master / (n if is_optimizer else 1),
        n_trained=states.n_trained,
        trained_bytes=states.trained_bytes,
        is_paged=states.is_paged,
    )


def communication_bytes(architecture: Architecture, states: States, devices: Devices) -> float:
    """Return the buffers of one device for talking to the others.

    Without stages, DistributedDataParallel keeps gradients once more in buckets. Stage 3 gathers
    the weights of a layer while it works, and of the next.
    """
    if devices.n == 1:
        return 0.0
    if devices.stage < 2:
        return states.gradients
    if devices.stage == 2:
        return min(states.gradients, 2e9)
    per_parameter = states.weights / architecture.n_parameters
    layer = architecture.matrix_parameters / architecture.n_layers
    ends = architecture.embedding_parameters
    return per_parameter * max(2 * layer, layer + ends)


def zero_bytes(n_parameters: float, stage: Stage, n_devices: int) -> float:
    """Return model-state bytes of one device under mixed-precision Adam: 2 + 2 + 12, divided.

    ZeRO's figure 1: 7.5 billion parameters on 64 devices take 120, 31.4, 16.6 and 1.88 GB.
    """
    weights, gradients, optimizer = 2.0, 2.0, 12.0
    if stage >= 1:
        optimizer /= n_devices
    if stage >= 2:
        gradients /= n_devices
    if stage >= 3:
        weights /= n_devices
    return n_parameters * (weights + gradients + optimizer)
