"""Look at a study's file, model and data, for the lints and the planner; no weights are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.config import TrainConfig, parse_config
from finetune.data.rows import choose_rows, load_rows
from finetune.lints import Facts, Finding, lint_training
from finetune.plan import located
from finetune.planner.architecture import Architecture
from finetune.planner.reading import read_architecture
from finetune.planner.runs import RowFacts, row_facts
from harness.errors import InputError, ModelError
from harness.models import PACKAGED, cache_root, context_limit
from harness.study import Study
from harness.study_config import Configuration, StudyConfig
from harness.templates import OWN
from harness.variants import Variant, merged_settings

TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One configuration of a study, as far as its file tells."""

    name: str
    train: dict[str, Any]
    """Resolved, with the defaults."""
    facts: Facts
    rows: RowFacts | None
    """None where the data cannot be read: then rows may be as long as max_tokens."""


def training_findings(study: Study, variant: Variant) -> tuple[Finding, ...]:
    """Return what there is to say before a configuration is trained; empty when it is not."""
    if variant.training is None:
        return ()
    entry = next(c for c in study.config.configurations if c.name == variant.configuration)
    setting = setting_of(study.config, study.file, entry, study.serving.model.path)
    return lint_training(setting.train, setting.facts)


def settings_of(config: StudyConfig, file: Path, folder: Path | None) -> tuple[Setting, ...]:
    """Return all configurations that a study trains; `folder` is the model's, where it is known."""
    return tuple(
        setting_of(config, file, entry, folder)
        for entry in config.configurations
        if entry.adapter is None
    )


def setting_of(
    config: StudyConfig, file: Path, entry: Configuration, folder: Path | None
) -> Setting:
    """Return one configuration of a study.

    Raises:
        ConfigError: its `train:` has an unknown key or a wrong value.
    """
    where = f"{file}: configuration {entry.name!r}"
    values = merged_settings(config.train, entry.train or {})
    parsed = parse_config(values, where=where)
    data = tuple(source.path for source in parsed.data)
    facts = model_facts(folder)
    return Setting(
        name=entry.name,
        train=parsed.model_dump(mode="json"),
        facts=Facts(
            n_parameters=facts.n_parameters,
            context=facts.context,
            has_chat_template=facts.has_chat_template,
            template=config.template,
            engine=config.engine,
            lora_mode=config.lora_mode,
            sources=data,
            gold_files=tuple(p for p in data if _is_gold(file.parent / p, config, file.parent)),
        ),
        rows=_rows(parsed, file.parent),
    )


def model_facts(folder: Path | None, architecture: Architecture | None = None) -> Facts:
    """Return what a model's folder tells; everything unknown for None."""
    if folder is None:
        return Facts(
            n_parameters=architecture.n_parameters if architecture else None,
            context=architecture.context if architecture else None,
        )
    try:
        n_parameters = read_architecture(folder).n_parameters
    except InputError:  # a family that cannot be counted: the size is not known
        n_parameters = None
    return Facts(
        n_parameters=n_parameters,
        context=context_limit(folder),
        has_chat_template=has_chat_template(folder),
        template=OWN,
    )


def has_chat_template(folder: Path) -> bool | None:
    """Tell whether a model brings a chat template; None where there is no tokenizer to ask."""
    if any((folder / name).exists() for name in TEMPLATE_FILES):
        return True
    try:
        text = (folder / "tokenizer_config.json").read_text(encoding="utf-8")
        config: Mapping[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return None
    return bool(config.get("chat_template"))


def config_folder(reference: str, here: Path) -> Path:
    """Return the folder with a model's config.json, without fetching anything.

    Raises:
        ModelError: it is not on this machine.
    """
    for folder in (here / reference, Path(reference)):
        if (folder / "config.json").is_file():
            return folder
    if reference in PACKAGED:
        folder = cache_root() / "models" / reference
        if (folder / "config.json").is_file():
            return folder
    elif reference.count("/") == 1:
        folder = _cached(reference)
        if folder is not None:
            return folder
    raise ModelError(
        f"model {reference!r} is not on this machine, and planning fetches nothing: give its "
        "config.json with --model-config"
    )


def _cached(reference: str) -> Path | None:
    """Return the folder of a model in the hub's cache."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    found = try_to_load_from_cache(reference, "config.json")
    return Path(found).parent if isinstance(found, str) else None


def _rows(config: TrainConfig, here: Path) -> RowFacts | None:
    try:
        rows = load_rows([located(source, here) for source in config.data])
    except InputError:
        return None
    chosen = choose_rows(rows, n=config.max_rows, seed=config.seed)
    return row_facts(chosen, max_tokens=config.max_tokens)


def _is_gold(path: Path, config: StudyConfig, here: Path) -> bool:
    """Tell whether a training file is a gold set of the study."""
    gold = [file for entry in config.suites for file in (here / entry.path).glob("*.jsonl")]
    return path.resolve() in {file.resolve() for file in gold}
