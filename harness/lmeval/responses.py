"""What the engine answered to lm-eval's requests: one line each, appended as they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from harness.digest import digest_of
from harness.errors import StoreError
from harness.store import read_lines
from harness.types import Finish, Record

RESPONSES = "responses.jsonl"
Kind = Literal["generate_until", "loglikelihood", "loglikelihood_rolling"]


class Response(Record):
    """One answer; which fields are set depends on the kind of request."""

    key: str
    text: str = ""
    """As the engine gave it, before lm-eval's own cut at stop strings."""
    logprob: float | None = None
    """Nats; summed over the windows of a rolling request."""
    is_greedy: bool | None = None
    finish: Finish = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    error: str | None = None


def response_key(kind: Kind, arguments: Sequence[Any], occurrence: int = 0) -> str:
    """Name a request by its content: equal requests are answered once.

    Args:
        kind: lm-eval's request type.
        arguments: lm-eval's arguments of the request.
        occurrence: Number of a repetition that is to be sampled anew.
    """
    return digest_of([kind, list(arguments), occurrence])[:32]


def read_responses(folder: Path) -> dict[str, Response]:
    """Return the stored answers by key; failed ones are left out, to be asked again.

    Raises:
        StoreError: a line before the last is broken.
    """
    file = folder / RESPONSES
    found: dict[str, Response] = {}
    for number, row in enumerate(read_lines(file), start=1):
        try:
            response = Response.model_validate(row)
        except ValidationError:
            raise StoreError(
                f"{file}:{number}: not a response; delete the line to have it redone"
            ) from None
        if response.error is None:
            found[response.key] = response
    return found
