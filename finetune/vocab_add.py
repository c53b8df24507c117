"""Add tokens to a model: new rows start as the mean of what they replace, old ones stay as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.vocab_audit import plain_token
from harness.config import read_text
from harness.errors import DataError, InputError
from harness.store import write_json
from harness.types import Record

REPORT = "added_vocabulary.json"
"""In the new model's folder: what was added, and which rows to train."""
TINY = 1e-6
"""Largest difference of an old token's logit that is taken for none."""


class AddedToken(Record):
    """One new token."""

    token: str
    id: int
    pieces: tuple[str, ...]
    """What stood in its place before; its rows are their mean."""


class AddedVocabulary(Record):
    """What became of a model."""

    base: str
    added: tuple[AddedToken, ...]
    known: tuple[str, ...]
    """Asked for, but one token already."""
    rows_before: int
    rows_after: int
    """Of the embedding, padding included."""
    is_tied: bool
    """Whether the output head is the embedding, so that a row is both."""
    trainable_token_indices: tuple[int, ...]
    """Rows that a training should train, under PEFT's name; of embedding and head."""
    largest_change: float
    """Of an old token's logit, over the probes."""


def read_tokens(file: Path) -> list[str]:
    """Return the tokens of a file, one a line, a space at the start kept.

    Raises:
        DataError: an empty line, a line of spaces, a token twice, or no token at all.
    """
    tokens: dict[str, int] = {}
    for number, line in enumerate(read_text(file, DataError).split("\n"), start=1):
        token = line.rstrip("\r")
        if not token:
            continue
        if not token.strip():
            raise DataError(f"{file}:{number}: only spaces; give one token a line")
        if token in tokens:
            raise DataError(f"{file}:{number}: {token!r} is on line {tokens[token]} already")
        tokens[token] = number
    if not tokens:
        raise DataError(f"{file}: no token in it; give one a line")
    return list(tokens)


def add_vocabulary(
    base: Path, tokens: Sequence[str], out: Path, *, name: str, multiple: int = 64
) -> AddedVocabulary:
    """Write a model with more tokens and return what was done.

    Args:
        base: Folder of the model.
        tokens: New tokens.
        out: Folder to write; must not exist, or be empty.
        name: What to call the base in the report.
        multiple: The embedding's rows are padded to a multiple of it.

    Raises:
        InputError: the folder is in use, nothing is new, or the tokenizer cannot write a token back.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: this folder is not empty; give a new one with --out")
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    pieces = {token: _ids(tokenizer, token) for token in tokens}
    known = [token for token, ids in pieces.items() if len(ids) == 1]
    fresh = [token for token in tokens if token not in known]
    if not fresh:
        raise InputError(f"all {len(tokens)} tokens are single tokens of {name} already")
    names = {token: tokenizer.convert_ids_to_tokens(pieces[token]) for token in fresh}
    probes = _probes(tokenizer, fresh)
    tokenizer.add_tokens([plain_token(token) for token in fresh])
    _check_round_trip(tokenizer, fresh)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    model.eval()
    before = _logits(model, probes)
    rows_before = int(model.get_input_embeddings().weight.shape[0])
    wanted = max(rows_before, len(tokenizer))
    model.resize_token_embeddings(-(-wanted // multiple) * multiple, mean_resizing=False)
    is_tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    new_ids = {token: int(tokenizer.convert_tokens_to_ids(token)) for token in fresh}
    with torch.no_grad():
        for layer in _layers(model, is_tied=is_tied):
            _fill(layer, {new_ids[t]: pieces[t] for t in fresh}, n_old=rows_before)
    after = _logits(model, probes)
    n_old = min(new_ids.values())
    change = max(
        float((a[..., :n_old] - b[..., :n_old]).abs().max())
        for a, b in zip(after, before, strict=True)
    )
    if change > TINY:
        raise InputError(
            f"{name}: an old token's logit changed by {change:.2g}; this model's layers do not "
            "allow rows to be added"
        )
    found = AddedVocabulary(
        base=name,
        added=tuple(
            AddedToken(token=token, id=new_ids[token], pieces=tuple(names[token]))
            for token in fresh
        ),
        known=tuple(known),
        rows_before=rows_before,
        rows_after=int(model.get_input_embeddings().weight.shape[0]),
        is_tied=is_tied,
        trainable_token_indices=tuple(sorted(new_ids.values())),
        largest_change=change,
    )
    _save(model, tokenizer, out, found)
    return found


def _layers(model: Any, *, is_tied: bool) -> list[Any]:
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    return [embedding] if is_tied else [embedding, head]


def _fill(layer: Any, pieces: dict[int, list[int]], *, n_old: int) -> None:
    """Set new rows to the mean of their pieces' rows, and padding to the mean of all old rows."""
    weight, bias = layer.weight, getattr(layer, "bias", None)
    old = weight[:n_old].float()
    weight[n_old:] = old.mean(dim=0).to(weight.dtype)
    if bias is not None:
        bias[n_old:] = bias[:n_old].float().mean().to(bias.dtype)
    for row, ids in pieces.items():
        weight[row] = old[ids].mean(dim=0).to(weight.dtype)
        if bias is not None:
            bias[row] = bias[ids].float().mean().to(bias.dtype)


def _probes(tokenizer: Any, tokens: Sequence[str]) -> list[list[int]]:
    """Return texts as the old tokenizer cuts them: every token's pieces, and a plain sentence."""
    texts = ["The quick brown fox jumps over the lazy dog.", "今天天气很好，我们去公园散步。"]
    texts += list(tokens[:14])
    return [_ids(tokenizer, text) for text in texts]


def _logits(model: Any, probes: Sequence[Sequence[int]]) -> list[Any]:
    import torch

    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids])).logits.float() for ids in probes]


def _check_round_trip(tokenizer: Any, tokens: Sequence[str]) -> None:
    """Refuse tokens that would not come back as they went in.

    Byte-level decoders take an added token such as "café" for bytes, and break its accents.
    """
    broken: list[str] = []
    for token in tokens:
        ids = _ids(tokenizer, f"a{token}")
        text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        if not text.endswith(token):
            broken.append(token)
    if broken:
        raise InputError(
            f"this tokenizer cannot write back {', '.join(map(repr, broken[:5]))}"
            f"{' and others' if len(broken) > 5 else ''}: leave {'it' if len(broken) == 1 else 'them'} "
            "out"
        )


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _save(model: Any, tokenizer: Any, out: Path, found: AddedVocabulary) -> None:
    """Write the folder beside its place, then put it there whole."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    write_json(part / REPORT, found.model_dump(mode="json"))
    for file in part.iterdir():
        file.chmod(0o644)
    if out.exists():
        out.rmdir()
    part.replace(out)
