"""The reference implementations, called as their documentation says, in one process."""

from __future__ import annotations

import re
import string
from collections import Counter

from rouge_score.rouge_scorer import RougeScorer
from rows import Pair
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.normalise import CharacterTokenizer, tokens


def squad(rows: list[Pair], language: str) -> dict[str, float]:
    """Return exact match and F1 of the SQuAD v1.1 script.

    For Chinese its normalisation, which knows only English, is replaced by spaced characters.
    """
    normalize = _spaced_characters if language == "zh" else _normalize_answer
    exact = f1 = 0.0
    for answer, reference in rows:
        exact += normalize(answer) == normalize(reference)
        f1 += _f1_score(normalize(answer).split(), normalize(reference).split())
    return {"exact_match": exact / len(rows), "token_f1": f1 / len(rows)}


def bleu(rows: list[Pair], language: str) -> dict[str, float]:
    """Return sacrebleu's corpus BLEU."""
    metric = BLEU(tokenize="zh" if language == "zh" else "13a", force=True)
    return {"bleu": metric.corpus_score([a for a, _ in rows], [[b for _, b in rows]]).score}


def chrf(rows: list[Pair], language: str) -> dict[str, float]:
    """Return sacrebleu's corpus chrF2."""
    del language
    return {"chrf": CHRF().corpus_score([a for a, _ in rows], [[b for _, b in rows]]).score}


def rouge(rows: list[Pair], language: str) -> dict[str, float]:
    """Return rouge-score's mean F-measures, all kinds in one call a row."""
    kinds = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    tokenizer = CharacterTokenizer() if language == "zh" else None
    scorer = RougeScorer(list(kinds.values()), use_stemmer=True, tokenizer=tokenizer)
    totals = dict.fromkeys(kinds, 0.0)
    for answer, reference in rows:
        scores = scorer.score(reference, answer)
        for name, kind in kinds.items():
            totals[name] += scores[kind].fmeasure
    return {name: total / len(rows) for name, total in totals.items()}


def _normalize_answer(text: str) -> str:
    text = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def _spaced_characters(text: str) -> str:
    return " ".join(tokens(text, "zh"))


def _f1_score(said: list[str], right: list[str]) -> float:
    same = sum((Counter(said) & Counter(right)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(said), same / len(right)
    return 2 * precision * recall / (precision + recall)
