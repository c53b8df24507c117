"""What a training configuration may say, with its defaults."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from finetune.data.source import NamedSource
from harness.config import explain
from harness.errors import ConfigError
from harness.types import Record


class LoraSettings(Record):
    """The low-rank update W' = W + (alpha / r) · B · A."""

    r: int = Field(default=16, gt=0)
    alpha: int = Field(default=32, gt=0)
    """Scale of the update; the effective scale is alpha / r."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str | tuple[str, ...] = "all-linear"
    """Layers to adapt, by name; "all-linear" is every linear layer but the head."""
    rslora: bool = False
    """Scale by alpha / √r instead (Kalajdzievski 2023)."""


class TrainConfig(Record):
    """One training run."""

    data: tuple[NamedSource, ...] = Field(min_length=1)
    """Data files of any format, recipes (build.yaml, mix.yaml), data sets of a dataset_info.json;
    as a path, or as {path, format, name}. Relative to the study's file."""
    max_rows: int | None = Field(default=None, gt=0)
    """Use only this many rows, drawn with the seed."""
    epochs: int = Field(default=3, gt=0)
    learning_rate: float = Field(default=2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of all steps over which the learning rate rises from zero."""
    batch: int = Field(default=16, gt=0)
    """Rows per optimizer step (micro_batch × accumulation)."""
    micro_batch: int = Field(default=8, gt=0)
    """Rows per forward pass; decides the memory, not the result."""
    max_tokens: int = Field(default=512, gt=8)
    """Longest row, prompt and answers together."""
    over_length: Literal["drop", "error"] = "drop"
    """What to do with longer rows; dropped ones are counted in the ledger."""
    heldout: float = Field(default=0.05, ge=0, lt=0.5)
    """Share of the rows kept out of training for the loss after each epoch."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    """Largest gradient norm."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the frozen base; the adapter is float32. "auto": bfloat16, on CPU too: with autocast
    1.5 times as fast as float32 there (measured on 2 cores, SmolLM2-135M)."""
    seed: int = 0
    lora: LoraSettings = LoraSettings()

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str | dict) else value

    @property
    def accumulation(self) -> int:
        """Forward passes per optimizer step."""
        return max(1, self.batch // self.micro_batch)


def parse_config(values: dict[str, Any], *, where: str) -> TrainConfig:
    """Validate a `train:` mapping.

    Raises:
        ConfigError: an unknown key or a wrong value; `where` stands before the message.
    """
    try:
        config = TrainConfig.model_validate(values)
    except ValidationError as error:
        fault: Any = error.errors()[0]
        raise ConfigError(f"{where}: train: {explain(fault, TrainConfig)}") from None
    if config.batch % min(config.micro_batch, config.batch):
        raise ConfigError(
            f"{where}: train: batch {config.batch} is not a multiple of micro_batch "
            f"{config.micro_batch}"
        )
    return config
