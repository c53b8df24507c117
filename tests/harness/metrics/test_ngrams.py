"""Batched n-gram counts against Python's Counter, symbol by symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import ngrams
from harness.metrics.ngrams import possible_ngrams, shared_ngrams, spell

few = st.text(alphabet="ab药", max_size=12)
many = st.text(max_size=12)
rows = st.lists(
    st.tuples(few | many, st.lists(few | many, min_size=1, max_size=3)), min_size=1, max_size=8
)
Row = tuple[str, list[str]]


def counted(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def clipped(answer: str, references: Sequence[str], n: int) -> int:
    """Count as in Papineni et al. 2002."""
    most: Counter[str] = Counter()
    for reference in references:
        most |= counted(reference, n)
    return sum(min(count, most[gram]) for gram, count in counted(answer, n).items())


def expected(corpus: list[Row], order: int) -> list[list[int]]:
    return [[clipped(a, refs, n) for n in range(1, order + 1)] for a, refs in corpus]


@given(corpus=rows, order=st.integers(1, 9))
def test_counts_equal_those_of_a_counter(corpus: list[Row], order: int) -> None:
    found = shared_ngrams([a for a, _ in corpus], [refs for _, refs in corpus], order)

    assert found.tolist() == expected(corpus, order)


@pytest.mark.parametrize(("bits", "table"), [(64, 0), (24, 2**23), (24, 0), (3, 2**23)])
@given(corpus=rows)
def test_counts_stay_the_same_when_keys_have_little_room(
    bits: int, table: int, corpus: list[Row]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_KEY_BITS", bits)
        patch.setattr(ngrams, "_TABLE", table)

        found = shared_ngrams([a for a, _ in corpus], [refs for _, refs in corpus], 4)

    assert found.tolist() == expected(corpus, 4)


@given(corpus=rows, size=st.integers(1, 20))
def test_counts_do_not_depend_on_how_rows_are_put_together(corpus: list[Row], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_SYMBOLS", size)

        found = shared_ngrams([a for a, _ in corpus], [refs for _, refs in corpus], 6)

    assert found.tolist() == expected(corpus, 6)


def test_a_text_with_more_characters_than_fit_into_a_key_is_counted() -> None:
    answer = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    corpus = [("短", ["短文"]), (answer, [answer[1000:] + answer[:1000], "x"])]

    found = shared_ngrams([a for a, _ in corpus], [refs for _, refs in corpus], 6)

    assert found.tolist() == expected(corpus, 6)
    assert found[1].tolist() == [3000, 2998, 2996, 2994, 2992, 2990]


@pytest.mark.parametrize("char", ["\x00", "\ud800", "\U0010ffff", " ", "\n"])
def test_any_character_is_a_symbol(char: str) -> None:
    assert shared_ngrams([f"a{char}b"], [[f"{char}b"]], 2).tolist() == [[2, 1]]


def test_an_answer_without_text_beside_references_without_text_shares_nothing() -> None:
    assert shared_ngrams(["", "ab", ""], [[""], ["", ""], ["ab"]], 2).tolist() == [[0, 0]] * 3


def test_no_rows_give_no_counts() -> None:
    assert shared_ngrams([], [], 4).shape == (0, 4)


@given(texts=st.lists(many, max_size=5), order=st.integers(1, 9))
def test_possible_ngrams_are_all_windows(texts: list[str], order: int) -> None:
    found = possible_ngrams(texts, order)

    windows = [[counted(text, n).total() for n in range(1, order + 1)] for text in texts]
    assert found.tolist() == np.asarray(windows).reshape(len(texts), order).tolist()


@given(texts=st.lists(st.lists(st.sampled_from(["", "a", "ab", "药"])), max_size=4))
def test_spelling_gives_equal_tokens_one_character_and_different_ones_another(
    texts: list[list[str]],
) -> None:
    spelled = spell(texts)

    tokens = [token for text in texts for token in text]
    characters = "".join(spelled)
    assert [len(s) for s in spelled] == [len(t) for t in texts]
    assert (
        len(set(zip(tokens, characters, strict=True))) == len(set(tokens)) == len(set(characters))
    )
