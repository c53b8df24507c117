"""Reading comprehension: overlap with the best reference, as SQuAD and CMRC 2018 score it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.metadata import version
from typing import Literal

from harness.metrics.base import BINARY, UNIT, Answers, MeanMetric, Metric, Scale, Setting
from harness.metrics.normalise import bare, normalise, tokens
from harness.types import Completion, GoldRecord

Part = Literal["all", "has_answer", "no_answer"]
Score = Callable[[str, tuple[str, ...]], float]

CMRC_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
"""What the official script drops. It also lists "……", but compares single characters."""
_CMRC_HAN = re.compile("[\u4e00-\u9fa5]")


def token_f1(setting: Setting) -> Metric:
    """Return the mean F1 of words shared with the best reference (SQuAD v1.1, Rajpurkar 2016).

    Chinese is cut into characters. A reference that the SQuAD rules reduce to nothing, such as
    "A", keeps its articles.
    """
    language = setting.language

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = tokens(answer, language)
        if not references:
            return float(not said)
        return max(_token_f1(answer, said, reference, language) for reference in references)

    answers = Answers(setting.no_answer)
    return MeanMetric(
        name="token_f1",
        signature=f"token_f1@2|tok:{_tokenizer(language)}|refs:max{answers.signature}",
        score=answers.scored_by(score),
    )


def squad_em(setting: Setting, *, no_answer: tuple[str, ...] = (), part: Part = "all") -> Metric:
    """Return the share of answers that equal a reference or rightly abstain (SQuAD v2, `exact`).

    Args:
        setting: Its language decides the normalisation.
        no_answer: What counts as abstaining besides the task's own phrase and an empty answer.
        part: "has_answer" and "no_answer" score only questions with, or without, references.
    """
    language = setting.language

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = _joined(answer, language)
        return float(any(said == _joined(reference, language) for reference in references))

    return _squad2("squad_em", setting, score, no_answer=no_answer, part=part, scale=BINARY)


def squad_f1(setting: Setting, *, no_answer: tuple[str, ...] = (), part: Part = "all") -> Metric:
    """Return the mean F1 of words shared, where abstaining may be right (SQuAD v2, `f1`).

    Args:
        setting: Its language decides the tokenisation.
        no_answer: What counts as abstaining besides the task's own phrase and an empty answer.
        part: "has_answer" and "no_answer" score only questions with, or without, references.
    """
    language = setting.language

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = tokens(answer, language)
        wanted = [tokens(reference, language) for reference in references]
        return max(_f1(said, ref) if said and ref else float(said == ref) for ref in wanted)

    return _squad2("squad_f1", setting, score, no_answer=no_answer, part=part, scale=UNIT)


def cmrc_em(setting: Setting) -> Metric:
    """Return the share of answers that equal a reference but for punctuation (CMRC 2018, EM)."""
    answers = Answers(setting.no_answer)

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = _cmrc_text(answer)
        if not references:
            return float(not said)
        return float(any(said == _cmrc_text(reference) for reference in references))

    return MeanMetric(
        name="cmrc_em",
        signature=f"cmrc_em@1|norm:cmrc2018|refs:any{answers.signature}",
        score=answers.scored_by(score),
        scale=BINARY,
    )


def cmrc_f1(setting: Setting) -> Metric:
    """Return the mean F1 of the longest run shared with the best reference (CMRC 2018, F1).

    The unit is a Chinese character or a Latin token of NLTK's word tokenizer. The official script
    calls the run "LCS", but it is unbroken: a substring, not a subsequence. That script splits
    Latin text into sentences first, with a model that NLTK downloads; here it is not split.
    """
    from nltk.tokenize import NLTKWordTokenizer

    answers = Answers(setting.no_answer)
    # Latin runs in Chinese text are few and short, and the tokenizer is slow.
    words = lru_cache(maxsize=100_000)(NLTKWordTokenizer().tokenize)

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = _cmrc_tokens(answer, words)
        if not references:
            return float(not said)
        return max(_run_f1(said, _cmrc_tokens(reference, words)) for reference in references)

    return MeanMetric(
        name="cmrc_f1",
        signature=f"cmrc_f1@1|tok:cmrc2018-mixed|run:substring|refs:max{answers.signature}"
        f"|nltk:{version('nltk')}",
        score=answers.scored_by(score),
    )


def _token_f1(answer: str, said: Sequence[str], reference: str, language: str) -> float:
    if wanted := tokens(reference, language):
        return _f1(said, wanted)
    said_bare, wanted_bare = bare(answer, reference)
    return _f1(said_bare.split(), wanted_bare.split())


def _f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    shared = sum((Counter(answer) & Counter(reference)).values())
    return _harmonic(shared, len(answer), len(reference))


def _harmonic(shared: int, n_answer: int, n_reference: int) -> float:
    # The scripts' own order of operations, so that their digits are met to the last.
    if shared == 0:
        return 0.0
    precision, recall = shared / n_answer, shared / n_reference
    return 2 * precision * recall / (precision + recall)


def _squad2(
    name: str,
    setting: Setting,
    score: Score,
    *,
    no_answer: tuple[str, ...],
    part: Part,
    scale: Scale,
) -> Metric:
    """Apply the rules of the SQuAD v2 script around a score of texts.

    References that normalise to nothing are left out; a question without any is unanswerable,
    and then "" is what a right answer normalises to.
    """
    language = setting.language
    answers = Answers((*setting.no_answer, *no_answer))

    def of_item(gold: GoldRecord, completion: Completion) -> float | None:
        wanted = tuple(ref for ref in gold.references if _joined(ref, language))
        if gold.choices or part == ("no_answer" if wanted else "has_answer"):
            return None
        return score(answers.text(completion), wanted or ("",))

    return MeanMetric(
        name=name,
        signature=f"{name}@1|tok:{_tokenizer(language)}|refs:max|part:{part}{answers.signature}",
        score=of_item,
        scale=scale,
    )


def _joined(text: str, language: str) -> str:
    text = normalise(text, language)
    return text.replace(" ", "") if language == "zh" else text


def _tokenizer(language: str) -> str:
    return "zh-char" if language == "zh" else "squad1"


def _cmrc_text(text: str) -> str:
    return "".join(char for char in text.lower().strip() if char not in CMRC_PUNCTUATION)


def _cmrc_tokens(text: str, words: Callable[[str], list[str]]) -> list[str]:
    found: list[str] = []
    latin = ""
    for char in _cmrc_text(text):
        if _CMRC_HAN.match(char):
            found += [*words(latin), char] if latin else [char]
            latin = ""
        else:
            latin += char
    return found + words(latin) if latin else found


def _run_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    run = SequenceMatcher(None, answer, reference, autojunk=False).find_longest_match().size
    return _harmonic(run, len(answer), len(reference))
