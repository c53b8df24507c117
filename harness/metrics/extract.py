"""Find the answer inside of what a model said: declared steps, recorded in the signature.

A step takes the text that the step before it left and returns what it found, or None when there
is no answer of its kind; the rest of the pipeline is then skipped and the item counts as "not
extracted" (it scores as an empty answer and is reported apart from wrong ones).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.errors import ConfigError, UnknownNameError
from harness.metrics.steps import Step
from harness.registry import load_object
from harness.spec import Spec, call_with
from harness.types import GoldRecord

STEPS: Mapping[str, str] = {
    "strip_think": "harness.metrics.thinking:strip_think",
    "regex": "harness.metrics.steps:regex",
    "after": "harness.metrics.steps:after",
    "boxed": "harness.metrics.steps:boxed",
    "choice_letter": "harness.metrics.letters:choice_letter",
    "last_number": "harness.metrics.steps:last_number",
    "json_block": "harness.metrics.steps:json_block",
    "first_line": "harness.metrics.steps:first_line",
    "last_line": "harness.metrics.steps:last_line",
    "strip_prefix": "harness.metrics.steps:strip_prefix",
    "normalise": "harness.metrics.steps:normalise",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Extraction steps in order; without steps the text is left as it is."""

    steps: tuple[Step, ...] = ()
    signature: str = ""
    """The steps' labels, joined by ">"."""

    def apply(self, text: str, gold: GoldRecord | None = None) -> str | None:
        """Return what the last step finds, or None when a step finds nothing.

        Args:
            text: What the model said.
            gold: The item; its choices tell which letters can be an answer.
        """
        found: str | None = text
        for step in self.steps:
            if found is None:
                return None
            found = step(found, gold)
        return found


def build_pipeline(steps: Sequence[Any] | Any, language: str) -> Pipeline:
    """Return the pipeline of a task's `extract:` list.

    Raises:
        UnknownNameError, ConfigError: an unknown step or parameter.
    """
    listed = steps if isinstance(steps, (list, tuple)) else [steps]
    specs = [_spec(step) for step in listed]
    for spec in specs:
        if spec.name not in STEPS:
            raise UnknownNameError("extraction step", spec.name, STEPS)
    built = [call_with(load_object(STEPS[s.name]), language, s, kind="step") for s in specs]
    return Pipeline(steps=tuple(built), signature=">".join(spec.label for spec in specs))


def _spec(step: object) -> Spec:
    """Read a step of a metric's own `extract`, which is not yet checked when a suite is read."""
    try:
        return Spec.model_validate(step)
    except ValidationError as error:
        message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"extraction step {step!r}: {message}") from None
