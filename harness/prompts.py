"""Render gold items into the prompts that a model sees, down to the token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from harness.errors import ConfigError
from harness.suite import PROMPT_JINJA, Suite, TaskConfig
from harness.templates import ChatTemplate, encode, render
from harness.types import GoldRecord, Message, Prompt


def build_prompts(
    suite: Suite, records: Sequence[GoldRecord], template: ChatTemplate, tokenizer: Any
) -> list[Prompt]:
    """Return one prompt per gold record.

    Raises:
        ConfigError: a task's Jinja prompt does not fit a gold row.
    """
    prompts: list[Prompt] = []
    for record in records:
        text = render(template, conversation(suite, record), tokenizer, for_answer=True)
        ids = encode(tokenizer, text)
        choices = tuple(
            _choice_ids(tokenizer, text, ids, choice, record) for choice in record.choices
        )
        prompts.append(
            Prompt(gold_id=record.id, text=text, token_ids=tuple(ids), choice_ids=choices)
        )
    return prompts


def conversation(suite: Suite, record: GoldRecord) -> list[Message]:
    """Return the turns of a gold item: system, solved examples, question."""
    task = suite.config.tasks[record.task]
    turns: list[Message] = []
    system = task.system if task.system is not None else suite.config.system
    if system:
        turns.append(Message(role="system", content=system))
    for shot in suite.shots.get(record.task, ()):
        turns.extend(_question(suite, task, shot))
        turns.append(Message(role="assistant", content=right_answer(shot)))
    return [*turns, *_question(suite, task, record)]


def right_answer(record: GoldRecord) -> str:
    """Return the first reference, or the right choice."""
    return record.choices[record.answer or 0] if record.choices else record.references[0]


def _question(suite: Suite, task: TaskConfig, record: GoldRecord) -> list[Message]:
    if isinstance(record.input, tuple):
        return list(record.input)
    try:
        text = PROMPT_JINJA.from_string(task.prompt).render(
            input=record.input, choices=record.choices
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ConfigError(
            f"{suite.file}: the prompt of task {record.task!r} does not fit "
            f"gold item {record.id!r}: {error}"
        ) from None
    return [Message(role="user", content=text.strip())]


def _choice_ids(
    tokenizer: Any, prompt_text: str, prompt_ids: list[int], choice: str, record: GoldRecord
) -> tuple[int, ...]:
    """Tokenise prompt and choice together, as the model would read them, and cut the prompt off."""
    together = encode(tokenizer, prompt_text + choice)
    if together[: len(prompt_ids)] == prompt_ids and len(together) > len(prompt_ids):
        return tuple(together[len(prompt_ids) :])
    # The prompt's last token merged with the choice's first: score the choice on its own tokens.
    ids = encode(tokenizer, choice)
    if not ids:
        raise ConfigError(f"gold item {record.id!r}: choice {choice!r} has no tokens")
    return tuple(ids)
