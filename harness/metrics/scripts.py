"""Tell English from Chinese by the script that a text is written in."""

from __future__ import annotations

import re

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’-][A-Za-z\u00c0-\u024f]+)*")
_OTHER_LETTER = re.compile(
    "[^\\W\\d_A-Za-z\u00c0-\u024f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]"
)


def is_in_language(text: str, language: str) -> bool:
    """Return whether most of a text is written in the script of "zh" or "en".

    Units are Han characters, Latin words, and single letters of all other scripts: kana and
    hangul make a text neither. A text without letters is in every language.
    """
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    total = han + latin + len(_OTHER_LETTER.findall(text))
    if total == 0:
        return True
    return 2 * han >= total if language == "zh" else 2 * latin > total
