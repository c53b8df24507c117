"""What an importer builds: settings, and an account of every key that did not become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from finetune.config import LoraSettings, TrainConfig, parse_config
from harness.config import read_text
from harness.errors import ConfigError
from harness.templates import OWN, STOPS

IMPLIED: Mapping[str, object] = {
    "method": "lora",
    "stage": "sft",
    "optimizer": "adamw",
    "packing": False,
    "train_on": "assistant",
    "lora.dora": False,
}
"""What the trainer does where its settings have no such key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What became of one key."""

    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Settings made of another tool's file."""

    model: str
    template: str
    train: Mapping[str, Any]
    changed: tuple[Remark, ...]
    """Has an effect that differs here."""
    ignored: tuple[Remark, ...]
    """Has no effect on what is learnt."""
    unknown: tuple[str, ...]
    """Keys that this importer does not know: look at them."""


@dataclass(slots=True)
class Draft:
    """Takes keys out of another tool's settings, one by one, and accounts for them."""

    where: Path
    values: dict[str, Any]
    train: dict[str, Any] = field(default_factory=dict[str, Any])
    lora: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: list[Remark] = field(default_factory=list[Remark])
    ignored: list[Remark] = field(default_factory=list[Remark])

    def take(self, key: str, default: Any = None) -> Any:
        """Return a key's value and count it as understood; empty is as good as missing."""
        value = self.values.pop(key, None)
        return default if value is None or value == "" else value

    def refuse(self, key: str, value: object, why: str) -> None:
        """Stop: going on would train something else.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"{self.where}: {key}: {value}: {why}")

    def refuse_if_on(self, keys: Mapping[str, str]) -> None:
        """Stop at switches that change what is trained and that the trainer does not have."""
        for key, why in keys.items():
            value = self.take(key, False)
            if value:
                self.refuse(key, value, why)

    def ignore(self, keys: Iterable[str], why: str) -> None:
        """Count keys as of no effect on what is learnt."""
        for key in keys:
            if key in self.values:
                self.ignored.append(Remark(key=key, text=why))
                del self.values[key]

    def change(self, key: str, text: str) -> None:
        """Tell of an effect that differs."""
        self.changed.append(Remark(key=key, text=text))

    def set(self, name: str, value: object, *, source: str) -> None:
        """Set one of our settings; one that the trainer does not have must be what it does anyway.

        Args:
            name: Ours; "lora.…" for the adapter's.
            value: Its value.
            source: The other tool's key, for messages.
        """
        inner = name.removeprefix("lora.")
        is_lora = name.startswith("lora.")
        known = LoraSettings.model_fields if is_lora else TrainConfig.model_fields
        if inner in known:
            (self.lora if is_lora else self.train)[inner] = value
        elif name not in IMPLIED or value != IMPLIED[name]:
            self.refuse(source, value, f"the trainer has no setting {name!r} for it")

    def number(self, key: str, default: float | None, kind: type = float) -> Any:
        """Take a number; YAML reads 2e-5 as text, which the other tools take for a number too."""
        value = self.take(key, default)
        if value is None:
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ConfigError(f"{self.where}: {key}: expected a number, got {value!r}") from None
        if kind is int:
            if number != int(number):
                raise ConfigError(f"{self.where}: {key}: expected a whole number, got {value!r}")
            return int(number)
        return number

    def finish(self, *, model: object, template: str) -> Imported:
        """Check the settings and return them.

        Raises:
            ConfigError: no model, or settings that the trainer refuses.
        """
        if not isinstance(model, str) or not model:
            raise ConfigError(f"{self.where}: it names no model")
        if self.lora and self.train.get("method") != "full":
            self.train["lora"] = self.lora
        parse_config(self.train, where=str(self.where))
        return Imported(
            model=model,
            template=template,
            train=self.train,
            changed=tuple(self.changed),
            ignored=tuple(self.ignored),
            unknown=tuple(self.values),
        )


def load_draft(file: Path) -> Draft:
    """Read another tool's YAML file.

    Raises:
        ConfigError: it is missing, or no mapping.
    """
    try:
        values = yaml.safe_load(read_text(file, ConfigError))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{file}{line}: this is not valid YAML") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: expected `key: value` lines")
    return Draft(where=file, values={str(key): value for key, value in values.items()})


def template_of(draft: Draft, key: str, name: str, own: Iterable[str]) -> str:
    """Return our template for another tool's: one of ours, or the tokenizer's own.

    Args:
        draft: Where to tell of it.
        key: The other tool's key.
        name: Its template.
        own: Templates there that are written out of a chat model's own.
    """
    if name in STOPS:
        draft.change(key, f"{name}: our layout of that name; compare with --preview")
        return name
    if name in {"tokenizer_default", OWN}:
        return OWN
    if name not in set(own):
        draft.refuse(key, name, f"no such layout here; ours: {OWN}, {', '.join(STOPS)}")
    draft.change(
        key, f"{name}: the tokenizer's own chat template is used; it may add a system turn"
    )
    return OWN


def set_schedule(draft: Draft, key: str, default: str) -> None:
    """Set the schedule of the learning rate, and the warm-up where it is a share."""
    name = str(draft.take(key, default))
    plain = {"constant_with_warmup": "constant"}.get(name, name)
    draft.set("schedule", plain, source=key)
    ratio = draft.number("warmup_ratio", None)
    steps = draft.number("warmup_steps", None)
    if steps is not None and 0 < steps < 1:  # transformers 5 takes a share here
        ratio, steps = steps, None
    if ratio is None and steps and takes_steps():
        draft.set("warmup", steps, source="warmup_steps")
        return
    if ratio is None and steps:
        draft.change("warmup_steps", f"{steps:g} steps: here it is a share of all steps, `warmup`")
    draft.set("warmup", 0.0 if ratio is None else ratio, source="warmup_ratio")


def takes_steps() -> bool:
    """Tell whether the trainer's warm-up may be a number of steps, from 1 on."""
    return not any(hasattr(bound, "lt") for bound in TrainConfig.model_fields["warmup"].metadata)


def set_batch(draft: Draft, key: str, *, micro: int, accumulation: int) -> None:
    """Set the global batch; how many devices multiply it is not in the file."""
    rows = draft.number(key, micro, int)
    times = draft.number("gradient_accumulation_steps", accumulation, int)
    draft.set("micro_batch", rows, source=key)
    draft.set("batch", rows * times, source="gradient_accumulation_steps")


def set_heldout(draft: Draft, key: str) -> None:
    """Set the share of held-out rows; a number of rows is not a share."""
    value = draft.number(key, 0.0)
    if value >= 1:
        draft.change(key, f"{value:g} rows: here it is a share of the rows, `heldout`; 0.05 is set")
        value = 0.05
    draft.set("heldout", value, source=key)


def set_packing(draft: Draft, key: str) -> None:
    """Set packing, or tell that the trainer does not pack."""
    if "packing" in TrainConfig.model_fields:
        draft.train["packing"] = True
    else:
        draft.change(key, "rows are batched by length instead; nothing reads another row")


def set_checkpointing(draft: Draft, key: str, *, is_on: bool) -> None:
    """Set gradient checkpointing, which decides memory and speed only."""
    if "gradient_checkpointing" in TrainConfig.model_fields:
        draft.train["gradient_checkpointing"] = is_on
    elif is_on:
        draft.ignored.append(Remark(key=key, text="decides memory and speed only"))
