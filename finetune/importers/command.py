"""What `tunemark import-training` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from finetune.importers.axolotl import import_axolotl
from finetune.importers.base import Imported, Remark
from finetune.importers.llama_factory import import_llama_factory
from harness.errors import UnknownNameError
from harness.store import write_text

IMPORTERS: Mapping[str, Callable[[Path], Imported]] = {
    "llama-factory": import_llama_factory,
    "axolotl": import_axolotl,
}


def import_command(*, file: Path, tool: str, out: Path | None, as_json: bool) -> Any:
    """Return our settings with an account of the other tool's keys; with `out`, write them there.

    Raises:
        UnknownNameError: no importer for that tool.
        ConfigError: the file cannot be read, or would train something else here.
    """
    if tool not in IMPORTERS:
        raise UnknownNameError("tool", tool, IMPORTERS)
    found = IMPORTERS[tool](file)
    settings = settings_text(found)
    if out is not None:
        write_text(out, settings)
    if as_json:
        return {
            "model": found.model,
            "template": found.template,
            "train": dict(found.train),
            "changed": _keyed(found.changed),
            "ignored": _keyed(found.ignored),
            "unknown": list(found.unknown),
        }
    account = _account(found)
    return account + (f"Written to {out}\n" if out is not None else "\n" + settings)


def settings_text(found: Imported) -> str:
    """Return the settings as YAML: a part of a study, and a file for `tunemark plan`."""
    value = {"model": found.model, "template": found.template, "train": dict(found.train)}
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _account(found: Imported) -> str:
    lines = [f"differs here: {remark.key}: {remark.text}" for remark in found.changed]
    by_reason: dict[str, list[str]] = {}
    for remark in found.ignored:
        by_reason.setdefault(remark.text, []).append(remark.key)
    lines += [f"ignored ({reason}): {', '.join(keys)}" for reason, keys in by_reason.items()]
    if found.unknown:
        lines.append(f"NOT UNDERSTOOD, look at them: {', '.join(found.unknown)}")
    return "".join(f"{line}\n" for line in lines)


def _keyed(remarks: tuple[Remark, ...]) -> dict[str, str]:
    return {remark.key: remark.text for remark in remarks}
