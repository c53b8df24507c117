"""Turn conversations into token ids and labels: loss on the assistant's words and their end only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import DataError
from harness.templates import ChatTemplate, encode, render
from harness.training import TrainingRow
from harness.types import Message, Record

IGNORE = -100
"""Label of tokens without loss (PyTorch's convention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRow:
    """One training sequence."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    """The token itself where it counts in the loss, else IGNORE."""


class MaskLedger(Record):
    """What became of the rows and tokens; nothing is dropped without a count."""

    rows: int
    rows_kept: int
    rows_too_long: int
    tokens: int
    """Of the kept rows."""
    loss_tokens: int
    """Tokens that are learnt: the assistant's, with the end of each turn."""
    end_tokens: int
    """Of these, tokens that end a turn: what teaches the model to stop."""
    tokens_by_role: dict[str, int]
    straddling_tokens: int
    """Tokens across the border of prompt and answer: cut there before the last answer, as serving
    cuts it, and masked before earlier ones, which serving sends as one text."""
    longest: int
    """Tokens in the longest kept row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """All rows, with the ledger."""

    rows: tuple[EncodedRow, ...]
    ledger: MaskLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Part of the rendered text that belongs to one turn, [start, end) in characters."""

    role: str
    start: int
    end: int


def encode_rows(
    rows: Sequence[TrainingRow],
    template: ChatTemplate,
    tokenizer: Any,
    *,
    max_tokens: int,
    over_length: Literal["drop", "error"],
) -> Encoding:
    """Encode conversations and keep the books.

    Raises:
        DataError: a row without loss tokens, a turn without an end token, a row over the limit
            under the policy "error", or no row left.
    """
    kept: list[EncodedRow] = []
    roles: dict[str, int] = {}
    too_long = straddling = ends = 0
    end_ids = end_token_ids(tokenizer)
    for row in rows:
        encoded, spans, n_straddling = encode_row(row, template, tokenizer)
        if len(encoded.input_ids) > max_tokens:
            if over_length == "error":
                raise DataError(
                    f"{row.origin}: {len(encoded.input_ids)} tokens, the limit is {max_tokens}; "
                    "raise max_tokens or set over_length: drop"
                )
            too_long += 1
            continue
        learnt = [label for label in encoded.labels if label != IGNORE]
        n_ends = sum(label in end_ids for label in learnt)
        if len(learnt) <= n_ends:
            raise DataError(f"{row.origin}: no token of this row would be learnt")
        if n_ends < sum(message.role == "assistant" for message in row.messages):
            raise DataError(
                f"{row.origin}: template {template.name!r} ends a turn without an end token, so "
                "the model would never learn to stop; use another template"
            )
        kept.append(encoded)
        straddling += n_straddling
        ends += n_ends
        for role, count in spans.items():
            roles[role] = roles.get(role, 0) + count
    if not kept:
        raise DataError(f"all {len(rows)} rows are longer than max_tokens: {max_tokens}; raise it")
    lengths = [len(row.input_ids) for row in kept]
    ledger = MaskLedger(
        rows=len(rows),
        rows_kept=len(kept),
        rows_too_long=too_long,
        tokens=sum(lengths),
        loss_tokens=sum(label != IGNORE for row in kept for label in row.labels),
        end_tokens=ends,
        tokens_by_role=dict(sorted(roles.items())),
        straddling_tokens=straddling,
        longest=max(lengths),
    )
    return Encoding(rows=tuple(kept), ledger=ledger)


def encode_row(
    row: TrainingRow, template: ChatTemplate, tokenizer: Any
) -> tuple[EncodedRow, dict[str, int], int]:
    """Return one row encoded, its tokens by role, and the number of straddling tokens."""
    text, spans = assistant_spans(row, template, tokenizer)
    ids, offsets, is_cut = _tokenise(text, spans[-1].start, tokenizer)
    labels = [IGNORE] * len(ids)
    straddling = int(is_cut)
    for i, (start, end) in enumerate(offsets):
        for span in spans:
            # Some tokenizers trim spaces off the offsets, so an indent may look empty.
            if span.start <= start and span.start < end <= span.end:
                labels[i] = ids[i]
            elif start < span.end and end > span.start:
                straddling += 1
    n_assistant = sum(label != IGNORE for label in labels)
    by_role = {"assistant": n_assistant, "prompt": len(ids) - n_assistant}
    return EncodedRow(input_ids=tuple(ids), labels=tuple(labels)), by_role, straddling


def assistant_spans(
    row: TrainingRow, template: ChatTemplate, tokenizer: Any
) -> tuple[str, list[Span]]:
    """Render a conversation and find the assistant's turns in it, end tokens included.

    A turn starts where the prompt for it ends, so its first learnt token is the first one that
    the model will generate at serving.

    Raises:
        DataError: the template changes earlier text when a turn is added (not prefix-preserving).
    """
    messages = list(row.messages)
    text = render(template, messages, tokenizer, for_answer=False)
    spans: list[Span] = []
    for i, message in enumerate(messages):
        if message.role != "assistant":
            continue
        before = render(template, messages[:i], tokenizer, for_answer=True)
        after = render(template, messages[: i + 1], tokenizer, for_answer=False)
        if not (after.startswith(before) and text.startswith(after.rstrip())):
            raise DataError(
                f"{row.origin}: template {template.name!r} changes earlier turns when one is "
                "added, so training would not see what serving sends; use another template"
            )
        spans.append(Span(role="assistant", start=len(before), end=len(after.rstrip())))
    return text, spans


def parity_probes(
    rows: Sequence[TrainingRow], template: ChatTemplate, tokenizer: Any, *, n: int = 16
) -> list[tuple[list[Message], list[int]]]:
    """Return conversations up to their last answer, with the ids that training gave that part.

    The ids are cut from the whole encoded row, as the trainer saw it, not encoded afresh.
    """
    step = max(1, len(rows) // n)
    probes: list[tuple[list[Message], list[int]]] = []
    for row in rows[::step][:n]:
        messages = list(row.messages[:-1])
        prompt = render(template, messages, tokenizer, for_answer=True)
        encoded, _, _ = encode_row(row, template, tokenizer)
        probes.append((messages, list(encoded.input_ids[: len(encode(tokenizer, prompt))])))
    return probes


def end_token_ids(tokenizer: Any) -> set[int]:
    """Return the ids of tokens that end a turn: EOS and the usual turn markers it knows."""
    markers = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "</s>")
    known = tokenizer.get_vocab()
    ends = {known[marker] for marker in markers if marker in known}
    return ends | {tokenizer.eos_token_id}


def _tokenise(
    text: str, border: int, tokenizer: Any
) -> tuple[list[int], list[tuple[int, int]], bool]:
    """Return ids, offsets, and whether a token had to be cut for one to start at `border`.

    At serving the prompt is tokenised alone; its last token must be the one trained on.
    """
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = found["input_ids"], found["offset_mapping"]
    prompt = encode(tokenizer, text[:border])
    if ids[: len(prompt)] == prompt:
        return ids, offsets, False
    head = tokenizer(text[:border], add_special_tokens=False, return_offsets_mapping=True)
    tail = tokenizer(text[border:], add_special_tokens=False, return_offsets_mapping=True)
    moved = [(border + start, border + end) for start, end in tail["offset_mapping"]]
    return head["input_ids"] + tail["input_ids"], head["offset_mapping"] + moved, True
