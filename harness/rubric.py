"""What a judge is asked: criteria, scale and layout; and how its verdict is read.

A rubric is put together from a layout (rubrics/rating.en.yaml, …), a shipped rubric or a file of
the user's, and what the suite says on top. Verdicts are strict: none, two different ones, or one
outside the scale is no verdict, and the item stays unscored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from harness.config import load_yaml, read_jsonl
from harness.errors import ConfigError, UnknownNameError
from harness.types import Record

Kind = Literal["rating", "pairwise"]
Winner = Literal["A", "B", "tie"]

FOLDER = Path(__file__).parent / "rubrics"
LAYOUTS: Mapping[Kind, str] = {"rating": "rating", "pairwise": "pairwise"}
FASTCHAT = {
    "{question}": "{{ question }}",
    "{answer}": "{{ answer }}",
    "{answer_a}": "{{ answer_a }}",
    "{answer_b}": "{{ answer_b }}",
    "{ref_answer_1}": "{{ references[0] }}",
}
"""Placeholders of FastChat's judge_prompts.jsonl (MT-bench, Zheng et al. 2023)."""
FASTCHAT_VERDICTS: Mapping[Kind, str] = {
    "rating": r"\[\[\s*(\d+)\s*\]\]",
    "pairwise": r"\[\[\s*([ABC])\s*\]\]",
}


class RubricConfig(Record):
    """A rubric, or the part of one that differs from what it is based on."""

    base: str | None = None
    """A shipped rubric, a YAML file, or FastChat's prompts: `judge_prompts.jsonl#pair-v2`."""
    kind: Kind | None = None
    """rating: one answer on a scale; pairwise: two answers, in both orders."""
    criteria: str | None = None
    scale: tuple[int, int] | None = None
    """Lowest and highest rating; by default 1 and 5."""
    anchors: dict[int, str] | None = None
    """What the ratings mean."""
    references: bool | None = None
    """Whether the judge sees the gold set's right answers; by default it does."""
    system: str | None = None
    prompt: str | None = None
    """Jinja; sees question, answer (or answer_a, answer_b), references, criteria, anchors, low,
    high."""
    verdict: tuple[str, ...] | None = None
    """Regular expressions with one group; the first that occurs counts."""

    @field_validator("verdict")
    @classmethod
    def _are_expressions(cls, verdict: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for pattern in verdict or ():
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"not a regular expression: {pattern!r}: {error}") from None
            if groups != 1:
                raise ValueError(f"{pattern!r} needs exactly one group, the verdict")
        return verdict

    @field_validator("scale")
    @classmethod
    def _goes_up(cls, scale: tuple[int, int] | None) -> tuple[int, int] | None:
        if scale is not None and scale[0] >= scale[1]:
            raise ValueError("the lowest rating must be below the highest")
        return scale


class JudgeConfig(Record):
    """A model that judges answers."""

    model: str
    """Folder (from the suite's), Hugging Face id or packaged model."""
    rubric: RubricConfig = RubricConfig(base="correctness")
    """A shipped rubric's name, a file, or a rubric written out."""
    engine: str = "vllm"
    template: str = "tokenizer"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_tokens: int = Field(default=256, gt=0)
    """For reason and verdict together."""
    temperature: float = Field(default=0.0, ge=0)
    seed: int = 0
    replay: str | None = None
    """For engine replay: verdicts given elsewhere, from the suite's folder (`id`, `text`)."""

    @field_validator("rubric", mode="before")
    @classmethod
    def _name_is_base(cls, value: object) -> object:
        return {"base": value} if isinstance(value, str) else value


class Rubric(Record):
    """A rubric with nothing left open."""

    kind: Kind
    criteria: str
    scale: tuple[int, int]
    anchors: dict[int, str]
    references: bool
    system: str | None
    prompt: str
    verdict: tuple[str, ...]

    def rating(self, text: str) -> int | None:
        """Return the rating that a judge gave, or None for none, several or one off the scale."""
        found = self._verdict(text)
        if found is None or not found.isdigit():
            return None
        low, high = self.scale
        return int(found) if low <= int(found) <= high else None

    def winner(self, text: str) -> Winner | None:
        """Return which answer a judge preferred, or None for no clear verdict."""
        found = self._verdict(text)
        table: dict[str, Winner] = {"A": "A", "B": "B", "C": "tie"}
        return table.get((found or "").upper())

    def reason(self, text: str) -> str:
        """Return what a judge said but for its verdict."""
        for pattern in self.verdict:
            text = re.sub(pattern, "", text)
        return text.strip()

    def _verdict(self, text: str) -> str | None:
        for pattern in self.verdict:
            found = {match[1] for match in re.finditer(pattern, text)}
            if found:
                return found.pop() if len(found) == 1 else None
        return None


def load_rubric(config: RubricConfig, language: str, folder: Path) -> Rubric:
    """Put a rubric together.

    Args:
        config: What the suite says.
        language: Of the layout and of shipped rubrics.
        folder: Where files start.

    Raises:
        UnknownNameError: no such shipped rubric.
        ConfigError: a file is missing or wrong, or something is left open.
    """
    based = _base(config.base, language, folder) if config.base else RubricConfig()
    kind: Kind = config.kind or based.kind or "rating"
    layout = load_yaml(FOLDER / f"{LAYOUTS[kind]}.{language}.yaml", RubricConfig)
    parts = [_said(layout), _said(based), _said(config)]
    merged: dict[str, Any] = {
        "kind": kind, "criteria": None, "scale": (1, 5), "anchors": {}, "references": True,
        "system": None,
    }  # fmt: skip
    for part in parts:
        merged |= part
    merged["kind"] = kind
    if merged["criteria"] is None:
        raise ConfigError(
            "the judge's rubric needs `criteria`, or a base with some: "
            f"{', '.join(shipped_rubrics())}"
        )
    rubric = Rubric.model_validate(merged)
    if kind == "rating" and rubric.anchors:
        ends = (min(rubric.anchors), max(rubric.anchors))
        if ends != rubric.scale:
            raise ConfigError(
                f"the judge's rubric says what {ends[0]} to {ends[1]} mean, but its scale goes "
                f"from {rubric.scale[0]} to {rubric.scale[1]}; give it `anchors` that fit"
            )
    return rubric


def shipped_rubrics() -> tuple[str, ...]:
    """Return the names of the rubrics that come with Tunemark."""
    names = {file.name.split(".")[0] for file in FOLDER.glob("*.yaml")}
    return tuple(sorted(names - set(LAYOUTS.values())))


def _base(base: str, language: str, folder: Path) -> RubricConfig:
    file, _, name = base.partition("#")
    if file.endswith(".jsonl"):
        return _fastchat(folder / file, name)
    if file.endswith((".yaml", ".yml")):
        return load_yaml(folder / file, RubricConfig)
    if base not in shipped_rubrics():
        raise UnknownNameError("rubric", base, shipped_rubrics())
    return load_yaml(FOLDER / f"{base}.{language}.yaml", RubricConfig)


def _fastchat(file: Path, name: str) -> RubricConfig:
    """Read one of FastChat's judge prompts."""
    rows = {str(line.value.get("name")): line.value for line in read_jsonl(file, ConfigError)}
    if name not in rows:
        raise UnknownNameError("judge prompt", name, rows, where=f"{file} (write {file.name}#NAME)")
    row = rows[name]
    kind: Kind = "pairwise" if row.get("type") == "pairwise" else "rating"
    prompt = str(row.get("prompt_template", ""))
    for placeholder, jinja in FASTCHAT.items():
        prompt = prompt.replace(placeholder, jinja)
    left = re.findall(r"(?<!\{)\{(\w+)\}(?!\})", prompt)
    if left:
        raise ConfigError(
            f"{file}: judge prompt {name!r} wants {', '.join(dict.fromkeys(left))}, which a "
            "single question does not have; use one that is not multi-turn"
        )
    return RubricConfig(
        kind=kind,
        criteria=str(row.get("description", name)),
        scale=(1, 10),
        system=str(row.get("system_prompt") or "") or None,
        prompt=prompt,
        verdict=(FASTCHAT_VERDICTS[kind],),
    )


def _said(config: RubricConfig) -> dict[str, Any]:
    return {
        key: value
        for key, value in config.model_dump(exclude={"base"}).items()
        if value is not None
    }
