"""Fact triples as questions: what a subject's relation is, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from finetune.data.questions import Question, asked
from harness.errors import ConfigError, DataError, suggestion
from harness.types import Language, Record

ANY = "*"
JOINTS: Mapping[Language, str] = {"en": ", ", "zh": "、"}


class Triples(Record):
    """How facts become questions."""

    subject: str = "subject"
    """Name of the field with the subject."""
    relation: str = "relation"
    object: str = "object"
    ask: dict[str, tuple[str, ...]] = Field(min_length=1)
    """Wordings of the question for the object, by relation ("*" for any other); they see subject,
    relation and all fields of the first fact."""
    reverse: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Wordings of the question for the subject, which see object and relation."""
    answer: str = "{{ object }}"
    reverse_answer: str = "{{ subject }}"
    joint: str | None = None
    """Between several objects of one subject and relation; by default ", " or "、"."""


def triple_questions(
    config: Triples, items: Sequence[Mapping[str, Any]], language: Language, *, where: str
) -> Iterator[Question]:
    """Yield the questions in the order of the facts.

    Facts with the same subject and relation are one question, whose answer has all their objects:
    else training would teach different answers to one question.

    Args:
        config: The rules.
        items: The facts.
        language: Decides the joint.
        where: For messages; a number follows.

    Raises:
        DataError: a fact lacks a field.
        ConfigError: a relation has no wording.
    """
    facts = [_fact(config, item, f"{where} {i}") for i, item in enumerate(items)]
    joint = config.joint if config.joint is not None else JOINTS[language]
    yield from _grouped(
        facts, items, config.ask, ("subject", "object", config.answer), joint, where
    )
    if config.reverse:
        wanted = ("object", "subject", config.reverse_answer)
        chosen = [
            (fact, item)
            for fact, item in zip(facts, items, strict=True)
            if fact["relation"] in config.reverse or ANY in config.reverse
        ]
        yield from _grouped(
            [fact for fact, _ in chosen],
            [item for _, item in chosen],
            config.reverse,
            wanted,
            joint,
            where,
        )


def _grouped(
    facts: Sequence[Mapping[str, str]],
    items: Sequence[Mapping[str, Any]],
    ask: Mapping[str, tuple[str, ...]],
    sides: tuple[str, str, str],
    joint: str,
    where: str,
) -> Iterator[Question]:
    known, wanted, answer = sides
    groups: dict[tuple[str, str], list[int]] = {}
    for i, fact in enumerate(facts):
        groups.setdefault((fact[known], fact["relation"]), []).append(i)
    for (_, relation), members in groups.items():
        first = members[0]
        wordings = ask.get(relation, ask.get(ANY))
        if wordings is None:
            raise ConfigError(
                f"{where} {items[first].get('id', first)}: relation {relation!r} has no question"
                f"{suggestion(relation, ask)}; add it, or {ANY!r} for all others, or choose facts "
                "with `where`"
            )
        values = dict.fromkeys(facts[i][wanted] for i in members)
        fields = {**items[first], **facts[first], wanted: joint.join(values)}
        for wording in wordings:
            yield asked(wording, answer, fields, items[first].get("id", first))


def _fact(config: Triples, item: Mapping[str, Any], where: str) -> dict[str, str]:
    fact: dict[str, str] = {}
    names = {"subject": config.subject, "relation": config.relation, "object": config.object}
    for use, name in names.items():
        value = item.get(name)
        if not isinstance(value, str | int | float) or not str(value).strip():
            raise DataError(f"{where}: a fact needs a text under {name!r}, got {value!r}")
        fact[use] = str(value).strip()
    return fact
