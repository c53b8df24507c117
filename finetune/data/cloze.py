"""Documents as questions by rules alone: a number, a term or a sentence left out; a definition."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from finetune.data.questions import Question, asked
from finetune.data.sentences import paragraphs, sentences
from harness.errors import DataError
from harness.goldset.texts import n_words
from harness.types import Language, Record

Mask = Literal["number", "term", "sentence", "definition"]

BLANK = "____"
ASK: Mapping[Language, Mapping[Mask, str]] = {
    "en": {
        "number": "Fill in the blank.\n\n{{ text }}",
        "term": "Fill in the blank.\n\n{{ text }}",
        "sentence": "Write the sentence that is missing.\n\n{{ text }}",
        "definition": "What {{ verb }} {{ term }}?",
    },
    "zh": {
        "number": "请填写下文空白处的内容。\n\n{{ text }}",
        "term": "请填写下文空白处的内容。\n\n{{ text }}",
        "sentence": "请写出下文空白处缺失的句子。\n\n{{ text }}",
        "definition": "什么是{{ term }}？",
    },
}
UNITS = (
    r"(?:mg/kg|mg|μg|µg|mcg|g|kg|mL|ml|L|mm|cm|km|m|°C|℃|%|％|mmHg|kcal|IU"
    r"|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|times|tablets?|degrees"
    r"|毫克|微克|克|千克|公斤|毫升|升|毫米|厘米|公里|米|度|天|日|周|个月|月|年|岁|小时|分钟|秒|次|片|粒"
    r"|元|万元|人|名|条|项|倍|例)"
)
_NUMBER = re.compile(
    rf"(?<![\w.,/-])\d+(?:[.,:]\d+)*(?:\s?[–~～-]\s?\d+(?:\.\d+)?)?(?:\s?{UNITS}(?![A-Za-z]))?(?![\w/-])"
    rf"|(?<![\d.])\d+(?:\.\d+)?{UNITS}(?![A-Za-z])"
    rf"|[一二三四五六七八九十百千万两]+{UNITS}"
)
_POINTS_BACK = re.compile(
    r"^(?:it|its|this|that|these|those|they|he|she|his|her|their|such|both|here|there)\b"
    r"|^(?:它|他|她|这|那|该|其|此|上述|以上|前者|后者|两者)",
    re.IGNORECASE,
)
_DEFINED: Mapping[Language, re.Pattern[str]] = {
    # Not "The …": that is some one thing, which the text has spoken of before.
    "en": re.compile(
        r"^(?!(?:The|Today|Otherwise|One|Another|Patient|Each|Every|No|All|My|Our|Your)\b)"
        r"(?P<term>(?:An? )?[\w'-]+(?: [\w'-]+){0,3}) (?P<verb>is|are) "
        r"(?:an?|the) .*\b(?:that|which|used|for|of)\b.+[.]$"
    ),
    "zh": re.compile(
        r"^(?P<term>[^，。、；：？！\s是指“”（）()]{2,12})(?:是指|指的是|是一[种类个项])[^，。]{2,}.*。$"
    ),
}


class Cloze(Record):
    """How documents become questions."""

    field: str = "text"
    """Name of the field with the document."""
    mask: tuple[Mask, ...] = Field(default=("number",), min_length=1)
    """What is left out: numbers with their units, named terms, whole sentences; or "definition",
    which asks for what a sentence of the form "X is a …" defines."""
    terms: tuple[str, ...] = ()
    """What `term` may leave out."""
    per_document: int = Field(default=3, gt=0)
    """Questions of each kind for one document, drawn with the seed."""
    min_words: int = Field(default=6, gt=0)
    """Shorter sentences are not asked about; a Chinese character counts as a word."""
    ask: dict[Mask, str] = Field(default_factory=dict)
    """Other wordings; they see `text` (with the blank); for definitions `term` and `verb`
    ("is" or "are"); and the document's fields as `document`."""
    seed: int = 0

    @model_validator(mode="after")
    def _has_terms(self) -> Cloze:
        if ("term" in self.mask) != bool(self.terms):
            raise ValueError("mask `term` and a list of `terms` go together")
        return self


@dataclass(frozen=True, slots=True)
class _Gap:
    """One thing that can be asked."""

    text: str
    """What is shown."""
    answer: str
    term: str = ""
    verb: str = ""
    """"is" or "are", of an English definition."""


def cloze_questions(
    config: Cloze, items: Sequence[Mapping[str, Any]], language: Language, *, where: str
) -> Iterator[Question]:
    """Yield the questions, document by document, in the order of the text.

    A sentence that points back to an earlier one ("It …", "该药…") is not asked about alone, and
    nothing is left out that the rest of what is shown gives away.

    Raises:
        DataError: a document has no text under the field.
    """
    for number, item in enumerate(items):
        name = item.get("id", number)
        text = item.get(config.field)
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where} {name}: no text under {config.field!r}")
        for mask in config.mask:
            gaps = list(_GAPS[mask](text, config, language))
            for gap in _drawn(gaps, config, f"{config.seed}/{mask}/{number}"):
                wording = config.ask.get(mask, ASK[language][mask])
                fields = {
                    "text": gap.text,
                    "answer": gap.answer,
                    "term": gap.term,
                    "verb": gap.verb,
                    "document": item,
                }
                yield asked(wording, "{{ answer }}", fields, name)


def _drawn(gaps: Sequence[_Gap], config: Cloze, seed: str) -> list[_Gap]:
    distinct = list({gap.text: gap for gap in gaps}.values())
    if len(distinct) <= config.per_document:
        return distinct
    chosen = sorted(random.Random(seed).sample(range(len(distinct)), config.per_document))
    return [distinct[i] for i in chosen]


def _alone(text: str, config: Cloze, language: Language) -> Iterator[str]:
    """Yield the sentences that can be understood by themselves."""
    for paragraph in paragraphs(text):
        for sentence in sentences(paragraph, language):
            if n_words(sentence) >= config.min_words and not _POINTS_BACK.search(sentence):
                yield sentence


def _numbers(text: str, config: Cloze, language: Language) -> Iterator[_Gap]:
    for sentence in _alone(text, config, language):
        for found in _NUMBER.finditer(sentence):
            shown = sentence[: found.start()] + BLANK + sentence[found.end() :]
            if found.group() not in shown:
                yield _Gap(shown, found.group().strip())


def _terms(text: str, config: Cloze, language: Language) -> Iterator[_Gap]:
    terms = sorted(config.terms, key=len, reverse=True)  # the longest of those that overlap
    word = r"(?<!\w){}(?!\w)" if language == "en" else "{}"
    pattern = re.compile("|".join(word.format(re.escape(term)) for term in terms))
    for sentence in _alone(text, config, language):
        for term in dict.fromkeys(found.group() for found in pattern.finditer(sentence)):
            shown = re.sub(word.format(re.escape(term)), BLANK, sentence)
            if term not in shown and n_words(shown.replace(BLANK, "")) >= config.min_words // 2:
                yield _Gap(shown, term)


def _sentences(text: str, config: Cloze, language: Language) -> Iterator[_Gap]:
    for paragraph in paragraphs(text):
        parts = sentences(paragraph, language)
        if len(parts) < 3:
            continue
        for i, sentence in enumerate(parts[1:-1], start=1):
            if n_words(sentence) >= config.min_words and parts.count(sentence) == 1:
                joint = " " if language == "en" else ""
                shown = joint.join([*parts[:i], BLANK, *parts[i + 1 :]])
                yield _Gap(shown, sentence)


def _definitions(text: str, config: Cloze, language: Language) -> Iterator[_Gap]:
    for sentence in _alone(text, config, language):
        if found := _DEFINED[language].match(sentence):
            parts = found.groupdict()
            term = re.sub(r"^An? ", lambda article: article.group().lower(), parts["term"])
            yield _Gap(term, sentence, term, parts.get("verb", ""))


_GAPS: Mapping[Mask, Callable[[str, Cloze, Language], Iterator[_Gap]]] = {
    "number": _numbers,
    "term": _terms,
    "sentence": _sentences,
    "definition": _definitions,
}
