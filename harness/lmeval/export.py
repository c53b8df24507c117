"""Write a suite of ours as lm-eval tasks: YAML, data and the few lines of Python that tie them.

    OUT/<suite>.yaml                 a group of all tasks
    OUT/<suite>_<task>.yaml, .jsonl  one task each, its prompts rendered
    OUT/<suite>_tunemark.py          loads the data from beside itself, and measures
    OUT/suite.json                   the suite's metrics

Multiple choice with accuracy and acc_norm only needs lm-eval's own `acc` and `acc_bytes`; all else
is measured by Tunemark's metrics, which must then be installed beside lm-eval.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.digest import canonical_json
from harness.errors import ConfigError
from harness.lmeval.exported import SUITE, is_mean, metric_name
from harness.metrics.build import metric_of
from harness.prompts import conversation, right_answer
from harness.store import write_text
from harness.suite import Suite, TaskConfig
from harness.templates import ChatTemplate, render

OWN_NAMES: Mapping[str, str] = {"accuracy": "acc", "acc_norm": "acc_bytes"}
"""Metrics of ours that lm-eval has under another name."""
_HEADER = '''\
"""Written by `tunemark lm-eval suite`: data and measuring for the lm-eval tasks beside it."""

from pathlib import Path

HERE = Path(__file__).resolve().parent


def load(file):
    from datasets import load_dataset

    return load_dataset("json", data_files={"test": str(HERE / file)})
'''


def export_suite(suite: Suite, out: Path, template: ChatTemplate, tokenizer: Any) -> list[Path]:
    """Write the tasks and return the YAML files, the group first.

    Args:
        suite: What to export.
        out: Folder, made if absent; give it to lm_eval as --include_path.
        template: Lays the prompts out.
        tokenizer: Of the model that will answer: the prompts hold its special tokens.

    Raises:
        ConfigError: the suite itself was made from an lm-eval task.
    """
    if suite.config.lm_eval is not None:
        raise ConfigError(f"{suite.file}: this suite is an lm-eval task already")
    module = f"{_identifier(suite.name)}_tunemark"
    python = [_HEADER]
    files: list[Path] = []
    for name, task in suite.config.tasks.items():
        full = f"{suite.name}_{name}"
        rows = [
            {
                "id": record.id,
                "prompt": render(
                    template, conversation(suite, record), tokenizer, for_answer=True
                ),
                "target": right_answer(record),
                "choices": list(record.choices),
                "answer": -1 if record.answer is None else record.answer,
                "gold": canonical_json(record.model_dump(mode="json")),
            }
            for record in suite.gold
            if record.task == name
        ]
        if not rows:
            continue
        write_text(out / f"{full}.jsonl", "".join(canonical_json(row) + "\n" for row in rows))
        config, code = _task(suite, name, task, module, template)
        python.append(code)
        files.append(out / f"{full}.yaml")
        write_text(files[-1], _yaml(config))
    write_text(out / f"{module}.py", "\n\n".join(python))
    write_text(out / SUITE, suite.config.model_dump_json(indent=1) + "\n")
    group = out / f"{suite.name}.yaml"
    write_text(group, _yaml(_group(suite, [file.stem for file in files])))
    return [group, *files]


def _task(
    suite: Suite, name: str, task: TaskConfig, module: str, template: ChatTemplate
) -> tuple[dict[str, Any], str]:
    """Return a task's YAML value and its part of the Python file."""
    function = _identifier(name)
    code = [f'def {function}_data(**_):\n    return load("{suite.name}_{name}.jsonl")\n']
    is_choice = task.type == "multiple_choice"
    config: dict[str, Any] = {
        "task": f"{suite.name}_{name}",
        "custom_dataset": _Function(f"{module}.{function}_data"),
        "test_split": "test",
        "output_type": "multiple_choice" if is_choice else "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer" if is_choice else "target",
        "num_fewshot": 0,
        "target_delimiter": "",
    }
    if is_choice:
        config["doc_to_choice"] = "choices"
    else:
        config["generation_kwargs"] = {
            "until": [*task.stop, *template.stop],
            "do_sample": False,
            "temperature": 0.0,
            "max_gen_toks": task.max_tokens,
        }
    if is_choice and all(spec.label in OWN_NAMES for spec in task.metrics):
        config["metric_list"] = [
            {"metric": OWN_NAMES[spec.label], "aggregation": "mean", "higher_is_better": True}
            for spec in task.metrics
        ]
    else:
        config["process_results"] = _Function(f"{module}.{function}_results")
        config["metric_list"] = _measured(suite, name, task, module, code)
    config["metadata"] = {"version": suite.config.version}
    return config, "\n\n".join(code)


def _measured(
    suite: Suite, name: str, task: TaskConfig, module: str, code: list[str]
) -> list[dict[str, Any]]:
    """Return the metric list of a task that Tunemark measures; add its functions to the code."""
    function = _identifier(name)
    code.append(
        f"def {function}_results(doc, results):\n"
        "    from harness.lmeval.exported import measure\n\n"
        f"    return measure(HERE, {name!r}, doc, results)\n"
    )
    found: list[dict[str, Any]] = []
    for number, spec in enumerate(task.metrics):
        metric = metric_of(suite, spec)
        aggregation: str | _Function = "mean"
        if not is_mean(metric):
            aggregation = _Function(f"{module}.{function}_metric_{number}")
            code.append(
                f"def {function}_metric_{number}(items):\n"
                "    from harness.lmeval.exported import aggregate\n\n"
                f"    return aggregate(HERE, {name!r}, {spec.label!r}, items)\n"
            )
        found.append(
            {
                "metric": metric_name(spec.label),
                "aggregation": aggregation,
                "higher_is_better": metric.scale.better == "higher",
            }
        )
    return found


def _group(suite: Suite, tasks: list[str]) -> dict[str, Any]:
    """Return the group; means over several tasks are weighted by size, as Tunemark's are."""
    shared = [spec for spec in suite.metric_specs() if is_mean(metric_of(suite, spec))]
    names = {
        metric_name(OWN_NAMES.get(spec.label, spec.label) if _is_lm_evals(suite, spec.label) else spec.label)
        for spec in shared
    }
    return {
        "group": suite.name,
        "task": tasks,
        "aggregate_metric_list": [
            {"metric": name, "aggregation": "mean", "weight_by_size": True}
            for name in sorted(names)
        ],
        "metadata": {"version": suite.config.version},
    }


def _is_lm_evals(suite: Suite, label: str) -> bool:
    """Whether every task with this metric leaves the measuring to lm-eval."""
    return all(
        task.type == "multiple_choice" and all(spec.label in OWN_NAMES for spec in task.metrics)
        for task in suite.config.tasks.values()
        if any(spec.label == label for spec in task.metrics)
    )


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
    return re.sub(r"\W", "_", name)
