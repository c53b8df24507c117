"""What the lints of `finetune` say about a study's trainings; they are reached by name only."""

from __future__ import annotations

from typing import Any

from harness.errors import ConfigError
from harness.registry import load_object
from harness.study import Study
from harness.variants import Variant

TRAINING_FINDINGS = "finetune.facts:training_findings"


def training_notes(study: Study, variant: Variant) -> list[str]:
    """Return what there is to say before a configuration is trained, a line each."""
    found: Any = load_object(TRAINING_FINDINGS)(study, variant)
    return [f"{variant.name}: {finding}" for finding in found]


def refuse_unservable(study: Study, *, only: str | None = None) -> None:
    """Check that what is trained can be served, before any time is spent on it.

    Args:
        study: Whose configurations are to be trained.
        only: Name of the one configuration to look at; by default all.

    Raises:
        ConfigError: the engine would refuse an adapter.
    """
    for variant in study.variants:
        if only not in (None, variant.name) or _is_trained(variant):
            continue
        for finding in load_object(TRAINING_FINDINGS)(study, variant):
            if finding.severity == "error":
                raise ConfigError(
                    f"{study.file}: configuration {variant.name!r}: {finding.text} "
                    f"[{finding.source}]"
                )


def _is_trained(variant: Variant) -> bool:
    return variant.training is None or variant.training.is_complete
