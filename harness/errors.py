"""Name every failure a user can cause or meet; each message says what, where and how to mend it.

HarnessError                exit 1   something failed while working
├── RunError                         an engine or a training process failed
├── StoreError                       a run folder cannot be read or written
│   └── DatabaseError                an annotation database (harness/annotation/errors.py)
├── TemplateDriftError               training and serving would see different tokens
├── CanaryError                      an adapter does not change the model
└── InputError              exit 2   the command, a file or a name is wrong
    ├── ConfigError                  a YAML file
    ├── GoldError                    a gold file
    ├── DataError                    training data
    ├── PredictionsError             a file of predictions made elsewhere
    ├── UnknownNameError             no such metric, engine, template, …
    ├── AnnotationError              a session, rater or rating (harness/annotation/errors.py)
    ├── ModelError                   no such model, or it cannot be used
    ├── AdapterError                 an adapter that does not fit
    ├── IncomparableError            runs that must not be put side by side
    └── MissingExtraError            an optional package is not installed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Base of all failures that are reported in one message, without a traceback."""

    exit_code = 1


class RunError(HarnessError):
    """An engine or a training process failed."""


class StoreError(HarnessError):
    """A run folder cannot be read or written."""


class TemplateDriftError(HarnessError):
    """The prompt tokens at serving differ from those at training."""


class CanaryError(HarnessError):
    """An adapter leaves the model's outputs unchanged."""


class InputError(HarnessError):
    """The command, a file or a name is wrong; nothing was run."""

    exit_code = 2


class ConfigError(InputError):
    """A YAML file is malformed or contradicts itself."""


class GoldError(InputError):
    """A gold file is malformed."""


class DataError(InputError):
    """Training data is malformed."""


class PredictionsError(InputError):
    """A file of predictions made elsewhere is malformed."""


class ModelError(InputError):
    """A model is missing or unusable."""


class AdapterError(InputError):
    """An adapter is missing, or made for another base or engine."""


class IncomparableError(InputError):
    """Runs that differ in gold set, signature or template must not be compared."""


class MissingExtraError(InputError):
    """An optional package is needed; the message names the command that installs it."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'tunemark[{extra}]'")


class UnknownNameError(InputError):
    """A name is not registered; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        super().__init__(
            f"{where + ': ' if where else ''}unknown {kind} {name!r}{suggestion(name, names)}; "
            f"known: {', '.join(names)}"
        )


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ' (did you mean …?)' for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
