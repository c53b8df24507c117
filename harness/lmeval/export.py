"""Write a suite of ours as lm-eval tasks: YAML, data and the few lines of Python that tie them.

    OUT/<suite>.yaml                 a group of all tasks
    OUT/<suite>_<task>.yaml, .jsonl  one task each, its prompts rendered
    OUT/<suite>_tunemark.py          loads the data from beside itself, and measures
    OUT/suite.json                   the suite's metrics

Log-likelihood metrics that lm-eval has too are left to it; all else is measured by Tunemark's own,
which must then be installed beside lm-eval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.digest import canonical_json
from harness.errors import ConfigError
from harness.lmeval.exported import SUITE, is_mean, metric_name
from harness.metrics.build import metric_of
from harness.prompts import Renderer, continuation, has_own_contexts, right_answer
from harness.store import write_text
from harness.suite import Suite
from harness.tasks import TaskConfig, scored_text
from harness.templates import ChatTemplate
from harness.types import GoldRecord

LM_EVALS_CHOICE: Mapping[str, str] = {"accuracy": "acc", "acc_norm": "acc_bytes"}
"""Metrics of choices that lm-eval has under another name."""
LM_EVALS_TEXT: Mapping[str, str] = {
    "word_perplexity": "weighted_perplexity",
    "byte_perplexity": "weighted_perplexity",
    "bits_per_byte": "bits_per_byte",
}
"""Metrics of whole texts that lm-eval has under the same name, and its aggregations."""
_HEADER = '''\
"""Written by `tunemark lm-eval suite`: data and measuring for the lm-eval tasks beside it."""

from pathlib import Path

HERE = Path(__file__).resolve().parent


def load(file):
    from datasets import load_dataset

    return load_dataset("json", data_files={"test": str(HERE / file)})
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSuite:
    """What was written."""

    group: str
    """The name to give to lm_eval's --tasks."""
    files: tuple[Path, ...]
    """YAML files, the group's first."""
    left_out: tuple[str, ...]
    """What lm-eval has no form for, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One task as lm-eval has it."""

    config: dict[str, Any]
    code: str
    """Its functions in the Python file."""


def export_suite(suite: Suite, out: Path, template: ChatTemplate, tokenizer: Any) -> ExportedSuite:
    """Write a suite as lm-eval tasks.

    Args:
        suite: What to export.
        out: Folder, made if absent; give it to lm_eval as --include_path.
        template: Lays the prompts out.
        tokenizer: Of the model that will answer: the prompts hold its special tokens.

    Raises:
        ConfigError: the suite was made from an lm-eval task, or none of its tasks has a form.
    """
    if suite.config.lm_eval is not None:
        raise ConfigError(f"{suite.file}: this suite is an lm-eval task already")
    renderer = Renderer(suite=suite, template=template, tokenizer=tokenizer)
    module = f"{_identifier(suite.name)}_tunemark"
    written: dict[str, _Written] = {}
    left_out: list[str] = []
    for name, task in suite.config.tasks.items():
        records = [record for record in suite.gold if record.task == name]
        why_not = _no_form(name, task)
        if why_not:
            left_out.append(why_not)
        elif records:
            full = f"{suite.name}_{name}"
            rows = [_row(renderer, task, record) for record in records]
            lines = "".join(canonical_json(row) + "\n" for row in rows)
            write_text(out / f"{full}.jsonl", lines)
            written[full] = _task(suite, name, module, template, records)
            left_out += _unmeasured(name, task)
    if not written:
        raise ConfigError(f"{suite.file}: lm-eval has no form for it: {'; '.join(left_out)}")
    code = [_HEADER, *(task.code for task in written.values())]
    write_text(out / f"{module}.py", "\n\n".join(code))
    write_text(out / SUITE, suite.config.model_dump_json(indent=1) + "\n")
    group = out / f"{suite.name}.yaml"
    write_text(group, _yaml(_group(suite, written)))
    for full, task in written.items():
        write_text(out / f"{full}.yaml", _yaml(task.config))
    return ExportedSuite(
        group=suite.name,
        files=(group, *(out / f"{full}.yaml" for full in written)),
        left_out=tuple(left_out),
    )


def _no_form(name: str, task: TaskConfig) -> str | None:
    """Return why lm-eval cannot ask a task, or None."""
    if has_own_contexts(task):
        return f"task {name!r}: every choice has a prompt of its own"
    if task.type == "multi_turn" and task.history == "own":
        return f"task {name!r}: its dialogues go on from the model's own answers"
    if task.type == "perplexity" and not any(s.label in LM_EVALS_TEXT for s in task.metrics):
        return f"task {name!r}: none of its metrics is known to lm-eval"
    return None


def _unmeasured(name: str, task: TaskConfig) -> list[str]:
    if task.type != "perplexity":
        return []
    others = [spec.label for spec in task.metrics if spec.label not in LM_EVALS_TEXT]
    return [f"task {name!r}: lm-eval has no {label} of whole texts" for label in others]


def _row(renderer: Renderer, task: TaskConfig, record: GoldRecord) -> dict[str, object]:
    suite = renderer.suite
    if task.type == "perplexity":
        return {"id": record.id, "text": scored_text(record)}
    prompt = renderer.prompt(record)
    row: dict[str, object] = {"id": record.id, "prompt": prompt.text}
    if record.choices:
        row["choices"] = [continuation(suite, record, i) for i in range(len(record.choices))]
        row["answer"] = record.answer
    else:
        row["target"] = right_answer(suite, record)
    return {**row, "gold": canonical_json(record.model_dump(mode="json"))}


def _task(
    suite: Suite, name: str, module: str, template: ChatTemplate, records: Sequence[GoldRecord]
) -> _Written:
    task = suite.config.tasks[name]
    function = _identifier(name)
    code = [f'def {function}_data(**_):\n    return load("{suite.name}_{name}.jsonl")\n']
    config: dict[str, Any] = {
        "task": f"{suite.name}_{name}",
        "custom_dataset": _Function(f"{module}.{function}_data"),
        "test_split": "test",
        **_asked(task, template),
        "num_fewshot": 0,
        "target_delimiter": "",
    }
    if task.type == "perplexity":
        known = [spec.label for spec in task.metrics if spec.label in LM_EVALS_TEXT]
        config["metric_list"] = [_entry(label, LM_EVALS_TEXT[label], False) for label in known]
    elif _lm_eval_measures(suite, name, records):
        names = [LM_EVALS_CHOICE[spec.label] for spec in task.metrics]
        config["metric_list"] = [_entry(own, "mean", True) for own in names]
    else:
        config["process_results"] = _Function(f"{module}.{function}_results")
        config["metric_list"] = _measured(suite, name, module, code)
    config["metadata"] = {"version": suite.config.version}
    return _Written(config=config, code="\n\n".join(code))


def _asked(task: TaskConfig, template: ChatTemplate) -> dict[str, Any]:
    """Return the part of a task's YAML that says what is asked."""
    if task.type == "perplexity":
        return {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "text",
        }
    if task.type == "multiple_choice":
        return {
            "output_type": "multiple_choice",
            "doc_to_text": "prompt",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
        }
    return {
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "target",
        "generation_kwargs": {
            "until": [*task.stop, *template.stop],
            "do_sample": False,
            "temperature": 0.0,
            "max_gen_toks": task.max_tokens,
        },
    }


def _lm_eval_measures(suite: Suite, name: str, records: Sequence[GoldRecord]) -> bool:
    """Tell whether lm-eval's own metrics give the same numbers as the task's."""
    task = suite.config.tasks[name]
    labels = {spec.label for spec in task.metrics}
    if task.type != "multiple_choice" or not labels <= set(LM_EVALS_CHOICE):
        return False
    return "acc_norm" not in labels or all(
        continuation(suite, record, i) == choice
        for record in records
        for i, choice in enumerate(record.choices)
    )


def _measured(suite: Suite, name: str, module: str, code: list[str]) -> list[dict[str, Any]]:
    """Return the metric list of a task that Tunemark measures; add its functions to the code."""
    function = _identifier(name)
    code.append(
        f"def {function}_results(doc, results):\n"
        "    from harness.lmeval.exported import measure\n\n"
        f"    return measure(HERE, {name!r}, doc, results)\n"
    )
    found: list[dict[str, Any]] = []
    for number, spec in enumerate(suite.config.tasks[name].metrics):
        metric = metric_of(suite, spec)
        aggregation: str = "mean"
        if not is_mean(metric):
            aggregation = _Function(f"{module}.{function}_metric_{number}")
            code.append(
                f"def {function}_metric_{number}(items):\n"
                "    from harness.lmeval.exported import aggregate\n\n"
                f"    return aggregate(HERE, {name!r}, {spec.label!r}, items)\n"
            )
        is_higher = metric.scale.better != "lower"
        found.append(_entry(metric_name(spec.label), aggregation, is_higher))
    return found


def _entry(metric: str, aggregation: str, higher_is_better: bool) -> dict[str, Any]:
    return {
        "metric": metric,
        "aggregation": aggregation,
        "higher_is_better": higher_is_better,
    }


def _group(suite: Suite, written: Mapping[str, _Written]) -> dict[str, Any]:
    """Return the group; means over several tasks are weighted by size, as Tunemark's are."""
    lists = [task.config["metric_list"] for task in written.values()]
    means = dict.fromkeys(
        entry["metric"] for entries in lists for entry in entries if entry["aggregation"] == "mean"
    )
    found: dict[str, Any] = {"group": suite.name, "task": list(written)}
    if means:
        found["aggregate_metric_list"] = [
            {"metric": name, "aggregation": "mean", "weight_by_size": True} for name in means
        ]
    return {**found, "metadata": {"version": suite.config.version}}


class _Function(str):
    """A function's name, which YAML is to call `!function`."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes `!function`."""


_Dumper.add_representer(
    _Function, lambda dumper, value: dumper.represent_scalar("!function", str(value))
)


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _identifier(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name)
