"""What can be wrong with one row, by rules: for `data check` to tell and `data clean` to drop."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ftfy import badness
from pydantic import Field

from finetune.data.examples import Example, Turn
from harness.goldset.findings import Severity
from harness.goldset.language import Tongue, language_of
from harness.goldset.near import THRESHOLD
from harness.goldset.texts import folded, n_words
from harness.metrics.loops import is_loop
from harness.metrics.normalise import CJK
from harness.metrics.refusals import is_refusal
from harness.types import Record

RowRule = Callable[[Example], str | None]
"""Returns why a row is at fault, or None."""
Switch = Literal[
    "empty", "roles", "echo", "equal_pair", "mojibake", "markup", "repeated", "refusals"
]

_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_TEMPLATE = re.compile(
    r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>"
    r"|^### ?(?:Instruction|Response|Input|指令|输入|回答) ?[:：]",
    re.MULTILINE,
)
_HTML = re.compile(
    r"</?(?:div|span|p|br|a|img|script|style|table|tr|td|th|tbody|thead|ul|ol|li|font|center"
    r"|strong|em|b|i|u|sup|sub|h[1-6])(?:\s[^<>]*)?/?>"
    r"|&(?:nbsp|lt|gt|amp|quot|apos|#\d{1,5}|#x[0-9a-f]{1,4});",
    re.IGNORECASE,
)
_CJK_CHAR = re.compile(f"[{CJK}]")
_RUN = re.compile(r"([^\s\-=_*#|:+.~·…—─0-9])\1{11,}")
"""A character twelve times in a row, but for those that draw lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a fault is told by `data check`."""

    severity: Severity
    text: str
    """After the number of rows."""
    mend: str


class CleanConfig(Record):
    """What `data clean` mends and drops; each rule can be switched."""

    fix_text: bool = True
    """Mend text that was decoded wrongly, and control characters (ftfy); width, quotes and
    entities stay as they are."""
    empty: bool = True
    """Drop rows with an empty question, answer or text."""
    roles: bool = True
    """Drop conversations whose turns are out of order or do not end with the assistant."""
    echo: bool = True
    """Drop rows whose answer is the question."""
    equal_pair: bool = True
    """Drop preference pairs whose two answers are the same."""
    mojibake: bool = True
    """Drop rows whose text is damaged beyond mending."""
    markup: bool = True
    """Drop rows with marks of a chat template or HTML in them, outside of code."""
    repeated: bool = True
    """Drop rows caught in a loop of characters, phrases or lines."""
    refusals: bool = False
    """Drop rows whose answer refuses."""
    languages: tuple[Tongue, ...] = ()
    """Drop rows in other languages; empty: any."""
    min_words: int = Field(default=1, ge=0)
    """Drop rows with shorter answers; a Chinese character counts as a word."""
    max_words: int | None = Field(default=None, gt=0)
    """Drop longer rows, questions and answers together."""
    duplicates: bool = True
    """Drop rows that say the same as an earlier one, but for case, width and spaces."""
    near: float | None = Field(default=THRESHOLD, gt=0, le=1)
    """Drop rows whose question and answer are this similar to those of an earlier one (Jaccard
    similarity of shingles); null: keep them."""
    gold: tuple[str, ...] = ()
    """Drop rows that gold items of these suites stand in."""


TOLD: Mapping[str, Told] = {
    "empty": Told(
        severity="error", text="have an empty question, answer or text", mend="fill or drop them"
    ),
    "roles": Told(
        severity="error",
        text="have turns out of order",
        mend="turns alternate user, assistant after an optional system turn, and end with the "
        "assistant",
    ),
    "equal_pair": Told(
        severity="error",
        text="prefer an answer to itself",
        mend="drop them: there is nothing to learn",
    ),
    "echo": Told(
        severity="warning", text="answer with the question itself", mend="answer or drop them"
    ),
    "mojibake": Told(
        severity="warning",
        text="have damaged text (mojibake, lost characters)",
        mend="read the source in its own encoding; `data clean` mends what can be",
    ),
    "markup": Told(
        severity="warning",
        text="have marks of a chat template or HTML in their text",
        mend="strip them; a model learns to write what it reads",
    ),
    "repeated": Told(
        severity="warning", text="are caught in a loop", mend="drop them: loops are learnt fast"
    ),
    "refusals": Told(
        severity="note",
        text="refuse to answer",
        mend="fine where refusing is wanted; otherwise `data clean --with refusals`",
    ),
}
"""The rules that need no number or list, with how they are told."""


def row_rules(config: CleanConfig) -> dict[str, RowRule]:
    """Return the rules that a configuration has switched on, in the order they are tried."""
    rules: dict[str, RowRule] = {
        name: rule for name, rule in RULES.items() if getattr(config, name)
    }
    if config.min_words > 0:
        rules["too_short"] = lambda example: _too_short(example, config.min_words)
    if config.max_words is not None:
        most = config.max_words
        rules["too_long"] = lambda example: _too_long(example, most)
    if config.languages:
        rules["language"] = lambda example: _language(example, config.languages)
    return rules


def tongue(example: Example) -> Tongue:
    """Return the language of all that a row says."""
    return language_of("\n".join(example.texts))


def order_fault(example: Example) -> str | None:
    """Return what is wrong with the order of turns; tool calls are followed by their answers."""
    if example.kind == "text":
        return None
    turns = example.turns[1:] if example.turns[:1] and _is(example.turns[0], "system") else (
        example.turns
    )  # fmt: skip
    if example.kind != "preference":
        return _order(turns, last="assistant")
    faults = (
        _order((*turns, *answer), last="assistant") for answer in (example.chosen, example.rejected)
    )
    return next((fault for fault in faults if fault), None)


def _is(turn: Turn, role: str) -> bool:
    return turn.role == role


def _order(turns: Sequence[Turn], *, last: str) -> str | None:
    allowed = {"user"}
    for number, turn in enumerate(turns):
        if turn.role not in allowed:
            return f"turn {number} is {turn.role}'s, expected {' or '.join(sorted(allowed))}"
        if turn.role == "user":
            allowed = {"assistant"}
        elif turn.role == "tool":
            allowed = {"tool", "assistant"}
        else:
            calls = turn.more.get("tool_calls") or turn.more.get("function_call")
            allowed = {"tool"} if calls else {"user"}
    if not turns or turns[-1].role != last or allowed == {"tool"}:
        return "the last turn is not the assistant's answer"
    return None


def _empty(example: Example) -> str | None:
    if example.kind == "text":
        return None if example.text.strip() else "the text is empty"
    if not example.all_turns:
        return "there are no turns"
    for number, turn in enumerate(example.all_turns):
        calls = turn.more.get("tool_calls") or turn.more.get("function_call")
        if not (turn.content or "").strip() and not calls and turn.role != "tool":
            return f"turn {number} ({turn.role}) is empty"
    return None


def _echo(example: Example) -> str | None:
    question = folded(example.questions[-1]) if example.questions else ""
    is_echo = bool(question) and folded(example.last_answer) == question
    return "the answer is the question" if is_echo else None


def _equal_pair(example: Example) -> str | None:
    if example.kind != "preference" or not example.chosen:
        return None
    texts = [
        [folded(turn.content or "") for turn in turns]
        for turns in (example.chosen, example.rejected)
    ]
    return "both answers are the same" if texts[0] == texts[1] else None


def _mojibake(example: Example) -> str | None:
    for text in example.texts:
        if "\ufffd" in text:
            return "a character is lost (\\ufffd)"
        for found in badness.BADNESS_RE.finditer(text):
            if not _CJK_CHAR.search(found.group()):  # pinyin beside a quotation mark is no damage
                return f"damaged text: {found.group()!r}"
    return None


def _markup(example: Example) -> str | None:
    for text in example.texts:
        plain = _CODE.sub("", text)
        found = _TEMPLATE.search(plain) or _HTML.search(plain)
        if found:
            return f"markup: {found.group()!r}"
    return None


def _repeated(example: Example) -> str | None:
    texts = example.texts if example.kind == "text" else example.answers
    for text in texts:
        found = _RUN.search(text)
        if found:
            return f"{found.group()[0]!r} {len(found.group())} times in a row"
        if is_loop(text):
            return "the same passage over and over"
    return None


def _refusal(example: Example) -> str | None:
    return "the answer refuses" if is_refusal(example.last_answer) else None


def _too_short(example: Example, least: int) -> str | None:
    said = [example.text] if example.kind == "text" else list(example.answers)
    n = min((n_words(text) for text in said if text.strip()), default=least)
    return f"an answer of {n} words" if n < least else None


def _too_long(example: Example, most: int) -> str | None:
    n = sum(n_words(text) for text in example.texts)
    return f"{n} words" if n > most else None


def _language(example: Example, languages: Sequence[Tongue]) -> str | None:
    found = tongue(example)
    return None if found in languages or found == "none" else f"written in {found}"


RULES: Mapping[Switch, RowRule] = {
    "empty": _empty,
    "roles": order_fault,
    "equal_pair": _equal_pair,
    "echo": _echo,
    "mojibake": _mojibake,
    "markup": _markup,
    "repeated": _repeated,
    "refusals": _refusal,
}
