"""What a study serves beside its baseline: each configuration, or each training seed of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.adapters import load_adapter
from harness.cells import Serving
from harness.config import line_in
from harness.errors import ConfigError
from harness.registry import load_object
from harness.study_config import Configuration, StudyConfig
from harness.training import PLAN_TRAINING, PlannedTraining

MAX_RANK = 512
"""The largest LoRA rank that vLLM serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A configuration, or one training seed of it, with its training, if it is trained here."""

    name: str
    training: PlannedTraining | None = None
    adapter: Path | None = None
    seed_of: str | None = None
    """The configuration that it is a training seed of; None: it is one itself."""
    seed: int | None = None
    """Of its training, where it is one of several."""

    @property
    def configuration(self) -> str:
        """The name under which it is compared."""
        return self.seed_of or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What all configurations of a study have in common."""

    config: StudyConfig
    file: Path
    root: Path
    serving: Serving

    def where(self, *loc: int | str) -> str:
        """Return file and line of a part of the study."""
        return f"{self.file}:{line_in(self.file, loc)}"


def variants_of(entry: Configuration, source: Source, i: int) -> list[Variant]:
    """Return a configuration's variant, or those of all its training seeds."""
    loc = ("configurations", i)
    if entry.adapter is not None:
        where = f"{source.where(*loc)}: configuration {entry.name!r}"
        if entry.train is not None:
            raise ConfigError(f"{where}: give either `train` or `adapter`, not both")
        if entry.seeds is not None:
            raise ConfigError(
                f"{where}: `seeds` train it here, once each; an adapter made elsewhere has no "
                "seed: give each as a configuration, or leave `seeds` out"
            )
        folder = source.file.parent / entry.adapter
        load_adapter(entry.name, folder, source.serving.model, max_rank=MAX_RANK)
        return [Variant(name=entry.name, adapter=folder)]
    values = merged_settings(source.config.train, entry.train or {})
    if entry.seeds is None:
        return [Variant(name=entry.name, training=_training(entry.name, values, source))]
    where = f"{source.where(*loc, 'seeds')}: configuration {entry.name!r}"
    if "seed" in (entry.train or {}):
        raise ConfigError(f"{where}: give either `seeds` or `seed` in its `train`, not both")
    for seed in entry.seeds:
        if entry.seeds.count(seed) > 1:
            raise ConfigError(f"{where}: seed {seed} appears twice; each trains it once")
    return [
        Variant(
            name=name,
            training=_training(name, {**values, "seed": seed}, source),
            seed_of=entry.name,
            seed=seed,
        )
        for seed, name in zip(entry.seeds, seed_names(entry), strict=True)
    ]


def seed_names(entry: Configuration) -> list[str]:
    """Return what the variants of a configuration are called: NAME, or NAME.s0 and so on."""
    return [entry.name] if entry.seeds is None else [f"{entry.name}.s{n}" for n in entry.seeds]


def _training(name: str, values: dict[str, Any], source: Source) -> PlannedTraining:
    plan: Any = load_object(PLAN_TRAINING)
    return plan(
        name,
        values,
        base_folder=source.file.parent,
        model=source.serving.model,
        template=source.serving.template,
        root=source.root,
        where=f"{source.file}: configuration {name!r}",
    )


def merged_settings(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Overlay a configuration's settings, one level into nested ones such as `lora:`."""
    result = dict(shared)
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = {**result[key], **value}
        else:
            result[key] = value
    return result
