"""The official scripts' rules, written out again from the scripts: what our metrics must equal.

SQuAD v1.1: evaluate-v1.1.py (Rajpurkar et al. 2016). SQuAD v2: evaluate-v2.0.py (Rajpurkar et al.
2018). CMRC 2018: baseline/cmrc2018_evaluate.py, v6, of ymcui/cmrc2018 at c0eb1b6.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import nltk


def squad_normal(text: str) -> str:
    """normalize_answer of both SQuAD scripts."""
    text = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def squad1_f1(answer: str, reference: str) -> float:
    """f1_score of v1.1."""
    prediction, truth = squad_normal(answer).split(), squad_normal(reference).split()
    same = sum((Counter(prediction) & Counter(truth)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(prediction), 1.0 * same / len(truth)
    return (2 * precision * recall) / (precision + recall)


def squad1_em(answer: str, reference: str) -> bool:
    """exact_match_score of v1.1."""
    return squad_normal(answer) == squad_normal(reference)


def squad2_f1(answer: str, reference: str) -> float:
    """compute_f1 of v2.0."""
    gold = squad_normal(reference).split() if reference else []
    said = squad_normal(answer).split() if answer else []
    if len(gold) == 0 or len(said) == 0:
        return int(gold == said)
    same = sum((Counter(gold) & Counter(said)).values())
    if same == 0:
        return 0
    precision, recall = 1.0 * same / len(said), 1.0 * same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def squad2(
    answers: Sequence[str], references: Sequence[tuple[str, ...]]
) -> dict[str, tuple[float, float, int]]:
    """get_raw_scores and make_eval_dict of v2.0: (exact, f1, total) by part, exact and f1 in 0–100."""
    rows: dict[str, list[tuple[float, float]]] = {"all": [], "has_answer": [], "no_answer": []}
    for said, given in zip(answers, references, strict=True):
        gold = [text for text in given if squad_normal(text)]
        part = "has_answer" if given else "no_answer"
        gold = gold or [""]
        exact = max(int(squad_normal(said) == squad_normal(text)) for text in gold)
        row = (exact, max(squad2_f1(said, text) for text in gold))
        rows["all"].append(row)
        rows[part].append(row)
    return {
        part: (
            100.0 * sum(exact for exact, _ in found) / len(found),
            100.0 * sum(f1 for _, f1 in found) / len(found),
            len(found),
        )
        for part, found in rows.items()
    }


CMRC_CHARS = [
    "-", ":", "_", "*", "^", "/", "\\", "~", "`", "+", "=", "，", "。", "：", "？", "！", "“", "”",
    "；", "’", "《", "》", "……", "·", "、", "「", "」", "（", "）", "－", "～", "『", "』",
]  # fmt: skip


def cmrc_words() -> Callable[[str], list[str]]:
    """nltk.word_tokenize, without its cut into sentences where NLTK's model for it is not there."""
    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        return lambda text: nltk.word_tokenize(text, preserve_line=True)
    return nltk.word_tokenize


def cmrc_segments(text: str, words: Callable[[str], list[str]]) -> list[str]:
    """mixed_segmentation(…, rm_punc=True)."""
    text = text.lower().strip()
    found: list[str] = []
    latin = ""
    for char in text:
        if char in CMRC_CHARS:
            continue
        if re.search(r"[\u4e00-\u9fa5]", char):
            if latin != "":
                found.extend(words(latin))
                latin = ""
            found.append(char)
        else:
            latin += char
    if latin != "":
        found.extend(words(latin))
    return found


def longest_run(first: Sequence[str], second: Sequence[str]) -> int:
    """find_lcs: the script's table, although only its largest cell is used."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    longest = 0
    for i, left in enumerate(first):
        for j, right in enumerate(second):
            if left == right:
                table[i + 1][j + 1] = table[i][j] + 1
                longest = max(longest, table[i + 1][j + 1])
    return longest


def cmrc(answers: Sequence[str], references: Sequence[tuple[str, ...]]) -> tuple[float, float]:
    """evaluate: (EM, F1), both 0–100."""
    words = cmrc_words()
    em = f1 = 0.0
    for said, truths in zip(answers, references, strict=True):
        scores: list[float] = []
        for truth in truths:
            gold, found = cmrc_segments(truth, words), cmrc_segments(said, words)
            run = longest_run(gold, found)
            if run == 0:
                scores.append(0)
                continue
            precision, recall = 1.0 * run / len(found), 1.0 * run / len(gold)
            scores.append((2 * precision * recall) / (precision + recall))
        f1 += max(scores)
        bare = ["".join(c for c in t.lower().strip() if c not in CMRC_CHARS) for t in truths]
        em += "".join(c for c in said.lower().strip() if c not in CMRC_CHARS) in bare
    return 100.0 * em / len(answers), 100.0 * f1 / len(answers)
