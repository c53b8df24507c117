"""Find all that is wrong with a suite before anything is trained or loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import ModelError
from harness.metrics.build import suite_metrics
from harness.metrics.exact import refuse_bad_patterns
from harness.models import ModelSource, context_limit
from harness.prompts import check_prompts, continuation, conversation, has_own_contexts
from harness.suite import Suite
from harness.types import GoldRecord


def check_suite(
    suite: Suite, model: ModelSource | None = None, *, trusts_code: bool = False
) -> None:
    """Build every metric, render every prompt, and see that each fits the model.

    Raises:
        InputError: naming the suite's file, and the task or the gold item.
    """
    suite_metrics(suite, trusts_code=trusts_code)
    for name, task in suite.config.tasks.items():
        if any(spec.name == "regex" and "value" not in spec.params for spec in task.metrics):
            refuse_bad_patterns([record for record in suite.gold if record.task == name])
    check_prompts(suite)
    if model is not None:
        refuse_too_long(suite, model)


def refuse_too_long(suite: Suite, model: ModelSource) -> None:
    """Check that every prompt fits the model with its completion, its template not counted.

    A token is at least a byte, so nothing is tokenised unless a text is long.

    Raises:
        ModelError: naming the items that do not fit.
    """
    limit = context_limit(model.path)
    if limit is None:
        return
    tokenizer: Any = None
    too_long: dict[str, int] = {}
    for record in suite.gold:
        task = suite.config.tasks[record.task]
        if task.type in {"perplexity", "lm_eval"}:  # is cut, into windows or at its beginning
            continue
        answer = 0 if task.type == "multiple_choice" else task.max_tokens
        longest = max(_texts(suite, record), key=len)
        if len(longest.encode()) + answer <= limit:
            continue
        tokenizer = tokenizer or _tokenizer(model)
        n_tokens = _count(tokenizer, longest) + answer
        if n_tokens > limit:
            too_long[record.id] = n_tokens
    if too_long:
        name, n_tokens = max(too_long.items(), key=lambda item: item[1])
        others = f" (and {len(too_long) - 1} more are too long)" if len(too_long) > 1 else ""
        raise ModelError(
            f"{suite.file}: gold item {name!r} takes {n_tokens} tokens with its completion{others}; "
            f"{model.name} has a context of {limit}: shorten the prompt or max_tokens"
        )


def _texts(suite: Suite, record: GoldRecord) -> Iterator[str]:
    """Yield all that the model reads for an item, without the template's own words."""
    task = suite.config.tasks[record.task]
    if task.type != "multiple_choice":
        said = ("",) * len(suite.earlier.get(record.id, ()))
        yield "".join(turn.content for turn in conversation(suite, record, said=said))
        return
    for choice in range(len(record.choices)):
        turns = conversation(suite, record, choice=choice if has_own_contexts(task) else None)
        yield "".join(turn.content for turn in turns) + continuation(suite, record, choice)


def _tokenizer(model: ModelSource) -> Any:
    """Return the bare tokenizer, without transformers; None where the model has none of its kind."""
    file = model.path / "tokenizer.json"
    if not file.exists():
        return None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    return Tokenizer.from_file(str(file))


def _count(tokenizer: Any, text: str) -> int:
    """Return the tokens of a text; 0 without a tokenizer, so that the run itself tells."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids) if tokenizer else 0
