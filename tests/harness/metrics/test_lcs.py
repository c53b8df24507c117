"""Longest common subsequences against rouge-score's own tables."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from harness.metrics.lcs import lcs_lengths, union_lcs_hits

words = st.text(alphabet="abc药", max_size=12)
texts = st.lists(words, max_size=5)


@given(pairs=st.lists(st.tuples(words | st.text(max_size=90), words), max_size=6))
def test_lengths_equal_the_table_of_rouge_score(pairs: list[tuple[str, str]]) -> None:
    found = lcs_lengths([left for left, _ in pairs], [right for _, right in pairs])

    assert found.tolist() == [rouge_scorer._lcs_table(a, b)[-1][-1] for a, b in pairs]


def library_hits(reference: list[str], answer: list[str]) -> int:
    """Hits of rouge-score's `_summary_level_lcs`, which returns only their ratios."""
    in_reference, in_answer = Counter("".join(reference)), Counter("".join(answer))
    hits = 0
    for sentence in reference:
        for word in rouge_scorer._union_lcs(sentence, answer):
            if in_answer[word] > 0 and in_reference[word] > 0:
                hits += 1
                in_answer[word] -= 1
                in_reference[word] -= 1
    return hits


@given(reference=texts, answer=texts)
def test_hits_equal_those_of_rouge_score(reference: list[str], answer: list[str]) -> None:
    assert union_lcs_hits(reference, answer) == library_hits(reference, answer)


@given(left=st.text(alphabet="ab", max_size=150), right=st.text(alphabet="ab", max_size=150))
def test_hits_equal_beyond_one_machine_word(left: str, right: str) -> None:
    reference, answer = [left[:70], left[70:]], [right[:40], right[40:]]

    assert union_lcs_hits(reference, answer) == library_hits(reference, answer)


def test_which_of_several_longest_subsequences_is_taken_decides() -> None:
    # Both "ab" and "ba" are LCS of "aba" and "bab": rouge-score's way back decides for one.
    reference, answer = ["aba", "b"], ["bab", "a"]

    assert union_lcs_hits(reference, answer) == library_hits(reference, answer)
