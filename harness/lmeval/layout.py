"""Write runs in lm-eval's layout: OUT/<model>/results_<time>.json and samples_<task>_<time>.jsonl.

lm-eval's own tracker writes the files, so that its tools read them. Runs on lm-eval tasks are
measured by lm-eval from the stored answers; runs on our suites bring our measurements.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, StoreError
from harness.lmeval.engine_lm import EngineLM, Reading
from harness.lmeval.exported import is_mean, metric_name
from harness.lmeval.responses import read_responses
from harness.lmeval.tasks import evaluate, installed_version, load_tasks
from harness.metrics.build import metric_of
from harness.prompts import Renderer, continuation, right_answer
from harness.scoring import Scores, refuse_other_gold, score_run
from harness.store import RunFolder
from harness.suite import Suite, load_suite
from harness.types import Completion, GoldRecord

FILTER = "none"
"""Name of lm-eval's filter that changes nothing."""
BOOTSTRAP_DRAWS = 1000
"""For lm-eval's own standard errors, where it has no formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run and what it answered."""

    folder: RunFolder
    suite: Suite

    @property
    def configuration(self) -> str:
        """Its name."""
        return str(self.folder.manifest["provenance"].get("configuration", self.folder.path.name))

    @property
    def model(self) -> str:
        """Name of the base model."""
        return str(self.folder.manifest["provenance"].get("model", "model"))


def write_results(run: StoredRun, out: Path, reading: Reading) -> list[Path]:
    """Write a run in lm-eval's layout and return the files, results first.

    Args:
        run: What to write.
        out: Folder above the model's.
        reading: Tokenizer and template of the model: the prompts are rendered again.

    Raises:
        IncomparableError: the run answered another gold set.
        StoreError: the run is incomplete, or the files cannot be written.
    """
    installed_version()
    refuse_other_gold(run.folder, run.suite)
    done = run.folder.completions()
    missing = [record.id for record in run.suite.gold if record.id not in done]
    if missing:
        raise StoreError(
            f"{run.folder.path}: {len(missing)} of {len(run.suite.gold)} items have no "
            "completion; run it to the end first"
        )
    is_lm_evals = run.suite.config.lm_eval is not None
    results = _asked_by_lm_eval(run, reading) if is_lm_evals else _own(run, reading, done)
    return _write(run, results, out, reading)


def run_of(folder: Path, suite: Suite | None) -> StoredRun:
    """Return a run with its suite; that of an lm-eval task is found beside the run.

    Raises:
        ConfigError: the suite must be named.
        StoreError: this is no run folder.
    """
    run = RunFolder(path=folder)
    identity = run.manifest["identity"]
    if suite is None:
        for file in sorted(folder.resolve().parent.glob("suite-*/suite.yaml")):
            found = load_suite(file)
            if all(identity.get(key) == value for key, value in found.identity().items()):
                return StoredRun(folder=run, suite=found)
        raise ConfigError(f"{folder}: give the run's suite: --suite FOLDER")
    return StoredRun(folder=run, suite=suite)


def _asked_by_lm_eval(run: StoredRun, reading: Reading) -> dict[str, Any]:
    origin = run.suite.config.lm_eval
    assert origin is not None, f"{run.suite.name} was not made from an lm-eval task"
    loaded = load_tasks(origin.task, origin.options)
    lm = EngineLM(None, reading, responses=read_responses(run.folder.path))
    return dict(evaluate(loaded, lm, bootstrap_draws=BOOTSTRAP_DRAWS))


def _own(run: StoredRun, reading: Reading, done: Mapping[str, Completion]) -> dict[str, Any]:
    suite = run.suite
    scores = score_run(run.folder, suite, run.configuration)
    names = {name: f"{suite.name}_{name}" for name in suite.config.tasks}
    used = [name for name in names if any(record.task == name for record in suite.gold)]
    by_task = {name: [r for r in suite.gold if r.task == name] for name in used}
    found: dict[str, Any] = {
        "results": {names[name]: _values(scores, name, names[name]) for name in used},
        "group_subtasks": {suite.name: [names[name] for name in used]},
        "configs": {names[name]: _config(suite, name, names[name]) for name in used},
        "versions": {names[name]: suite.config.version for name in used},
        "n-shot": {names[name]: suite.config.tasks[name].shots for name in used},
        "higher_is_better": {names[name]: _directions(suite, name) for name in used},
        "n-samples": {
            names[name]: {"original": len(by_task[name]), "effective": len(by_task[name])}
            for name in used
        },
    }
    found["results"][suite.name] = {"name": suite.name, "alias": suite.name, **_means(scores)}
    found["groups"] = {suite.name: found["results"][suite.name]}
    renderer = Renderer(suite=suite, template=reading.template, tokenizer=reading.tokenizer)
    found["samples"] = {
        names[name]: [
            _sample(renderer, record, number, done[record.id], scores)
            for number, record in enumerate(by_task[name])
        ]
        for name in used
    }
    return found


def _values(scores: Sequence[Scores], task: str, full: str) -> dict[str, Any]:
    """Return a task's values and standard errors, under lm-eval's keys."""
    found: dict[str, Any] = {"name": full, "alias": full}
    n_items = 0
    for score in scores:
        ids = [r.id for r in score.planned if r.task == task and r.id in score.stats]
        if not ids:
            continue
        n_items = max(n_items, len(ids))
        matrix = score.matrix(ids)
        name = metric_name(score.metric.name)
        found[f"{name},{FILTER}"] = float(score.metric.reduce(matrix.sum(axis=0)))
        error: float | str = "N/A"
        if is_mean(score.metric) and len(ids) > 1:
            values = score.metric.reduce(matrix).tolist()
            error = statistics.stdev(values) / math.sqrt(len(ids))
        found[f"{name}_stderr,{FILTER}"] = error
    return {**found, "sample_len": n_items}


def _means(scores: Sequence[Scores]) -> dict[str, Any]:
    """Return the values over all tasks."""
    return {
        f"{metric_name(score.metric.name)},{FILTER}": score.value()
        for score in scores
        if score.stats
    }


def _directions(suite: Suite, task: str) -> dict[str, bool | None]:
    which = {"higher": True, "lower": False, "neither": None}
    return {
        metric_name(spec.label): which[metric_of(suite, spec).scale.better]
        for spec in suite.config.tasks[task].metrics
    }


def _config(suite: Suite, name: str, full: str) -> dict[str, Any]:
    task = suite.config.tasks[name]
    kind = {"multiple_choice": "multiple_choice", "perplexity": "loglikelihood_rolling"}
    return {
        "task": full,
        "output_type": kind.get(task.type, "generate_until"),
        "doc_to_text": task.prompt,
        "num_fewshot": task.shots,
        "generation_kwargs": {"until": list(task.stop), "max_gen_toks": task.max_tokens},
        "metric_list": [{"metric": metric_name(spec.label)} for spec in task.metrics],
        "metadata": {"version": suite.config.version, "gold": suite.gold_digest},
    }


def _sample(
    renderer: Renderer,
    record: GoldRecord,
    number: int,
    completion: Completion,
    scores: Sequence[Scores],
) -> dict[str, Any]:
    """Return an item as lm-eval logs it."""
    from lm_eval.utils import hash_string

    prompt = renderer.prompt(record)
    arguments, responses = _exchanges(renderer, record, prompt.text, completion)
    target = right_answer(renderer.suite, record)
    document = record.model_dump(mode="json")
    values = {
        metric_name(score.metric.name): score.item_scores()[record.id]
        for score in scores
        if record.id in score.stats
    }
    return {
        "doc_id": number,
        "doc": document,
        "target": target,
        "arguments": arguments,
        "resps": [[response] for response in responses],
        "filtered_resps": responses,
        "filter": FILTER,
        "metrics": list(values),
        "doc_hash": hash_string(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": hash_string(prompt.text),
        "target_hash": hash_string(target),
        **values,
    }


def _exchanges(
    renderer: Renderer, record: GoldRecord, prompt: str, completion: Completion
) -> tuple[list[tuple[Any, ...]], list[Any]]:
    """Return lm-eval's arguments and responses of an item.

    Whether a choice is what greedy decoding gives is not stored: None stands there.
    """
    logprobs = completion.choice_logprobs
    if logprobs is None:
        task = renderer.suite.config.tasks[record.task]
        stops = [*task.stop, *renderer.template.stop]
        return [(prompt, {"until": stops, "max_gen_toks": task.max_tokens})], [completion.text]
    if not record.choices:
        return [(prompt,)], [sum(logprobs)]
    texts = [continuation(renderer.suite, record, i) for i in range(len(record.choices))]
    return [(prompt, text) for text in texts], [(logprob, None) for logprob in logprobs]


def _write(run: StoredRun, results: dict[str, Any], out: Path, reading: Reading) -> list[Path]:
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.loggers.utils import get_git_commit_hash

    samples = results.pop("samples")
    adapter = run.folder.manifest["provenance"].get("adapter")
    arguments = {"pretrained": run.model, **({"peft": run.configuration} if adapter else {})}
    tracker: Any = EvaluationTracker(output_path=str(out))
    tracker.general_config_tracker.log_experiment_args(
        model_source="tunemark",
        model_args=arguments,
        system_instruction=run.suite.config.system,
        chat_template=reading.template.source,
        fewshot_as_multiturn=True,
    )
    results |= {
        "config": {
            "model": f"tunemark-{reading.engine}",
            "model_args": arguments,
            "model_dtype": str(run.folder.manifest["identity"].get("dtype")),
            "batch_size": None,
            "gen_kwargs": None,
            "limit": None,
        },
        "git_hash": get_git_commit_hash(),
        "date": time.time(),
        "lm_eval_version": installed_version(),
        "tunemark": dict(run.folder.manifest),
    }
    tracker.save_results_aggregated(results=results, samples=samples)
    for name, rows in samples.items():
        tracker.save_results_samples(task_name=name, samples=rows)
    folder = out / str(tracker.general_config_tracker.model_name_sanitized)
    files = [folder / f"results_{tracker.date_id}.json"]
    files += [folder / f"samples_{name}_{tracker.date_id}.jsonl" for name in samples]
    unwritten = [str(file) for file in files if not file.is_file()]
    if unwritten:  # lm-eval's tracker only warns
        raise StoreError(f"{unwritten[0]}: cannot be written")
    return files
