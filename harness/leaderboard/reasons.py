"""Why a model is listed without a rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from harness.types import Record

Code = Literal[
    "no_run", "gold", "prompts", "template", "own_template", "coverage", "signature", "unpinned",
    "adapter", "leaked",
]  # fmt: skip

TEXTS: Mapping[Code, str] = {
    "no_run": "no run on {suite}",
    "gold": "{suite}: answered another version of the gold set ({theirs}, not {ours})",
    "prompts": "{suite}: asked with other prompts ({what} differs)",
    "template": "{suite}: another chat template ({theirs}, not {ours})",
    "own_template": "{suite}: not the model's own chat template ({theirs})",
    "coverage": "{suite}: {n} of {total} items are answered and scored",
    "signature": "{suite}: measured by another metric ({theirs})",
    "unpinned": "the model is not pinned: its run has no digest of weights ({what})",
    "adapter": "the adapter is not pinned: its run has no digest of it",
    "leaked": "{suite}: {n} gold items stand in its training data (limit {limit})",
}


class Reason(Record):
    """One reason, with what is to be filled into its text."""

    code: Code
    fields: dict[str, str] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """In English."""
        return TEXTS[self.code].format(**self.fields)


def reason(code: Code, **fields: object) -> Reason:
    """Return a reason from any values."""
    return Reason(code=code, fields={name: str(value) for name, value in fields.items()})
