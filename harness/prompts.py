"""Render gold items into the prompts that a model sees, down to the token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError

from harness.errors import ConfigError
from harness.suite import Suite
from harness.tasks import LETTERS, PROMPT_JINJA, TaskConfig, scored_text, variables
from harness.templates import ChatTemplate, encode, render
from harness.types import GoldRecord, Message, Prompt
from harness.windows import rolling_windows

USUAL_CONTEXT = 2048
"""Tokens of context assumed for a model whose config does not tell (lm-eval's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """What turns the items of one suite into prompts."""

    suite: Suite
    template: ChatTemplate
    tokenizer: Any
    context_limit: int | None = None
    """Tokens that the model can read; decides the windows of perplexity."""

    def prompt(self, record: GoldRecord, *, said: Sequence[str] = ()) -> Prompt:
        """Return the prompt of one item.

        Args:
            record: The gold item.
            said: The model's own answers to the earlier turns, for items that follow them.

        Raises:
            ConfigError: a task's Jinja prompt does not fit the item.
        """
        task = self.suite.config.tasks[record.task]
        if task.type == "perplexity":
            return self._windows(task, record)
        if task.type == "multiple_choice":
            return self._choices(task, record)
        text = self._text(conversation(self.suite, record, said=said))
        return Prompt(gold_id=record.id, text=text, token_ids=tuple(encode(self.tokenizer, text)))

    def _choices(self, task: TaskConfig, record: GoldRecord) -> Prompt:
        numbers = range(len(record.choices))
        if has_own_contexts(task):
            texts = [self._text(conversation(self.suite, record, choice=i)) for i in numbers]
        else:
            texts = [self._text(conversation(self.suite, record))] * len(record.choices)
        contexts = [tuple(encode(self.tokenizer, text)) for text in dict.fromkeys(texts)]
        found = dict(zip(dict.fromkeys(texts), contexts, strict=True))
        scored = [
            _continuation_ids(
                self.tokenizer, texts[i], found[texts[i]], continuation(self.suite, record, i),
                record,
            )
            for i in numbers
        ]  # fmt: skip
        return Prompt(
            gold_id=record.id,
            text=texts[0],
            token_ids=contexts[0],
            choice_ids=tuple(scored),
            contexts=tuple(found[text] for text in texts) if len(contexts) > 1 else (),
        )

    def _windows(self, task: TaskConfig, record: GoldRecord) -> Prompt:
        """No template and no special tokens: the text as a model meets it in training."""
        text = scored_text(record)
        tokenizer = self.tokenizer
        bos = tokenizer.bos_token_id
        prefix = bos if bos is not None else tokenizer.eos_token_id
        size = task.window or (self.context_limit or USUAL_CONTEXT) - 2
        windows = rolling_windows(encode(tokenizer, text), prefix=prefix, size=size)
        return Prompt(
            gold_id=record.id,
            text=text,
            token_ids=(prefix,),
            choice_ids=tuple(window.predicted for window in windows),
            contexts=tuple(window.context for window in windows),
        )

    def _text(self, turns: Sequence[Message]) -> str:
        return render(self.template, turns, self.tokenizer, for_answer=True)


def build_prompts(
    suite: Suite, records: Sequence[GoldRecord], template: ChatTemplate, tokenizer: Any
) -> list[Prompt]:
    """Return one prompt per gold record; dialogues follow their gold answers.

    Raises:
        ConfigError: a task's Jinja prompt does not fit a gold row.
    """
    renderer = Renderer(suite=suite, template=template, tokenizer=tokenizer)
    return [renderer.prompt(record) for record in records]


def check_prompts(suite: Suite) -> None:
    """Render every gold item as far as that goes without a tokenizer.

    Raises:
        ConfigError: a task's Jinja prompt does not fit a gold row.
    """
    for record in suite.gold:
        task = suite.config.tasks[record.task]
        if task.type in {"perplexity", "lm_eval"}:
            continue
        numbers = range(len(record.choices)) if has_own_contexts(task) else [None]
        for choice in numbers:
            conversation(suite, record, choice=choice)
        for choice in range(len(record.choices)):
            continuation(suite, record, choice)


def conversation(
    suite: Suite, record: GoldRecord, *, choice: int | None = None, said: Sequence[str] = ()
) -> list[Message]:
    """Return the turns of a gold item: system, solved examples, question.

    Args:
        suite: Where it belongs.
        record: The gold item.
        choice: Which choice the question is about, where each has a prompt of its own.
        said: The model's own answers, in place of the gold item's earlier ones.
    """
    task = suite.config.tasks[record.task]
    question = _with_own_answers(_question(suite, task, record, choice), said)
    system = task.system if task.system is not None else suite.config.system
    has_own_system = question[0].role == "system"
    turns = [Message(role="system", content=system)] if system and not has_own_system else []
    solved = [
        (_question(suite, task, shot, shot.answer), right_answer(suite, shot))
        for shot in suite.shots(record)
    ]
    if solved and task.shots_as == "text":
        texts = [_one_text(suite, task, shot) + task.delimiter + right for shot, right in solved]
        texts.append(_one_text(suite, task, question))
        return [*turns, Message(role="user", content="\n\n".join(texts))]
    for asked, right in solved:
        turns += [*asked, Message(role="assistant", content=right)]
    return [*turns, *question]


def continuation(suite: Suite, record: GoldRecord, choice: int) -> str:
    """Return what is scored for a choice."""
    return _rendered(suite, suite.config.tasks[record.task].continuation, record, choice)


def has_own_contexts(task: TaskConfig) -> bool:
    """Tell whether every choice is scored after a prompt of its own."""
    return task.type == "multiple_choice" and bool(variables(task.prompt) & {"choice", "letter"})


def right_answer(suite: Suite, record: GoldRecord) -> str:
    """Return the first reference, what is scored for the right choice, or the "no answer"."""
    if record.choices:
        return continuation(suite, record, record.answer or 0).strip()
    if record.references:
        return record.references[0]
    return suite.config.tasks[record.task].no_answer or ""


def question_text(template: str, record: GoldRecord, **more: object) -> str:
    """Fill a task's Jinja template with a gold item and whatever else it may read.

    Raises:
        ValueError: it does not fit.
    """
    try:
        return _compiled(template).render(
            input=record.input, choices=record.choices, letters=LETTERS, **more
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return PROMPT_JINJA.from_string(template)


def _question(
    suite: Suite, task: TaskConfig, record: GoldRecord, choice: int | None
) -> list[Message]:
    if isinstance(record.input, tuple):
        return list(record.input)
    text = _rendered(suite, task.prompt, record, choice).strip()
    return [Message(role="user", content=text)]


def _rendered(suite: Suite, template: str, record: GoldRecord, choice: int | None = None) -> str:
    task = suite.config.tasks[record.task]
    about: Mapping[str, object] = {}
    if choice is not None and choice < len(record.choices):
        about = {"choice": record.choices[choice], "letter": LETTERS[choice % len(LETTERS)]}
    try:
        return question_text(
            template, record, labels=task.labels, no_answer=task.no_answer, **about
        )
    except ValueError as error:
        raise ConfigError(
            f"{suite.file}: the prompt of task {record.task!r} does not fit "
            f"gold item {record.id!r}: {error}"
        ) from None


def _with_own_answers(turns: list[Message], said: Sequence[str]) -> list[Message]:
    """Put the model's answers in place of the gold ones."""
    if not said:
        return turns
    answers = iter(said)
    return [
        Message(role="assistant", content=next(answers)) if turn.role == "assistant" else turn
        for turn in turns
    ]


def _one_text(suite: Suite, task: TaskConfig, turns: Sequence[Message]) -> str:
    if len(turns) > 1:
        raise ConfigError(
            f"{suite.file}: solved examples as one text need single questions, but a "
            f"{task.type} item is a conversation; set `shots_as: turns`"
        )
    return turns[0].content


def _continuation_ids(
    tokenizer: Any, prompt_text: str, prompt_ids: Sequence[int], text: str, record: GoldRecord
) -> tuple[int, ...]:
    """Tokenise prompt and choice together, as the model would read them, and cut the prompt off."""
    together = encode(tokenizer, prompt_text + text)
    if together[: len(prompt_ids)] == list(prompt_ids) and len(together) > len(prompt_ids):
        return tuple(together[len(prompt_ids) :])
    # The prompt's last token merged with the choice's first: score the choice on its own tokens.
    ids = encode(tokenizer, text)
    if not ids:
        raise ConfigError(f"gold item {record.id!r}: choice {text!r} has no tokens")
    return tuple(ids)
