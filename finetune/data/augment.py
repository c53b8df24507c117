"""Make more of training data with a model: reworded questions, fuller answers, translations.

What is asked is a run like any other (harness.runner), so that it is stored as it is answered and
goes on after a crash; every row made says what it comes from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.data.convert import written
from finetune.data.examples import KINDS, Example
from finetune.data.formats import Format
from finetune.data.leaking import leaking_rows
from finetune.data.rewording import (
    How,
    Unit,
    answer_of,
    row_fault,
    text_fault,
    units_of,
    with_texts,
)
from finetune.data.source import Rows
from finetune.data.writing import CannotSayError
from harness.digest import digest_of
from harness.engines.base import Engine
from harness.errors import DataError
from harness.gold import gold_digest
from harness.intake import Progress
from harness.models import context_limit
from harness.prompts import build_prompts
from harness.provenance import provenance
from harness.runner import Cell, Serving, folder_of, identity, load_tokenizer, run_cells
from harness.store import MANIFEST, RunFolder, keep_gold
from harness.suite import Suite, SuiteConfig
from harness.tasks import TaskConfig
from harness.types import Completion, GoldRecord, Message

TASK = "augment"
FOLDER = "augment"
"""Folder under the root of all runs."""
PROVENANCE = ("origin", "how", "model", "prompt_digest", "seed")
"""Fields of a row that was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the model is asked."""

    serving: Serving
    root: Path
    """Folder of all runs."""
    max_tokens: int = 512
    prompt: str | None = None
    """A Jinja template in place of ours; sees `text`, and `question` for expand."""
    progress: Progress | None = None
    engine: Engine | None = None
    """One that is loaded already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmade:
    """A row of which nothing was made."""

    where: str
    rule: str
    why: str
    fields: Mapping[str, Any]
    """The row as it was in the file."""

    def as_json(self) -> dict[str, Any]:
        """Return it for the file of dropped rows."""
        return {"rule": self.rule, "why": self.why, "where": self.where, "row": dict(self.fields)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmented:
    """The rows made, those of which nothing came, and how often why."""

    rows: tuple[Mapping[str, Any], ...]
    dropped: tuple[Unmade, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Dropped rows by rule."""
        return dict(Counter(one.rule for one in self.dropped))


def augment(
    rows: Rows, how: How, asking: Asking, form: Format, *, suites: Sequence[Suite] = ()
) -> Augmented:
    """Return new rows, one for each row of which all texts came out well.

    Args:
        rows: What to make them of.
        how: What to make.
        asking: The model and where its answers are kept.
        form: Format of the new rows.
        suites: Drop new rows that their gold items stand in.

    Raises:
        DataError: rows of a kind that this cannot be done with.
        RunError: the engine failed on some; what was answered is stored.
    """
    if how.way == "expand" and rows.format.kind != "chat":
        raise DataError(f"{rows.file}: expand is for answers; these are {KINDS[rows.format.kind]}")
    units = [units_of(example, how, asking.prompt) for example in rows.examples]
    said, too_long = _answers(_suite(units, rows, how, asking), rows, asking)
    made: list[tuple[int, Example]] = []
    dropped: dict[int, tuple[str, str]] = {}
    for i, (example, parts) in enumerate(zip(rows.examples, units, strict=True)):
        fault = _fault(parts, said, too_long, how)
        new = example
        if fault is None:
            new = with_texts(example, {_place(unit): _said(said, unit) for unit in parts})
            fault = row_fault(new, example) if how.way == "paraphrase" else None
        if fault is not None:
            dropped[i] = fault
        else:
            made.append((i, _with_provenance(new, example, parts, how, asking)))
    if suites:
        numbered = [replace(example, where=str(i)) for i, example in made]
        leaks = leaking_rows(numbered, suites)
        dropped |= {int(number): ("leaked", why) for number, why in leaks.items()}
    return Augmented(
        rows=tuple(_row(example, form) for i, example in made if i not in dropped),
        dropped=tuple(
            Unmade(
                where=rows.raw[i].where,
                rule=dropped[i][0],
                why=dropped[i][1],
                fields=rows.raw[i].fields,
            )
            for i in sorted(dropped)
        ),
    )


def _answers(suite: Suite, rows: Rows, asking: Asking) -> tuple[Mapping[str, Completion], set[str]]:
    """Return what the model says to each question, and the ids of those too long to be asked."""
    too_long = _too_long(suite, asking)
    suite = _with_gold(suite, [r for r in suite.gold if r.id not in too_long])
    cell = Cell(name=_plain_name(rows.file.stem), suite=suite)
    root = asking.root / FOLDER
    _copy_known(cell, asking.serving, root)
    run_cells([cell], asking.serving, root, progress=asking.progress, engine=asking.engine)
    return folder_of(cell, asking.serving, root).completions(), too_long


def _copy_known(cell: Cell, serving: Serving, root: Path) -> None:
    """Copy what the same model was asked before, in the same words, about other data."""
    folder, own = folder_of(cell, serving, root), identity(cell, serving)
    wanted = {record.id for record in cell.suite.gold} - folder.completions().keys()
    known: dict[str, Completion] = {}
    for path in sorted(folder.path.parent.glob(f"*/{MANIFEST}")):
        other = RunFolder(path=path.parent)
        if _without_gold(other.manifest["identity"]) == _without_gold(own):
            said = other.completions()
            known |= {id_: said[id_] for id_ in wanted & said.keys()}
    if known:
        folder.create(own, {**provenance(), "configuration": cell.name})
        keep_gold(root, cell.suite.gold_digest, cell.suite.gold)
        with folder.append_completions() as writer:
            writer.write_all(one.model_dump(mode="json") for one in known.values())


def _without_gold(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != "gold"}


def _suite(units: Sequence[Sequence[Unit]], rows: Rows, how: How, asking: Asking) -> Suite:
    """Return the suite whose items are what is asked, each once."""
    records = {
        unit.id: GoldRecord(
            id=unit.id, task=TASK, input=(Message(role="user", content=unit.prompt),)
        )
        for parts in units
        for unit in parts
    }
    if not records:
        raise DataError(f"{rows.file}: no text to {how.way}")
    config = SuiteConfig(
        name=_plain_name(how.label),
        version="1",
        language=how.target or "en",
        description=f"What is asked to {how.label} a text.",
        tasks={TASK: TaskConfig(max_tokens=asking.max_tokens)},
    )
    suite = Suite(config=config, file=rows.file, gold=(), gold_digest="")
    return _with_gold(suite, list(records.values()))


def _with_gold(suite: Suite, records: Sequence[GoldRecord]) -> Suite:
    return replace(suite, gold=tuple(records), gold_digest=gold_digest(tuple(records)))


def _too_long(suite: Suite, asking: Asking) -> set[str]:
    """Return the ids of the questions that the model cannot read with room for an answer."""
    model = asking.serving.model
    limit = context_limit(model.path)
    if limit is None:
        return set()
    tokenizer = load_tokenizer(model)
    prompts = build_prompts(suite, suite.gold, asking.serving.template, tokenizer)
    return {
        prompt.gold_id for prompt in prompts if len(prompt.token_ids) + asking.max_tokens > limit
    }


def _fault(
    units: Sequence[Unit], said: Mapping[str, Completion], too_long: set[str], how: How
) -> tuple[str, str] | None:
    """Return the first thing that is wrong with what came of a row's texts: rule and reason."""
    if not units:
        return "nothing", f"there is no text to {how.way}"
    for unit in units:
        if unit.id in too_long:
            return "too_long", "longer than the model can read"
        fault = text_fault(unit, said[unit.id], how)
        if fault is not None:
            return fault
    return None


def _said(said: Mapping[str, Completion], unit: Unit) -> str:
    return answer_of(said[unit.id])


def _place(unit: Unit) -> tuple[str, int]:
    return unit.side, unit.index


def _with_provenance(
    new: Example, source: Example, units: Sequence[Unit], how: How, asking: Asking
) -> Example:
    """Say on the row where it comes from; what it said before of itself is kept under `before`."""
    before = {key: value for key, value in source.extra.items() if key in PROVENANCE}
    rest = {key: value for key, value in source.extra.items() if key not in PROVENANCE}
    own = {
        "origin": source.where,
        "how": how.label,
        "model": asking.serving.model.name,
        "prompt_digest": digest_of([unit.prompt for unit in units])[:16],
        "seed": asking.serving.seed,
    }
    return replace(new, extra={**rest, **own, **({"before": before} if before else {})})


def _row(example: Example, form: Format) -> dict[str, Any]:
    try:
        return written(example, form)
    except CannotSayError as error:
        raise DataError(f"{example.where}: {form.name} cannot hold {error}") from None


def _plain_name(text: str) -> str:
    """Return a name that a suite may have."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "data"
