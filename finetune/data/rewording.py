"""What a model is asked to make of a row's texts, and what is wrong with what it made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jinja2 import TemplateError

from finetune.data.build import JINJA
from finetune.data.examples import Example, Turn
from harness.digest import digest_of
from harness.errors import ConfigError, InputError
from harness.goldset.language import language_of
from harness.goldset.texts import folded
from harness.metrics.loops import is_loop
from harness.metrics.refusals import is_refusal
from harness.metrics.thinking import MARKS, without_traces
from harness.types import Completion, Language

Way = Literal["paraphrase", "expand", "translate"]
Side = Literal["turns", "chosen", "rejected", "text"]
PROMPTS: Mapping[tuple[Way, Language], str] = {
    ("paraphrase", "en"): "Say the following in other words. Keep its meaning, every name and "
    "every number. Reply with the new wording only.\n\n{{ text }}",
    (
        "paraphrase",
        "zh",
    ): "请换一种说法改写下面的文字，意思、名称和数字都不变，只输出改写后的文字。\n\n{{ text }}",
    ("expand", "en"): "Question:\n{{ question }}\n\nAnswer:\n{{ text }}\n\nRewrite the answer so "
    "that it is more complete and gives its reasons. Contradict nothing in it. Reply with the new "
    "answer only.",
    ("expand", "zh"): "问题：\n{{ question }}\n\n回答：\n{{ text }}\n\n请把这个回答改写得更完整，"
    "并说明理由，不得与原回答矛盾，只输出新的回答。",
    ("translate", "zh"): "Translate the following text into Chinese. Reply with the translation "
    "only.\n\n{{ text }}",
    ("translate", "en"): "请把下面的文字翻译成英文，只输出译文。\n\n{{ text }}",
}
"""What the model is asked, by the way and by the language of the text; of a translation, by the
language wanted."""


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What is made of the rows."""

    way: Way
    target: Language | None = None
    """Of a translation."""

    @property
    def label(self) -> str:
        """As it is written on the command line."""
        return f"{self.way}:{self.target}" if self.target else self.way


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One text of a row that is asked about."""

    side: Side
    index: int
    text: str
    prompt: str

    @property
    def id(self) -> str:
        """The same for equal prompts, which are asked once."""
        return digest_of(self.prompt)[:24]


def parse_how(text: str) -> How:
    """Return what `paraphrase`, `expand`, `translate:zh` or `translate:en` means.

    Raises:
        InputError: it is none of these.
    """
    ways: dict[str, How] = {
        "paraphrase": How(way="paraphrase"),
        "expand": How(way="expand"),
        "translate:zh": How(way="translate", target="zh"),
        "translate:en": How(way="translate", target="en"),
    }
    if text not in ways:
        raise InputError(f"--how {text}: expected one of {', '.join(ways)}")
    return ways[text]


def units_of(example: Example, how: How, prompt: str | None) -> list[Unit]:
    """Return the texts of a row that are asked about; empty ones are left as they are.

    Args:
        example: The row.
        how: Paraphrase: what the user says. Expand: the last answer. Translate: every turn.
        prompt: A Jinja template in place of ours.

    Raises:
        ConfigError: the template does not fit.
    """
    question = example.questions[-1] if how.way == "expand" and example.questions else ""
    return [
        Unit(
            side=side,
            index=i,
            text=text,
            prompt=_prompt(text, question, how, prompt, example.where),
        )
        for side, i, text in _chosen(example, how)
        if text.strip()
    ]


def _chosen(example: Example, how: How) -> list[tuple[Side, int, str]]:
    if example.kind == "text":
        return [("text", 0, example.text)]
    sides: tuple[tuple[Side, Sequence[Turn]], ...] = (
        ("turns", example.turns),
        ("chosen", example.chosen),
        ("rejected", example.rejected),
    )
    roles = {
        "paraphrase": {"user"},
        "expand": {"assistant"},
        "translate": {"system", "user", "assistant"},
    }
    found: list[tuple[Side, int, str]] = [
        (side, i, turn.content or "")
        for side, turns in sides
        for i, turn in enumerate(turns)
        if turn.role in roles[how.way]
    ]
    return found[-1:] if how.way == "expand" else found


def _prompt(text: str, question: str, how: How, given: str | None, where: str) -> str:
    written_in: Language = "zh" if language_of(text) == "zh" else "en"
    template = given or PROMPTS[how.way, how.target or written_in]
    try:
        return JINJA.from_string(template).render(text=text, question=question).strip()
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{where}: the prompt does not fit: {error}") from None


def text_fault(unit: Unit, completion: Completion, how: How) -> tuple[str, str] | None:
    """Return the first thing that is wrong with what was made of a text: rule and reason."""
    text = answer_of(completion)
    before, after = language_of(unit.text), language_of(text)
    wanted = how.target or before
    lost = set(_NUMBER.findall(unit.text)) - set(_NUMBER.findall(text))
    checks: tuple[tuple[bool, str, str], ...] = (
        (not text, "empty", "the model said nothing"),
        (completion.finish == "length", "cut", "the answer was cut at --max-tokens"),
        (folded(text) == folded(unit.text), "copied", "the model gave the text back"),
        (is_refusal(text) and not is_refusal(unit.text), "refused", f"it said {text[:60]!r}"),
        (is_loop(text) and not is_loop(unit.text), "repeated", "the answer is caught in a loop"),
        (
            wanted in {"en", "zh"} and after in {"en", "zh", "other"} and after != wanted,
            "language",
            f"written in {after}, wanted {wanted}",
        ),
        (
            how.way == "paraphrase" and bool(lost),
            "numbers",
            f"{', '.join(sorted(lost)[:3])} is missing",
        ),
    )
    return next(((rule, why) for is_so, rule, why in checks if is_so), None)


def row_fault(new: Example, source: Example) -> tuple[str, str] | None:
    """Return what is wrong with a row as a whole: it asks for what it already says."""
    answer = folded(source.last_answer)
    asked, before = (folded("\n".join(one.questions)) for one in (new, source))
    if source.kind == "chat" and answer and answer in asked and answer not in before:
        return "gives_away", "the new question has the answer in it"
    return None


def answer_of(completion: Completion) -> str:
    """Return what the model said, without its reasoning."""
    return without_traces(completion.text, MARKS).strip()


def with_texts(example: Example, texts: Mapping[tuple[str, int], str]) -> Example:
    """Return a row with new texts, given by their side and number."""
    if example.kind == "text":
        return replace(example, text=texts["text", 0])

    def changed(side: str, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        return tuple(
            replace(turn, content=texts[side, i]) if (side, i) in texts else turn
            for i, turn in enumerate(turns)
        )

    return replace(
        example,
        turns=changed("turns", example.turns),
        chosen=changed("chosen", example.chosen),
        rejected=changed("rejected", example.rejected),
    )
