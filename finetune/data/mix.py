"""Mix sources in given shares, by rows or by tokens: drawn by a seed, with the books kept."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from finetune.data.convert import target_format, written
from finetune.data.examples import Example, exact
from finetune.data.files import RawRow
from finetune.data.formats import FORMATS, STANDARD, Format
from finetune.data.lengths import by_contents
from finetune.data.source import RECIPES, Rows, is_mix, one_kind, read_source
from finetune.data.writing import CannotSayError
from harness.config import load_yaml
from harness.digest import digest_of
from harness.errors import ConfigError, DataError
from harness.models import resolve_model
from harness.runner import load_tokenizer
from harness.types import Record

ORIGIN = "mixed_from"
"""Field that names the source of a row."""


class MixedSource(Record):
    """One source of a mix."""

    path: str
    """A data file, a recipe, or a dataset_info.json; relative to this file."""
    format: str | None = None
    name: str | None = None
    share: float = Field(gt=0, le=1)
    """Of the whole, in rows or tokens."""
    epochs: float | None = Field(default=1, gt=0)
    """How often each row may be used at most: 1 is without replacement; null: as often as the
    share asks for."""


class MixConfig(Record):
    """mix.yaml."""

    name: str
    by: Literal["rows", "tokens"] = "rows"
    """What shares and total are counted in."""
    total: int | None = Field(default=None, gt=0)
    """Rows or tokens; by default as much as the sources give without breaking shares or epochs."""
    tokenizer: str | None = None
    """Model whose tokens are counted: what is said, without what a template adds."""
    seed: int = 0
    sources: dict[str, MixedSource] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> MixConfig:
        total = sum(source.share for source in self.sources.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"sources: the shares add up to {total:.6g}, expected 1")
        if (self.by == "tokens") != (self.tokenizer is not None):
            raise ValueError("`by: tokens` and a `tokenizer` go together")
        if self.total is None and all(one.epochs is None for one in self.sources.values()):
            raise ValueError("say `total`, or `epochs` of a source: else there is no end")
        return self


class Realised(Record):
    """What became of one source."""

    rows: int
    distinct_rows: int
    available_rows: int
    tokens: int | None = None
    available_tokens: int | None = None
    share_asked: float
    share: float
    """Of rows or tokens, as the mix is counted."""
    epochs: float
    """How often the source's rows (or tokens) were used on average."""
    digest: str
    """Of the source's rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A mix, and how it came out."""

    config: MixConfig
    rows: Rows
    realised: Mapping[str, Realised]

    def as_json(self) -> dict[str, Any]:
        """Return what is stored beside the mix."""
        return {
            "name": self.config.name,
            "by": self.config.by,
            "seed": self.config.seed,
            "tokenizer": self.config.tokenizer,
            "n_rows": len(self.rows.raw),
            "sources": {name: one.model_dump() for name, one in self.realised.items()},
            "recipe": self.config.model_dump(mode="json"),
        }


def mix_rows(path: Path) -> Rows:
    """Return the rows of a mix.

    Raises:
        ConfigError, DataError: naming file and line.
    """
    return mix(path).rows


def mix(path: Path, *, to: str | None = None) -> Mixed:
    """Draw a mix as its recipe says; the same recipe and sources always give the same rows.

    Args:
        path: The recipe.
        to: Format of the rows; by default `messages`, or the standard one of what is mixed.

    Raises:
        ConfigError: the recipe is wrong, or asks for more than there is.
        DataError: a source is malformed, or a row cannot be written in the format.
    """
    config = load_yaml(path, MixConfig)
    sources = {name: _read(source, path) for name, source in config.sources.items()}
    one_kind(list(sources.values()))
    kind = next(iter(sources.values())).format.kind
    form = FORMATS[STANDARD[kind]] if to is None else _format(to, kind)
    weights = _weights(config, sources)
    total = _total(config, weights, path)
    drawn: list[tuple[str, int]] = []
    for name, source in config.sources.items():
        chosen = _draw(weights[name], source.share * total, f"{config.seed}/{name}")
        _refuse_overuse(chosen, weights[name], source, f"{path}: sources.{name}")
        drawn.extend((name, i) for i in chosen)
    random.Random(f"{config.seed}/order").shuffle(drawn)
    rows = [_row(sources[name], i, name, form) for name, i in drawn]
    return Mixed(
        config=config,
        rows=Rows(
            file=path,
            format=form,
            raw=tuple(raw for raw, _ in rows),
            examples=tuple(example for _, example in rows),
        ),
        realised=_realised(config, sources, weights, drawn),
    )


def _read(source: MixedSource, recipe: Path) -> Rows:
    path = Path(os.path.normpath(recipe.parent / source.path))
    if path.suffix.lower() in RECIPES and is_mix(path):
        raise ConfigError(f"{recipe}: {path} is a mix itself; name its sources here")
    return read_source(path, format=source.format, name=source.name)


def _format(name: str, kind: str) -> Format:
    form = target_format(name)
    if form.kind != kind:
        raise DataError(f"--to {name}: the sources hold {kind} rows, {name} holds {form.kind} ones")
    return form


def _weights(config: MixConfig, sources: Mapping[str, Rows]) -> dict[str, list[int]]:
    """Return what each row counts: 1, or its tokens."""
    if config.tokenizer is None:
        return {name: [1] * len(rows.examples) for name, rows in sources.items()}
    measure = by_contents(load_tokenizer(resolve_model(config.tokenizer)))
    return {
        name: [max(1, measure(example).n_tokens) for example in rows.examples]
        for name, rows in sources.items()
    }


def _total(config: MixConfig, weights: Mapping[str, Sequence[int]], path: Path) -> float:
    """Return the rows or tokens of the whole mix.

    Raises:
        ConfigError: more is asked for than some source gives.
    """
    most = {
        name: source.epochs * sum(weights[name]) / source.share
        for name, source in config.sources.items()
        if source.epochs is not None
    }
    if config.total is None:
        return min(most.values())
    for name, limit in most.items():
        if config.total > limit * (1 + 1e-9):
            raise ConfigError(
                f"{path}: sources.{name}: {config.sources[name].share:.0%} of {config.total} "
                f"{config.by} is more than its {sum(weights[name])} {config.by}, each used at most "
                f"{config.sources[name].epochs:g} times; lower `total` to {math.floor(limit)}, or "
                "raise `epochs` (null: no limit)"
            )
    return config.total


def _draw(weights: Sequence[int], wanted: float, seed: str) -> list[int]:
    """Return row numbers whose weights come nearest to what is wanted.

    Every row is used once before one is used again; each round has an order of its own.
    """
    chosen: list[int] = []
    done, round_number = 0, 0
    while True:
        order = list(range(len(weights)))
        random.Random(f"{seed}/{round_number}").shuffle(order)
        for i in order:
            if done + weights[i] - wanted > wanted - done:  # stopping here is nearer
                return chosen
            chosen.append(i)
            done += weights[i]
        round_number += 1


def _refuse_overuse(
    chosen: Sequence[int], weights: Sequence[int], source: MixedSource, where: str
) -> None:
    if not chosen:
        raise ConfigError(f"{where}: its share of the total is less than one row; raise `total`")
    assert source.epochs is None or len(chosen) <= math.ceil(source.epochs * len(weights)), (
        f"{where}: {len(chosen)} rows drawn of {len(weights)}"
    )


def _row(rows: Rows, index: int, name: str, form: Format) -> tuple[RawRow, Example]:
    example = rows.examples[index]
    named = replace(example, extra={**example.extra, ORIGIN: name})
    try:
        fields = written(named, form)
    except CannotSayError as error:
        raise DataError(f"{example.where}: {form.name} cannot hold {error}") from None
    return RawRow(where=example.where, fields=fields), named


def _realised(
    config: MixConfig,
    sources: Mapping[str, Rows],
    weights: Mapping[str, Sequence[int]],
    drawn: Sequence[tuple[str, int]],
) -> dict[str, Realised]:
    total = sum(weights[name][i] for name, i in drawn)
    found: dict[str, Realised] = {}
    for name, rows in sources.items():
        own = [i for other, i in drawn if other == name]
        used, available = sum(weights[name][i] for i in own), sum(weights[name])
        is_tokens = config.by == "tokens"
        found[name] = Realised(
            rows=len(own),
            distinct_rows=len(set(own)),
            available_rows=len(rows.raw),
            tokens=used if is_tokens else None,
            available_tokens=available if is_tokens else None,
            share_asked=config.sources[name].share,
            share=round(used / total, 6),
            epochs=round(used / available, 6),
            digest=digest_of([exact(dict(row.fields)) for row in rows.raw]),
        )
    return found
