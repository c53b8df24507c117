"""Find the answer inside of what a model said: declared steps, recorded in the signature.

A step takes the text that the step before it left and returns what it found, or None when there
is no answer of its kind; the rest of the pipeline is then skipped and the item counts as "not
extracted" (it scores as an empty answer and is reported apart from wrong ones).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UnknownNameError
from harness.registry import load_object
from harness.spec import Spec, call_with

Step = Callable[[str], str | None]

STEPS: Mapping[str, str] = {
    "strip_think": "harness.metrics.extract:strip_think",
    "regex": "harness.metrics.extract:regex",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Extraction steps in order; without steps the text is left as it is."""

    steps: tuple[Step, ...] = ()
    signature: str = ""
    """The steps' labels, joined by ">"."""

    def apply(self, text: str) -> str | None:
        """Return what the last step finds, or None when a step finds nothing."""
        found: str | None = text
        for step in self.steps:
            if found is None:
                return None
            found = step(found)
        return found


def build_pipeline(steps: Sequence[Any] | Any, language: str) -> Pipeline:
    """Return the pipeline of a task's `extract:` list.

    Raises:
        UnknownNameError, ConfigError: an unknown step or parameter.
    """
    listed = steps if isinstance(steps, (list, tuple)) else [steps]
    specs = [Spec.model_validate(step) for step in listed]
    for spec in specs:
        if spec.name not in STEPS:
            raise UnknownNameError("extraction step", spec.name, STEPS)
    built = [call_with(load_object(STEPS[s.name]), language, s, kind="step") for s in specs]
    return Pipeline(steps=tuple(built), signature=">".join(spec.label for spec in specs))


def strip_think(language: str, *, end: str = "</think>") -> Step:
    """Drop a reasoning trace: everything up to and including the last `end` mark."""
    del language
    return lambda text: text.rpartition(end)[2].strip()


def regex(language: str, *, value: str, group: int = 0) -> Step:
    """Find a pattern (Python `re`, the first match); its first group where it has one."""
    del language
    pattern = re.compile(value)

    def step(text: str) -> str | None:
        match = pattern.search(text)
        if match is None:
            return None
        return match[group or (1 if pattern.groups else 0)]

    return step
