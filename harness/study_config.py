"""What a study's YAML file may say: one base, a baseline, configurations, suites and margins."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from harness.engines.base import Dtype
from harness.templates import OWN
from harness.types import Record

Role = Literal["domain", "retention"]


class StudySuite(Record):
    """A suite in a study."""

    path: str
    """Folder of the suite, relative to the study's file; the name of a shipped one; or
    lm-eval/TASK."""
    role: Role = "domain"
    """What it stands for: the ability wanted, or the abilities that must not be lost."""
    data: str | None = None
    """Folder or file with the public data that a recipe reads, relative to the study's file."""
    limit: int | None = Field(default=None, gt=0)
    """At most so many items of each task."""
    limit_seed: int | None = None
    """Draw them at random with this seed; null: the first ones."""
    include: str | None = None
    """For lm-eval tasks: folder with task YAML files of your own, relative to the study's file."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """For lm-eval tasks: solved examples; by default as many as the task says."""
    apply_chat_template: bool = False
    """For lm-eval tasks: whether prompts are laid out by the chat template."""
    system_instruction: str | None = None
    """For lm-eval tasks: a system turn."""


class Primary(Record):
    """A comparison that decides; all of them together are corrected for their number."""

    suite: str
    metric: str
    margin: float = Field(default=0.0, ge=0)
    """How much worse is still "no worse", in the metric's unit."""


class Configuration(Record):
    """One variant to compare with the baseline: trained here, or an adapter made elsewhere."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    train: dict[str, Any] | None = None
    """Differences from the study's `train:`."""
    adapter: str | None = None
    """Folder of a PEFT LoRA adapter, relative to the study's file."""
    seeds: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Train it once with each of these seeds (NAME.s0, NAME.s1, …) instead of the one in `train:`,
    and compare their mean: a seed decides the adapter's start, the order of the rows, which are
    held out, and which are drawn for `max_rows`."""


class Confirm(Record):
    """Choose a configuration on one part of the gold items, and report it on the other."""

    share: float = Field(default=0.5, gt=0, lt=1)
    """Of each task's items, or clusters of items, that are kept for the report."""
    seed: int = 0
    """Another one gives another part."""


class StudyConfig(Record):
    """A study's YAML file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    description: str = ""
    model: str
    """A folder, a Hugging Face id, or a packaged model."""
    template: str = OWN
    engine: str = "vllm"
    dtype: Dtype = "auto"
    lora_mode: Literal["auto", "multi", "merged"] = "auto"
    seed: int = 0
    baseline: str = "base"
    """Name of the untouched model in tables."""
    suites: tuple[StudySuite, ...] = Field(min_length=1)
    primary: tuple[Primary, ...] = Field(min_length=1)
    train: dict[str, Any] = Field(default_factory=dict)
    """Shared by all configurations that are trained here."""
    configurations: tuple[Configuration, ...] = ()
    confirm: Confirm | None = None
    """Null: one and the same items choose a configuration and tell how good it is, which flatters
    the best of many."""

    @field_validator("suites", mode="before")
    @classmethod
    def _paths_are_suites(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"path": item} if isinstance(item, str) else item for item in value]
        return value
