"""Make a suite of ours from an lm-eval task: its documents as gold, its metrics as `imported`.

    runs/lm-eval/<task>/suite-<digest12>/suite.yaml, gold.jsonl

The folder is named by what decides it. It is made once; after that neither lm-eval nor the data
is needed to plan, score, compare or show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from harness.digest import canonical_json, digest_of, file_digest
from harness.errors import ConfigError, HarnessError
from harness.gold import gold_digest
from harness.lmeval.aggregation import MeasuredMetric, macro_averages, measured_metrics
from harness.lmeval.tasks import (
    LoadedTasks,
    build_requests,
    documents,
    installed_version,
    load_tasks,
)
from harness.registry import LM_EVAL_PREFIX as PREFIX
from harness.store import write_text
from harness.suite import LmEvalOptions, LmEvalOrigin, Suite, load_suite
from harness.types import GoldRecord

CHINESE_SHARE = 0.2
"""Share of Chinese characters in the documents from which a suite counts as Chinese."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


def lm_eval_suite(
    reference: str, root: Path, options: LmEvalOptions, *, base: Path | None = None
) -> Suite:
    """Return the suite of an lm-eval task, made now or found from before.

    Args:
        reference: "lm-eval/TASK"; a task, tag or group.
        root: Folder of all runs.
        options: How lm-eval is to ask.
        base: Folder from which `include` is meant.

    Raises:
        InputError: lm-eval is not installed, or the task or its data cannot be loaded.
    """
    task = reference.removeprefix(PREFIX)
    if options.include is not None:
        include = ((base or Path.cwd()) / options.include).resolve()
        options = options.model_copy(update={"include": str(include)})
    parent = root / suite_name(task)
    known = _known_suite(parent, task, options)
    return known if known is not None else _make(load_tasks(task, options), parent)


def suite_name(task: str) -> str:
    """Return the suite's name: "lm-eval/" and the task's, without characters of odd folders."""
    return PREFIX + _ODD.sub("-", task).strip("-")


def requests_digest(requests: Mapping[str, Sequence[Any]]) -> str:
    """Return one hash of everything that lm-eval asks."""
    rows = [
        [name, one.doc_id, one.request_type, list(one.args), one.repeats]
        for name, instances in sorted(requests.items())
        for one in instances
    ]
    return digest_of(rows)


def metrics_of(loaded: LoadedTasks, task: str) -> tuple[list[MeasuredMetric], list[str]]:
    """Return a task's metrics that add up over items, and why others do not."""
    return measured_metrics(loaded.tasks[task], _classes(loaded, task))


def gold_id(task: str, doc_id: int) -> str:
    """Return the gold id of a document."""
    return f"{task}:{doc_id}"


def _known_suite(parent: Path, task: str, options: LmEvalOptions) -> Suite | None:
    """Return the suite that was made before of the same task, if nothing has changed."""
    version = installed_version()
    for file in sorted(parent.glob("suite-*/suite.yaml")):
        try:
            suite = load_suite(file)
        except HarnessError:  # of another version of Tunemark: made anew
            continue
        origin = suite.config.lm_eval
        if (
            origin is not None
            and (origin.task, origin.version, origin.options) == (task, version, options)
            and all(_digest_of_file(path) == digest for path, digest in origin.files.items())
        ):
            return suite
    return None


def _make(loaded: LoadedTasks, parent: Path) -> Suite:
    version = installed_version()
    requests = build_requests(loaded)
    left_out = macro_averages(loaded.groups)
    tasks: dict[str, Any] = {}
    records: list[GoldRecord] = []
    for name in loaded.tasks:
        metrics, why_not = metrics_of(loaded, name)
        left_out += why_not
        if not metrics:
            continue
        specs = [metric.spec(f"lm-eval-{version}").model_dump(mode="json") for metric in metrics]
        tasks[name] = {"type": "lm_eval", "metrics": specs}
        records += _records(loaded, name, requests[name])
    if not tasks:
        raise ConfigError(
            f"{PREFIX}{loaded.name}: none of its metrics can be compared: {'; '.join(left_out)}"
        )
    _tell_apart(tasks)
    origin = LmEvalOrigin(
        task=loaded.name,
        version=version,
        requests=requests_digest(requests),
        options=loaded.options,
        files={str(path): digest for path in _files(loaded) if (digest := _digest_of_file(path))},
        left_out=tuple(left_out),
    )
    config = {
        "name": suite_name(loaded.name),
        "version": _version_of(loaded),
        "language": _language(records),
        "description": f"{loaded.name}, asked and measured by lm-eval {version}.",
        "lm_eval": origin.model_dump(mode="json", exclude_defaults=True),
        "tasks": tasks,
    }
    name = digest_of([config, gold_digest(records)])[:12]
    folder = parent / f"suite-{name}"
    lines = [canonical_json(record.model_dump(mode="json")) for record in records]
    write_text(folder / "gold.jsonl", "\n".join(lines) + "\n")
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False, width=100)
    write_text(folder / "suite.yaml", text)
    return load_suite(folder)


def _tell_apart(tasks: Mapping[str, Any]) -> None:
    """Two tasks of a group may measure differently under one name: then the name has the task."""
    seen: dict[str, Any] = {}
    for name, task in tasks.items():
        for spec in task["metrics"]:
            (params,) = spec.values()
            alias = params["as"]
            if seen.setdefault(alias, dict(params)) != params:
                params["as"] = f"{name}:{alias}"


def _records(loaded: LoadedTasks, name: str, instances: Sequence[Any]) -> list[GoldRecord]:
    task = loaded.tasks[name]
    asked: dict[int, list[Any]] = {}
    for one in instances:
        asked.setdefault(one.doc_id, []).append(one)
    records: list[GoldRecord] = []
    for doc_id, doc in documents(loaded, name):
        choices = _choices(task, doc, asked[doc_id])
        target = task.doc_to_target(doc)
        is_index = isinstance(target, int) and 0 <= target < len(choices)
        records.append(
            GoldRecord(
                id=gold_id(name, doc_id),
                task=name,
                input=_question(task, doc, asked[doc_id]),
                references=() if is_index else _texts(target),
                choices=choices,
                answer=cast("int", target) if is_index else _place(target, choices),
                slices={"task": name} if len(loaded.tasks) > 1 else {},
            )
        )
    return records


def _question(task: Any, doc: Any, asked: Sequence[Any]) -> str:
    """Return the document's own text, or else the end of what is asked."""
    text = task.doc_to_text(doc)
    if not isinstance(text, str) or not text.strip():
        text = str(asked[0].args[0])
    if not text.strip():
        text = json.dumps(doc, ensure_ascii=False, default=str)
    return text


def _choices(task: Any, doc: Any, asked: Sequence[Any]) -> tuple[str, ...]:
    if task.OUTPUT_TYPE == "multiple_choice":
        return tuple(str(choice) for choice in task.doc_to_choice(doc))
    scored = [one.args[1] for one in asked if one.request_type == "loglikelihood"]
    return tuple(str(text) for text in scored) if len(scored) > 1 else ()


def _texts(target: object) -> tuple[str, ...]:
    several = target if isinstance(target, list | tuple) else [target]
    return tuple(text for one in several if (text := str(one)).strip())


def _place(target: object, choices: Sequence[str]) -> int | None:
    return choices.index(target) if isinstance(target, str) and target in choices else None


def _classes(loaded: LoadedTasks, name: str) -> int:
    """Return how many choices the documents of a task have at most."""
    task = loaded.tasks[name]
    if task.OUTPUT_TYPE != "multiple_choice":
        return 2
    return max([2, *(len(task.doc_to_choice(doc)) for _, doc in documents(loaded, name))])


def _version_of(loaded: LoadedTasks) -> str:
    group = loaded.groups.get(loaded.name)
    if group is not None and group.version != "N/A":
        return str(group.version)
    return ", ".join(dict.fromkeys(str(task.VERSION) for task in loaded.tasks.values()))


def _language(records: Iterable[GoldRecord]) -> str:
    text = "".join(str(record.input)[:2000] for record in records)
    letters = sum(char.isalpha() for char in text)
    return "zh" if letters and len(_CHINESE.findall(text)) / letters > CHINESE_SHARE else "en"


def _files(loaded: LoadedTasks) -> list[Path]:
    """Return the local files that decide the tasks: the user's own YAML and Python, and data."""
    found: list[Path] = []
    if loaded.options.include is not None:
        folder = Path(loaded.options.include)
        found += [path for kind in ("*.yaml", "*.yml", "*.py") for path in folder.rglob(kind)]
    for task in loaded.tasks.values():
        kwargs: Any = getattr(task.config, "dataset_kwargs", None) or {}
        found += [Path(text) for text in _strings(kwargs.get("data_files"))]
    return sorted({path.resolve() for path in found if path.is_file()})


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _strings(part)]
    return []


def _digest_of_file(path: str | Path) -> str | None:
    file = Path(path)
    return file_digest(file) if file.is_file() else None
