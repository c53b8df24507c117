r"""Find the place where a text says its answer: \boxed{…}, "####", "the answer is", 答案：."""

from __future__ import annotations

import re

BOXED = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=[^\s{]))")
GSM8K_MARK = "####"
PHRASE = re.compile(
    r"(?:(?:final\s+|correct\s+)?(?:answer|result)\s*(?:is|are|=|:|：|would\s+be)|answer\s*$"
    r"|(?:最终)?(?:答案|结果|结论)\s*(?:应该|应)?\s*(?:是|为|等于|：|:|=)|(?:^|\n|[。；])\s*(?:答|解答)\s*[：:])"
    r"[\s:：*_$\"'“‘（(]*",
    re.IGNORECASE | re.MULTILINE,
)


def last_boxed(text: str) -> str | None:
    r"""Return what the last \boxed{…} holds, braces inside it included; None without a whole one.

    `\boxed 5`, which LaTeX allows too, gives the one word.
    """
    found: str | None = None
    for match in BOXED.finditer(text):
        if not match[0].endswith("{"):
            found = text[match.end() :].split(maxsplit=1)[0].rstrip("$.,")
            continue
        inside = _until_closed(text, match.end())
        found = found if inside is None else inside
    return found


def after_mark(text: str, mark: str) -> str | None:
    """Return the rest of the line after the first `mark`, as GSM8K's script does."""
    _, found, rest = text.partition(mark)
    return rest.split("\n", 1)[0] if found else None


def after_phrase(text: str) -> str | None:
    """Return what follows the last "the answer is", 答案是 or the like, to the end of the line."""
    last: re.Match[str] | None = None
    for match in PHRASE.finditer(text):
        last = match
    return None if last is None else text[last.end() :].split("\n", 1)[0]


def _until_closed(text: str, start: int) -> str | None:
    depth = 1
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return text[start : match.start()]
    return None
