"""Answers in JSON: is it JSON, does it fit a schema, and which of its fields are right?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.config import read_text
from harness.digest import digest_of
from harness.errors import ConfigError
from harness.metrics.base import BINARY, Array, FindingMetric, MeanMetric, Metric, Setting
from harness.metrics.json_fields import Matching, count_fields, count_matches
from harness.metrics.json_text import Repeated, parse_json
from harness.types import Completion, GoldRecord, Measurement

Part = Literal["f1", "precision", "recall"]


def json_valid(setting: Setting, *, unique_keys: bool = False) -> Metric:
    """Return the share of answers that are JSON and nothing else, in [0, 1] (RFC 8259).

    Words or a code fence around it make it invalid; put `json_block` in `extract` to allow them.

    Args:
        setting: Not used.
        unique_keys: Whether an object with a repeated key is refused, which the RFC only advises.
    """
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float:
        del gold
        value, is_json = _parsed(completion.text)
        return float(is_json and not (unique_keys and _has_repeated(value)))

    return MeanMetric(
        name="json_valid",
        signature=f"json_valid@1|keys:{'unique' if unique_keys else 'any'}",
        score=score,
        scale=BINARY,
    )


def json_schema(
    setting: Setting,
    *,
    value: str | None = None,
    schema: dict[str, Any] | None = None,
    formats: bool = False,
) -> Metric:
    """Return the share of answers that fit a JSON Schema, in [0, 1] (json-schema.org).

    An answer that is no JSON does not fit, and is reported as "no answer found".

    Args:
        setting: Its folder is where the file lies.
        value: The schema's file, relative to the suite's folder.
        schema: The schema itself, instead of a file.
        formats: Whether "format", such as date or email, is checked too.
    """
    from jsonschema import FormatChecker
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if (value is None) == (schema is None):
        raise ConfigError("metric 'json_schema': give either a file or `schema: {…}`")
    loaded: Any = schema if value is None else _schema_of(value, setting.folder)
    where = value or "schema"
    kind = validator_for(loaded, default=_newest())
    try:
        kind.check_schema(loaded)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path)) or "at its root"
        raise ConfigError(f"{where}: not a valid JSON Schema: {place}: {error.message}") from None
    # An empty registry: a schema may refer to itself, never to the network.
    check: Any = kind(
        loaded, registry=Registry(), format_checker=FormatChecker() if formats else None
    )

    def judge(gold: GoldRecord, completion: Completion) -> Measurement:
        del gold
        answer, is_json = _parsed(completion.text)
        if not is_json:
            return Measurement(stats=(0.0, 1.0), is_extracted=False)
        try:
            return Measurement(stats=(float(check.is_valid(answer)), 1.0))
        except Unresolvable as error:
            raise ConfigError(f"{where}: $ref {error.ref!r} leads nowhere") from None
        except RecursionError:
            return Measurement(stats=(0.0, 1.0))

    _refuse_dangling(check, loaded, where)
    return FindingMetric(
        name="json_schema",
        signature=f"json_schema@1|schema:{digest_of(loaded)[:12]}|formats:{'yes' if formats else 'no'}",
        judge=judge,
        scale=BINARY,
    )


def json_f1(
    setting: Setting,
    *,
    arrays: Literal["multiset", "ordered"] = "multiset",
    types: Literal["loose", "strict"] = "loose",
    part: Part = "f1",
) -> Metric:
    """Return F1 over the fields of JSON answers, micro-averaged over all items, in [0, 1].

    A field is a path with its value, such as drugs[].dose = 5 mg. Width, case, spaces and
    punctuation at the ends of a text do not count, all else does: 1.5 mg is not 15 mg. The elements of an array are paired so that most fields agree, and a repeated
    key counts as often as it stands there. Of several references the best counts. An answer that
    is no JSON finds no field, and is reported as "no answer found".

    Args:
        setting: Its language decides whether spaces count: not in Chinese.
        arrays: Whether the order of an array's elements is ignored ("multiset") or counts.
        types: Whether "5" equals 5 and "true" equals true ("loose") or not.
        part: F1, or its precision or recall alone.
    """
    matching = Matching(language=setting.language, arrays=arrays, types=types)

    def judge(gold: GoldRecord, completion: Completion) -> Measurement | None:
        wanted = [value for value, is_json in map(_parsed, gold.references) if is_json]
        if not wanted:
            return None
        answer, is_json = _parsed(completion.text)
        if not is_json:
            return Measurement(stats=(0.0, 0.0, float(count_fields(wanted[0]))), is_extracted=False)
        n_answer = count_fields(answer)
        found = [
            (float(count_matches(answer, ref, matching)), float(n_answer), float(count_fields(ref)))
            for ref in wanted
        ]
        return Measurement(stats=max(found, key=lambda s: 2 * s[0] / (s[1] + s[2])))

    return FindingMetric(
        name="json_f1",
        signature=f"json_f1@1|part:{part}|avg:micro|arrays:{arrays}|types:{types}"
        f"|norm:nfkc-lower{'-nospace' if setting.language == 'zh' else ''}|refs:best",
        judge=judge,
        formula=lambda totals: _part_of(totals, part),
    )


def _part_of(totals: Array, part: Part) -> Array:
    matched, answered, wanted = totals[..., 0], totals[..., 1], totals[..., 2]
    above, below = {
        "f1": (2 * matched, answered + wanted),
        "precision": (matched, answered),
        "recall": (matched, wanted),
    }[part]
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)


def _parsed(text: str) -> tuple[Any, bool]:
    try:
        return parse_json(text), True
    except ValueError:
        return None, False


def _has_repeated(value: Any) -> bool:
    if isinstance(value, Repeated):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_repeated, inner))


def _schema_of(name: str, folder: Path | None) -> Any:
    path = (folder or Path()) / name
    try:
        loaded = json.loads(read_text(path, ConfigError))
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(loaded, (dict, bool)):
        raise ConfigError(f"{path}: a JSON Schema is an object")
    return loaded


def _newest() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _refuse_dangling(check: Any, schema: Any, where: str) -> None:
    """Follow every $ref of a schema with one base address before a model is asked anything."""
    from referencing.exceptions import Unresolvable

    nodes = list(_nodes(schema))
    if any("$id" in node or "id" in node for node in nodes[1:]):
        return  # addresses change inside: a dangling one is told when it is met
    for node in nodes:
        ref = node.get("$ref")
        if isinstance(ref, str):
            try:
                check._resolver.lookup(ref)  # noqa: SLF001 - no public way without an instance
            except Unresolvable:
                raise ConfigError(f"{where}: $ref {ref!r} leads nowhere") from None


def _nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for item in value for node in _nodes(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(node for item in value.values() for node in _nodes(item))]
