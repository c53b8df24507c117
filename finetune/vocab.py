"""What `tunemark vocab` asks for, as text or as values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.facts import config_folder
from finetune.vocab_add import REPORT, AddedVocabulary, add_vocabulary, read_tokens
from finetune.vocab_audit import Split, VocabularyAudit, audit, read_texts
from harness.cli.tables import plain_table
from harness.errors import MissingExtraError, ModelError
from harness.models import resolve_model
from harness.quiet import quieten
from harness.store import write_text

SPLIT_COLUMNS = ("split", "times", "tokens", "as one saves")
SAVING_COLUMNS = ("tokens added", "saves", "of all")


def audit_command(
    *, model: str, texts: Sequence[Path], worst: int, out: Path | None, n: int, as_json: bool
) -> Any:
    """Return a tokenizer's audit; with `out`, write the `n` best candidates there.

    Raises:
        InputError: the model, its tokenizer or a file cannot be read.
    """
    report, found = audit(read_texts(texts), load_tokenizer(model), worst=worst)
    if out is not None:
        write_text(out, "".join(f"{split.text}\n" for split in found[:n]))
    return report.model_dump(mode="json") if as_json else _audit_text(report, found, out, n)


def add_command(*, model: str, tokens: Path, out: Path, multiple: int, as_json: bool) -> Any:
    """Add a file's tokens to a model.

    Raises:
        InputError: the model, a token or the folder is wrong.
    """
    wanted = read_tokens(tokens)
    quieten()
    source = resolve_model(model)
    found = add_vocabulary(source.path, wanted, out, name=source.name, multiple=multiple)
    return found.model_dump(mode="json") if as_json else _added_text(found, out)


def load_tokenizer(model: str) -> Any:
    """Return a model's tokenizer; its weights are not read.

    Raises:
        ModelError: it has none that can be loaded.
        MissingExtraError: transformers is not installed.
    """
    quieten()
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingExtraError("looking at a tokenizer", "hf") from None
    try:
        folder = config_folder(model, Path())
    except ModelError:
        folder = resolve_model(model).path
    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: no tokenizer here: {str(error).splitlines()[0]}") from None


def _audit_text(report: VocabularyAudit, found: Sequence[Split], out: Path | None, n: int) -> str:
    fits: list[dict[str, object]] = [
        {
            "texts": fit.language,
            "characters": f"{fit.characters:,}",
            "tokens": f"{fit.tokens:,}",
            "tokens/character": fit.tokens_per_character,
            "tokens/word": fit.tokens_per_word,
            "unknown": f"{fit.unknown_share:.1%}",
            "parts of characters": f"{fit.byte_share:.1%}",
        }
        for fit in report.fits
    ]
    words: list[dict[str, object]] = [
        {
            "split": repr(split.text) if split.text[0] == " " else split.text,
            "times": split.count,
            "tokens": len(split.pieces),
            "as one saves": split.saving,
        }
        for split in report.worst
    ]
    savings: list[dict[str, object]] = [
        {"tokens added": s.added, "saves": f"{s.tokens:,}", "of all": f"{s.share:.1%}"}
        for s in report.savings
    ]
    parts = [
        f"{report.vocabulary:,} tokens in the vocabulary",
        plain_table(tuple(fits[0]), fits),
        plain_table(SPLIT_COLUMNS, words) if words else "No word is split often.\n",
        plain_table(SAVING_COLUMNS, savings) if savings else "",
    ]
    if out is not None:
        parts.append(f"{min(n, len(found))} candidates are in {out}; read them before adding\n")
    return "\n".join(part for part in parts if part)


def _added_text(found: AddedVocabulary, out: Path) -> str:
    rows = found.trainable_token_indices
    listed = f"{min(rows)} to {max(rows)}" if len(rows) > 1 else str(*rows)
    where = "embedding, which is the head too" if found.is_tied else "embedding and head"
    lines = [
        f"{out}: {len(found.added)} tokens added, {found.rows_before:,} → {found.rows_after:,} rows",
        *([f"already single tokens: {', '.join(found.known)}"] if found.known else []),
        f"Old tokens' logits changed by at most {found.largest_change:.1g}.",
        f"Rows to train ({where}): {listed}, for PEFT's trainable_token_indices (in {REPORT}).",
        "vLLM serves no adapter with trained token rows: it has to be merged into the model.",
        "Compare before and after by bits_per_byte: perplexity by tokens changes with the tokens.",
    ]
    return "\n".join(lines) + "\n"
