"""Tell what kind of question a task asks, from its type, its name, its words and its inputs."""

from __future__ import annotations

import re
from typing import Literal

from harness.goldset.texts import common_start
from harness.suite import Suite

Kind = Literal[
    "question answering",
    "reasoning",
    "summary",
    "retrieval",
    "classification",
    "translation",
    "dialogue",
    "text",
]
COVERAGE: tuple[Kind, ...] = ("question answering", "reasoning", "summary", "retrieval")
"""What a domain gold set should cover at least: answering, thinking, summing up, finding."""

_BY_TYPE: dict[str, Kind] = {
    "classification": "classification",
    "extractive_qa": "retrieval",
    "reading": "retrieval",
    "summarisation": "summary",
    "translation": "translation",
    "multi_turn": "dialogue",
    "perplexity": "text",
}
_WORDS: dict[Kind, str] = {
    "summary": r"summar|tl;?dr|abstract|headline|摘要|概括|总结|小结|归纳|病程记录",
    "translation": r"translat|翻译|译成",
    "reasoning": r"reason|arith|math|logic|gsm|comput|calculat|commonsense"
    r"|推理|计算|逻辑|算术|数学|常识|分析下列案",
    "classification": r"classif|triage|sentiment|categor|label|intent|topic"
    r"|分类|分诊|类别|情感|意图",
    "retrieval": r"retriev|extract|reading|passage|context|according to|span"
    r"|检索|摘取|抽取|阅读|根据|原文",
    "dialogue": r"dialog|intake|conversation|chat|对话|问诊|多轮",
}
_BY_WORD: dict[Kind, re.Pattern[str]] = {
    kind: re.compile(words, re.IGNORECASE) for kind, words in _WORDS.items()
}
_CONTEXT_FIELDS = frozenset(
    {
        "context",
        "passage",
        "document",
        "documents",
        "note",
        "article",
        "text",
        "report",
        "paragraph",
    }
    | {"背景", "文章", "材料", "病历", "原文", "段落"}
)


def kind_of(suite: Suite, task: str) -> Kind:
    """Return the kind of question that a task asks: its type, else its name, else its inputs."""
    config = suite.config.tasks[task]
    if config.type in _BY_TYPE:
        return _BY_TYPE[config.type]
    named = _by_word(task)
    if named is not None:
        return named
    records = [record for record in suite.gold if record.task == task]
    names = {name for r in records if isinstance(r.input, dict) for name in r.input}
    if _CONTEXT_FIELDS & {name.lower() for name in names}:
        return "retrieval"
    if records and all(isinstance(record.input, tuple) for record in records):
        return "dialogue"
    opening = common_start([record.input for record in records if isinstance(record.input, str)])
    return _by_word(f"{config.prompt} {opening}") or "question answering"


def _by_word(text: str) -> Kind | None:
    return next((kind for kind, pattern in _BY_WORD.items() if pattern.search(text)), None)
