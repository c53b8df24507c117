"""What in an answer tells where it is from, and the answer without it.

Raters who know which answer is the tuned model's rate the model and not the answer. So answers are
looked through before a session opens; every find is recorded with what was done about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.annotation.config import LeakConfig, LeakRule
from harness.metrics.ratings import tidy

LeakKind = Literal["names", "family", "identity", "markup", "truncated"]
MASK = "▇▇▇"
FAMILIES = (
    "ChatGPT", "GPT-3.5", "GPT-4", "GPT-4o", "GPT-5", "OpenAI", "Claude", "Anthropic", "Gemini", "Gemma",
    "DeepMind", "Llama", "LLaMA", "Mistral", "Mixtral", "Qwen", "通义千问", "千问", "DeepSeek", "深度求索",
    "ChatGLM", "GLM-4", "智谱清言", "智谱AI", "Baichuan", "百川智能", "InternLM", "书生·浦语", "文心一言", "ERNIE Bot",
    "讯飞星火", "豆包", "Kimi", "Moonshot AI", "MiniMax", "SmolLM", "HuggingFace", "Hugging Face", "Vicuna",
    "Alpaca", "Falcon LLM", "Phi-3", "Phi-4", "Yi-34B", "零一万物", "混元", "Hunyuan", "盘古大模型", "Grok",
    "Copilot", "Bard", "Cohere", "Command R", "Granite", "OLMo", "TinyLlama",
)  # fmt: skip
"""Names of models and of those who make them, as answers call themselves."""
IDENTITY = (
    r"\bas an? (?:large )?(?:AI|language|artificial intelligence)[ -](?:language )?(?:model|assistant)\b[^.!?\n]*",
    r"\bI(?: am|'m|’m) an? (?:large )?(?:AI|language)[ -](?:language )?(?:model|assistant)\b[^.!?\n]*",
    r"\b(?:trained|developed|created|made|built) by (?:Google|Meta|Microsoft|Alibaba|Baidu|Tencent|ByteDance|Apple|xAI)\b",
    r"作为(?:一个|一名|一款)?(?:大型|大)?(?:AI|人工智能|语言)(?:语言)?(?:模型|助手)[^。！？\n，,]*",
    r"我是(?:一个|一名|一款|由)[^。！？\n，,]{0,24}(?:语言模型|大模型|AI助手|人工智能助手)[^。！？\n，,]*",
    r"由[^。！？\n，,]{1,16}(?:公司|团队|实验室|研究院)(?:开发|训练|研发|推出)的[^。！？\n，,]{0,12}模型",
)
MARKUP = (
    r"<\|[A-Za-z0-9_/-]{1,40}\|>",
    r"</?(?:s|bos|eos|start_of_turn|end_of_turn|think|tool_call)>",
    r"\[/?INST\]|<<\/?SYS>>",
    r"^#{2,3} ?(?:Instruction|Response|Input|指令|回答|输入)\s*[:：]?\s*$",
    r"^(?:Human|Assistant|User|用户|助手)\s*[:：]",
)
SHORTEST_NAME = 3
"""Shorter names of configurations stand in ordinary texts."""
ORDINARY = {"base", "baseline", "tuned", "lora", "model", "adapter", "run", "test", "final", "main", "best"}  # fmt: skip
"""Names of configurations that are ordinary words: finding them tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One find."""

    kind: LeakKind
    found: str
    done: LeakRule

    def as_row(self) -> dict[str, str]:
        """Return it as it is stored."""
        return {"kind": self.kind, "found": self.found, "done": self.done}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """An answer as raters will see it."""

    shown: str
    leaks: tuple[Leak, ...]

    @property
    def is_excluded(self) -> bool:
        """Whether the answer must not be shown at all."""
        return any(leak.done == "exclude" for leak in self.leaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """Looks through the answers of one session."""

    rules: LeakConfig
    names: tuple[str, ...]
    """Of its runs, models, adapters and configurations."""

    def scan(self, answer: str, *, context: str = "", is_truncated: bool = False) -> Scan:
        """Return what raters see of an answer, and what it told of its origin.

        Args:
            answer: As the model said it.
            context: Prompt and references: a model's name that stands there is the subject.
            is_truncated: Whether it was cut off at the token limit.
        """
        shown = tidy(answer)
        leaks: list[Leak] = []
        for kind, pattern in self._patterns(context):
            rule: LeakRule = getattr(self.rules, kind)
            found = [match.group() for match in pattern.finditer(shown)]
            leaks += [Leak(kind=kind, found=text.strip(), done=rule) for text in found]
            if rule == "mask":
                shown = pattern.sub(MASK, shown)
        if is_truncated:
            leaks.append(Leak(kind="truncated", found="token limit", done=self.rules.truncated))
        return Scan(shown=shown, leaks=tuple(leaks))

    def _patterns(self, context: str) -> list[tuple[LeakKind, re.Pattern[str]]]:
        seen = context.casefold()
        families = [name for name in FAMILIES if name.casefold() not in seen]
        names = [name for name in self.names if name.casefold() not in seen]
        patterns: list[tuple[LeakKind, re.Pattern[str]]] = [
            ("markup", re.compile("|".join(MARKUP), re.MULTILINE)),
            ("identity", re.compile("|".join(IDENTITY), re.IGNORECASE)),
        ]
        if names:
            patterns.append(("names", _any_of(names)))
        if families:
            patterns.append(("family", _any_of(families)))
        return patterns


def telling_names(candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the names that would give a run away, longest first.

    Args:
        candidates: Names of runs, models, adapters and configurations; of a path or hub id every
            part counts.
    """
    found: set[str] = set()
    for name in candidates:
        for part in (name, *re.split(r"[/\\]", name)):
            if len(part) >= SHORTEST_NAME and part.casefold() not in ORDINARY:
                found.add(part)
    return tuple(sorted(found, key=lambda name: (-len(name), name)))


def named_in(text: str, names: Sequence[str]) -> str | None:
    """Return the first of the names that stands in a text, or None."""
    match = _any_of(names).search(text) if names else None
    return match.group() if match else None


def _any_of(names: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern of whole names; Chinese has no borders of words."""
    parts: list[str] = []
    for name in sorted(names, key=len, reverse=True):
        before = r"(?<![A-Za-z0-9])" if name[:1].isascii() else ""
        after = r"(?![A-Za-z0-9])" if name[-1:].isascii() else ""
        parts.append(f"{before}{re.escape(name)}{after}")
    return re.compile("|".join(parts), re.IGNORECASE)
