"""sacrebleu's tokenizers; the two that are used most are rebuilt to remember what they saw.

sacrebleu's 13a and zh substitute with regular expressions over the whole text. All of them but the
first look at a full stop, comma or hyphen and the character beside it, never past a space: so each
word can be cut by itself, and the pieces remembered. Tests compare with sacrebleu's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from harness.errors import MissingExtraError

Tokenize = Callable[[str], Sequence[str]]

_SPACED = '{|}~[\\]^_`!"#$%&()*+:;<=>?@/'
"""Characters that are always words of their own (mteval-v13a)."""
_MARKS = ".,-"
"""Characters that are words of their own depending on their neighbours."""
_XML = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}


@cache
def tokenizer_of(name: str) -> tuple[Tokenize, str]:
    """Return one of sacrebleu's tokenizers and its signature.

    Raises:
        MissingExtraError: ja-mecab without its dictionary.
    """
    if name == "13a":
        return _tokenizer_13a(), name
    if name == "zh":
        return _tokenizer_zh(), name
    from sacrebleu.metrics.bleu import BLEU

    try:
        tokenizer = BLEU(tokenize=name).tokenizer
    except RuntimeError:
        raise MissingExtraError(f"tokenize={name}", "ja") from None
    return lambda text: tokenizer(text).split(), tokenizer.signature()


def _tokenizer_13a() -> Tokenize:
    cut = _cutter()

    def tokenize(text: str) -> Sequence[str]:
        text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
        if "&" in text:
            for escaped, char in _XML.items():
                text = text.replace(escaped, char)
        for char in _SPACED:
            if char in text:
                text = text.replace(char, f" {char} ")
        return cut(f" {text} ")

    return tokenize


def _tokenizer_zh() -> Tokenize:
    from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

    class Spaced(dict[int, str]):
        def __missing__(self, code: int) -> str:
            char = chr(code)
            # sacrebleu's list of Chinese characters has odd ranges: ask it.
            is_word = char in _SPACED or TokenizerZh._is_chinese_char(char)  # noqa: SLF001
            self[code] = found = f" {char} " if is_word else char
            return found

    spaced, cut = Spaced(), _cutter()
    return lambda text: cut(text.strip().translate(spaced))


def _cutter() -> Tokenize:
    """Return a function from a text, in which some characters are spaced, to its words."""
    from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

    regular = TokenizerRegexp()

    @lru_cache(maxsize=2**16)
    def pieces(word: str) -> Sequence[str]:
        return regular(f" {word} ").split()

    def cut(text: str) -> Sequence[str]:
        words = text.split()
        if not any(mark in text for mark in _MARKS):
            return words
        if len(words) == 1:
            return regular(text).split()
        # Chinese texts have no space at their ends: the rules see no neighbour there.
        found: list[str] = []
        tail: list[str] = []
        if not text[0].isspace():
            found += regular(f"{words[0]} ").split()
            del words[0]
        if not text[-1].isspace():
            tail = regular(f" {words.pop()}").split()
        for word in words:
            if "." in word or "," in word or "-" in word:
                found += pieces(word)
            else:
                found.append(word)
        return found + tail

    return cut
