"""Check a whole rating against what was asked; the message is for the rater."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.annotation.blinding import SLOTS
from harness.annotation.config import SessionConfig
from harness.annotation.dimensions import DimensionSet
from harness.annotation.errors import SubmissionError
from harness.annotation.schema.types import SEVERITIES
from harness.annotation.views import AnswerScores, Slot, Submission

TOKEN = re.compile(r"[A-Za-z0-9_.:-]{8,80}")
LONGEST_COMMENT = 10_000
LONGEST_TIME_MS = 7 * 24 * 3600 * 1000


def checked(
    config: SessionConfig, scales: DimensionSet, n_answers: int, said: Submission
) -> Submission:
    """Return a rating that is complete and fits, its comment freed of what cannot be stored.

    Args:
        config: The session.
        scales: Its scales.
        n_answers: Of the item.
        said: What the page sent.

    Raises:
        SubmissionError: naming the scale and the answer.
    """
    comment = _storable(said.comment)
    if not TOKEN.fullmatch(said.token):
        raise SubmissionError("the token must be 8 to 80 letters, digits, or one of _ . : -")
    if len(comment) > LONGEST_COMMENT:
        raise SubmissionError(f"the comment is longer than {LONGEST_COMMENT} characters")
    slots = SLOTS[:n_answers]
    for slot in said.answers:
        if slot not in slots:
            raise SubmissionError(f"there is no answer {slot!r}")
    for slot in slots:
        scores = said.answers.get(slot, AnswerScores())
        _check_values(config, scales, slot, scores)
        _check_tags(config, scales, slot, scores)
        _check_reason(config, slot, scores, comment)
    _check_choice(config, n_answers, said)
    _check_confidence(config, said.confidence)
    return replace(
        said,
        comment=comment,
        active_ms=_time(said.active_ms),
        elapsed_ms=_time(said.elapsed_ms),
        locale="zh" if said.locale == "zh" else "en",
        origin=_storable(said.origin)[:200],
    )


def _check_values(
    config: SessionConfig, scales: DimensionSet, slot: Slot, scores: AnswerScores
) -> None:
    wanted = {} if config.kind == "pairwise" else scales.dimensions
    for name in scores.values:
        if name not in wanted:
            raise SubmissionError(f"answer {slot}: {name!r} was not asked")
    for name, scale in wanted.items():
        if name not in scores.values:
            raise SubmissionError(f"answer {slot}: {name} has no rating yet")
        value = scores.values[name]
        if value is None:
            continue
        # A page sends what it likes: 3.0, true and "3" are no points.
        if type(value) is not int or not scale.low <= value <= scale.high:
            raise SubmissionError(
                f"answer {slot}: {name} is {value!r}; it goes from {scale.low} to {scale.high}"
            )


def _check_tags(
    config: SessionConfig, scales: DimensionSet, slot: Slot, scores: AnswerScores
) -> None:
    for tag, severity in scores.tags.items():
        if not config.tags or tag not in scales.tags:
            raise SubmissionError(f"answer {slot}: there is no tag {tag!r}")
        if severity not in SEVERITIES:
            raise SubmissionError(f"answer {slot}: {tag}: {severity!r} is no severity")


def _check_reason(config: SessionConfig, slot: Slot, scores: AnswerScores, comment: str) -> None:
    if scores.tags or comment.strip():
        return
    for name, value in scores.values.items():
        if value is not None and value <= config.reason_up_to:
            raise SubmissionError(
                f"answer {slot}: {name} is {value}: add a tag, or a few words on what is wrong"
            )


def _check_choice(config: SessionConfig, n_answers: int, said: Submission) -> None:
    if n_answers < 2 or config.kind == "likert":
        if said.choice is not None:
            raise SubmissionError("there is one answer: no preference was asked")
        return
    if said.choice not in {"A", "B", "tie", "both_bad"}:
        raise SubmissionError("say which answer is better, or that they are equally good or bad")
    least, most = (1, 3) if said.choice in SLOTS else (0, 0)
    if not least <= said.strength <= most:
        raise SubmissionError(
            f"strength is {said.strength}: 1 to 3 for a preference, 0 for a tie and for both bad"
        )


def _check_confidence(config: SessionConfig, confidence: int | None) -> None:
    if config.confidence and confidence not in {1, 2, 3}:
        raise SubmissionError("say how sure you are, 1 to 3")
    if not config.confidence and confidence is not None:
        raise SubmissionError("how sure you are was not asked")


def _time(milliseconds: int | None) -> int | None:
    """Browsers' clocks jump; what cannot be is not kept."""
    if milliseconds is None or not 0 <= milliseconds <= LONGEST_TIME_MS:
        return None
    return int(milliseconds)


def _storable(text: str) -> str:
    """NUL and half characters can be stored by no database."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
