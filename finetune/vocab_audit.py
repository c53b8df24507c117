"""How well a tokenizer's vocabulary fits texts, and which tokens would be worth adding."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from harness.config import read_jsonl, read_text
from harness.errors import DataError
from harness.metrics.normalise import CJK
from harness.types import Record

STEPS = (10, 50, 100, 200, 500, 1000, 2000)
"""How many candidates are tried together."""
NGRAM = (2, 8)
"""Characters of a Chinese candidate."""
LEAST = 3
"""Times that a candidate must stand in the texts."""
WORST = 20
_CJK_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(rf"(?:(?![{CJK}])[^\W_]|[-'’](?=\w))+")
_BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")
_ROLES = frozenset({"role", "from", "id", "task", "source", "cluster", "origin"})
"""Fields of a row that are no text."""


class Fit(Record):
    """How one language's texts are tokenised."""

    language: str
    """"zh": Chinese, Japanese or Korean characters; "latin": words between spaces."""
    characters: int
    words: int
    """Of zh, each character counts as one."""
    tokens: int
    tokens_per_character: float
    tokens_per_word: float
    unknown_share: float
    """Share of tokens that are the unknown token: those characters are lost."""
    byte_share: float
    """Share of tokens that are a part of one character: it is spelt out in bytes."""


class Split(Record):
    """A word or phrase that is cut into many tokens."""

    text: str
    """As a token: with the space before it where words are spaced."""
    count: int
    pieces: tuple[str, ...]
    saving: int
    """Tokens fewer if it were one, everything else as it is."""


class Saving(Record):
    """What adding the best candidates would save, measured by tokenising again."""

    added: int
    tokens: int
    share: float
    """Of all tokens, that are saved."""


class VocabularyAudit(Record):
    """A tokenizer on texts."""

    vocabulary: int
    fits: tuple[Fit, ...]
    worst: tuple[Split, ...]
    """By saving, the largest first."""
    savings: tuple[Saving, ...]


def audit(
    texts: Sequence[str], tokenizer: Any, *, worst: int = WORST
) -> tuple[VocabularyAudit, tuple[Split, ...]]:
    """Return the audit, and all candidates, the most saving first.

    Args:
        texts: Lines or paragraphs.
        tokenizer: A fast transformers tokenizer.
        worst: How many of the worst split words to tell.

    Raises:
        DataError: there is no text.
    """
    if not any(text.strip() for text in texts):
        raise DataError("the files hold no text")
    found = candidates(texts, tokenizer)
    report = VocabularyAudit(
        vocabulary=len(tokenizer),
        fits=tuple(_fits(texts, tokenizer)),
        worst=found[:worst],
        savings=tuple(_savings(texts, tokenizer, found)),
    )
    return report, found


def read_texts(paths: Sequence[Path]) -> list[str]:
    """Return the texts of files: lines of .txt, and what rows of .jsonl say.

    Raises:
        DataError: a file is missing, not UTF-8, or a line is not JSON.
    """
    texts: list[str] = []
    for path in paths:
        if path.suffix == ".jsonl":
            texts += [text for line in read_jsonl(path, DataError) for text in _said(line.value)]
        else:
            texts += read_text(path, DataError).splitlines()
    return [text for text in texts if text.strip()]


def candidates(texts: Sequence[str], tokenizer: Any) -> tuple[Split, ...]:
    """Return words and phrases that would save tokens as one, the most saving first.

    Of spaced languages whole words, with the space before them; of Chinese, character sequences
    that recur and do not only recur inside of a longer one.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        for match in _WORD.finditer(text):
            is_spaced = match.start() > 0 and text[match.start() - 1] == " "
            counts[(" " if is_spaced else "") + match[0]] += 1
    for phrase, count in _phrases(texts).items():
        counts[phrase] += count
    found: list[Split] = []
    for text, count in counts.items():
        if count < LEAST:
            continue
        pieces = _pieces(text, tokenizer)
        if len(pieces) > 1:
            saving = count * (len(pieces) - 1)
            found.append(Split(text=text, count=count, pieces=pieces, saving=saving))
    return tuple(sorted(found, key=lambda split: (-split.saving, split.text)))


def _phrases(texts: Sequence[str]) -> dict[str, int]:
    """Count Chinese character sequences; drop those that never stand outside of a longer one."""
    counts: Counter[str] = Counter()
    low, high = NGRAM
    for text in texts:
        for run in _CJK_RUN.findall(text):
            for n in range(low, min(high, len(run)) + 1):
                counts.update(run[i : i + n] for i in range(len(run) - n + 1))
    frequent = {phrase: n for phrase, n in counts.items() if n >= LEAST}
    inside: set[str] = set()
    for phrase, n in frequent.items():
        for part in (phrase[1:], phrase[:-1]):
            if len(part) >= low and frequent.get(part) == n:
                inside.add(part)
    return {phrase: n for phrase, n in frequent.items() if phrase not in inside}


def _fits(texts: Sequence[str], tokenizer: Any) -> Iterator[Fit]:
    groups: dict[str, list[str]] = {"latin": [], "zh": []}
    for text in texts:
        n_wide = sum(len(run) for run in _CJK_RUN.findall(text))
        groups["zh" if 3 * n_wide > len(text.replace(" ", "")) else "latin"].append(text)
    for language, group in groups.items():
        if group:
            yield _fit(language, group, tokenizer)


def _fit(language: str, texts: Sequence[str], tokenizer: Any) -> Fit:
    n_tokens = n_unknown = n_bytes = n_words = 0
    for text in texts:
        ids = _ids(text, tokenizer)
        n_tokens += len(ids)
        n_unknown += sum(token == tokenizer.unk_token_id for token in ids)
        n_bytes += _n_byte_tokens(ids, tokenizer)
        n_words += len(_WORD.findall(text)) + sum(len(run) for run in _CJK_RUN.findall(text))
    n_characters = sum(map(len, texts))
    return Fit(
        language=language,
        characters=n_characters,
        words=n_words,
        tokens=n_tokens,
        tokens_per_character=round(n_tokens / n_characters, 4),
        tokens_per_word=round(n_tokens / max(1, n_words), 4),
        unknown_share=round(n_unknown / n_tokens, 4) if tokenizer.unk_token_id is not None else 0.0,
        byte_share=round(n_bytes / n_tokens, 4),
    )


def _n_byte_tokens(ids: Sequence[int], tokenizer: Any) -> int:
    """Count tokens that hold a part of a character only: <0xE7>, or undecodable by themselves."""
    n = 0
    for token in ids:
        name = tokenizer.convert_ids_to_tokens(token)
        if _BYTE_TOKEN.fullmatch(name) or "\ufffd" in tokenizer.decode([token]):
            n += 1
    return n


def _savings(texts: Sequence[str], tokenizer: Any, found: Sequence[Split]) -> Iterator[Saving]:
    before = sum(len(_ids(text, tokenizer)) for text in texts)
    grown = copy.deepcopy(tokenizer)
    done = 0
    for n in sorted({min(step, len(found)) for step in STEPS} - {0}):
        grown.add_tokens([plain_token(split.text) for split in found[done:n]])
        done = n
        after = sum(len(_ids(text, grown)) for text in texts)
        yield Saving(added=n, tokens=before - after, share=round(1 - after / before, 4))


def plain_token(text: str) -> Any:
    """Return text as a token to add: found wherever it stands, spaces and case as they are."""
    from tokenizers import AddedToken

    return AddedToken(text, normalized=False, special=False)


def _pieces(text: str, tokenizer: Any) -> tuple[str, ...]:
    return tuple(tokenizer.convert_ids_to_tokens(_ids(text, tokenizer)))


def _ids(text: str, tokenizer: Any) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _said(value: object) -> Iterator[str]:
    """Yield all texts in a row but roles and names."""
    if isinstance(value, str):
        yield from value.splitlines()
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, object]", value).items():
            if key not in _ROLES:
                yield from _said(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _said(inner)
