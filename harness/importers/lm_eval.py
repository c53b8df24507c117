"""`samples_<task>_<date>.jsonl` of lm-evaluation-harness (`--log_samples`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import PredictionsError
from harness.importers.base import Prediction, Predictions, numbers_of, text_of, texts_of
from harness.sources.layouts import Row

KEYS = frozenset({"doc_id", "resps", "arguments"})
OWN = KEYS | {
    "doc", "target", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", "sample_len",
}  # fmt: skip


def read_lm_eval(rows: Sequence[Row]) -> Predictions:
    """Return one prediction per document; its several filters become several scores.

    Raises:
        PredictionsError: a row that lm-eval would not write.
    """
    found: dict[str, Prediction] = {}
    filters: dict[str, None] = {}
    for row in rows:
        one = _prediction(row)
        filters[str(row.value.get("filter", "none"))] = None
        known = found.get(one.id)
        if known is not None:
            if known.text != one.text or known.choice_logprobs != one.choice_logprobs:
                raise PredictionsError(
                    f"{row.where}: document {one.id} has two different answers (first at "
                    f"{known.where}); is this one task's file?"
                )
            one = _with_scores(known, one.scores)
        found[one.id] = one
    notes = (f"filters of lm-eval: {', '.join(filters)}; the raw answers are read",)
    return Predictions(format="lm-eval", rows=tuple(found.values()), has_own_ids=True, notes=notes)


def _prediction(row: Row) -> Prediction:
    value: Mapping[str, Any] = row.value
    pairs = [_arguments(one) for one in _listed(value["arguments"])]
    resps = value["resps"]
    if not pairs or not isinstance(resps, list) or not resps:
        raise PredictionsError(f"{row.where}: no answer in `resps`")
    scores = _scores(value)
    doc_id = text_of(value["doc_id"], row.where, "doc_id")
    first = resps[0][0] if isinstance(resps[0], list) and resps[0] else resps[0]
    if isinstance(first, str):
        return Prediction(
            where=row.where,
            id=doc_id,
            text=first,
            prompt=str(pairs[0][0]),
            references=texts_of(value.get("target"), row.where, "target"),
            scores=scores,
        )
    logprobs = tuple(_logprob(resp, row) for resp in resps)
    choices = _without_delimiter([str(pair[1]) for pair in pairs])
    if len(choices) < 2 or len(choices) != len(logprobs):
        raise PredictionsError(
            f"{row.where}: {len(logprobs)} log-likelihoods for {len(choices)} continuations; only "
            "generated answers and multiple choice can be read"
        )
    return Prediction(
        where=row.where,
        id=doc_id,
        text="",
        prompt=str(pairs[0][0]),
        choices=choices,
        answer=_answer(value.get("target"), choices, row),
        choice_logprobs=logprobs,
        scores=scores,
    )


def _listed(arguments: Any) -> list[Any]:
    """lm-eval writes lists as {"gen_args_0": …, "gen_args_1": …}."""
    return list(arguments.values()) if isinstance(arguments, dict) else list(arguments)


def _arguments(one: Any) -> list[Any]:
    return list(one.values()) if isinstance(one, dict) else list(one)


def _logprob(resp: Any, row: Row) -> float:
    inner = resp[0] if isinstance(resp, list) and resp and isinstance(resp[0], list) else resp
    try:
        return float(inner[0])
    except (TypeError, ValueError, IndexError, KeyError):
        raise PredictionsError(f"{row.where}: {str(resp)[:60]!r} is no log-likelihood") from None


def _without_delimiter(continuations: Sequence[str]) -> tuple[str, ...]:
    """lm-eval puts its `target_delimiter`, a space, before every choice; acc_norm leaves it out."""
    if all(text.startswith(" ") for text in continuations):
        return tuple(text[1:] for text in continuations)
    return tuple(continuations)


def _answer(target: Any, choices: Sequence[str], row: Row) -> int | None:
    """The target is an index, or the continuation itself."""
    text = str(target).strip()
    if text.isdigit() and int(text) < len(choices):  # as lm-eval itself reads a digit
        return int(text)
    stripped = [choice.strip() for choice in choices]
    if text in stripped:
        return stripped.index(text)
    if len(text) == 1 and "A" <= text.upper() < chr(ord("A") + len(choices)):
        return ord(text.upper()) - ord("A")
    raise PredictionsError(f"{row.where}: target {target!r} is none of the {len(choices)} choices")


def _scores(value: Mapping[str, Any]) -> dict[str, float]:
    named = value.get("metrics")
    names = named if isinstance(named, list) else [name for name in value if name not in OWN]
    tag = str(value.get("filter", "none"))
    measured = numbers_of({name: value[name] for name in names if name in value})
    return {name if tag == "none" else f"{name},{tag}": score for name, score in measured.items()}


def _with_scores(one: Prediction, scores: Mapping[str, float]) -> Prediction:
    return replace(one, scores={**one.scores, **scores})
