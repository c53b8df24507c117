r"""Find the place where a text says its answer: \boxed{…}, "####", "the answer is", 答案：."""

from __future__ import annotations

import re

BOXED = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=[^\s{]))")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
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
    closing = _closing_braces(text)
    for match in reversed(list(BOXED.finditer(text))):
        if not match[0].endswith("{"):
            return text[match.end() :].split(maxsplit=1)[0].rstrip("$.,")
        end = closing.get(match.end() - 1)
        if end is not None:
            return text[match.end() : end]
    return None


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


def _closing_braces(text: str) -> dict[int, int]:
    """Return where each opened brace is closed; those after a backslash are letters."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closed[opened.pop()] = match.start()
    return closed
