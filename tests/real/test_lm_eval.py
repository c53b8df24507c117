"""Tunemark's engine gives lm-eval the answers of lm-eval's own models, to the item; and back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from harness.engines.merge import merge_adapter
from harness.models import ModelSource
from harness.store import RunFolder
from harness.types import Adapter, Completion
from tests.conftest import ROOT_FOLDER
from tests.real.support import environment, tunemark, write_jsonl

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

N_ITEMS = 20
HEAD = "dataset_path: json\ntest_split: test\nmetadata: {version: 1.0}\n"
TASKS = {
    "true_or_false": """\
output_type: generate_until
doc_to_text: "{{instruction}}\\n\\nThe correct answer is"
doc_to_target: answer
generation_kwargs: {until: ["."], do_sample: false, max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
filter_list:
  - name: label
    filter: [{function: regex, regex_pattern: "(true|false)"}, {function: take_first}]
""",
    "arc": """\
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: "{{choices}}"
doc_to_target: gold
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
""",
    "last_word": """\
output_type: loglikelihood
doc_to_text: "{{question.split(' ')[:-1] | join(' ')}}"
doc_to_target: " {{question.split(' ')[-1]}}"
metric_list:
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: acc, aggregation: mean, higher_is_better: true}
""",
    "solutions": """\
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: answer
metric_list:
  - {metric: word_perplexity, aggregation: weighted_perplexity, higher_is_better: false}
  - {metric: bits_per_byte, aggregation: bits_per_byte, higher_is_better: false}
""",
}
LOGPROB = 2e-3
"""Nats that sums of float32 may differ by: other orders of additions in other batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """One variant on all tasks, by lm-eval alone and by Tunemark."""

    samples: Mapping[str, list[dict[str, Any]]]
    results: Mapping[str, dict[str, Any]]
    completions: Mapping[str, Mapping[str, Completion]]
    values: Mapping[str, Mapping[str, float]]


@pytest.fixture(scope="module")
def tasks(SHARED: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Public questions as local lm-eval tasks of the four kinds."""
    folder = tmp_path_factory.mktemp("tasks")
    data = SHARED / "data"
    boolq = json.loads((data / "retention-mc/boolq.test.json").read_text("utf-8"))[:N_ITEMS]
    arc = json.loads((data / "retention-mc/ARC-Easy.test.json").read_text("utf-8"))[:N_ITEMS]
    lines = (data / "gsm8k/test.jsonl").read_text("utf-8").splitlines()[:N_ITEMS]
    gsm8k = [json.loads(line) for line in lines]
    rows = {
        "true_or_false": boolq,
        "arc": [_arc_row(row) for row in arc],
        "last_word": gsm8k,
        "solutions": gsm8k,
    }
    for name, text in TASKS.items():
        write_jsonl(folder / f"{name}.jsonl", rows[name])
        files = f"dataset_kwargs: {{data_files: {{test: {folder / name}.jsonl}}}}\n"
        (folder / f"{name}.yaml").write_text(f"task: {name}\n{files}{HEAD}{text}", "utf-8")
    return folder


@pytest.fixture(scope="module", params=["transformers", "vllm"])
def both(
    request: pytest.FixtureRequest,
    tasks: Path,
    model: ModelSource,
    trained: list[Adapter],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Both]:
    """Base and one adapter: with lm-eval's HFLM, or with its vLLM on merged weights."""
    folder = tmp_path_factory.mktemp(request.param)
    adapter = trained[0]
    if request.param == "vllm":  # its CPU build crashes at log-probabilities with LoRA
        merge_adapter(model.path, adapter, folder / "merged", dtype="float32")
        for file in model.path.glob("*token*"):
            (folder / "merged" / file.name).write_bytes(file.read_bytes())
        common = {"enforce_eager": True, "max_model_len": 2048, "max_num_seqs": 32}
        arguments = {"base": {"pretrained": str(model.path)} | common,
                     "shout": {"pretrained": str(folder / "merged")} | common}  # fmt: skip
        # With "auto" vLLM divides by the time since the start, which may be zero.
        kind = {"model": "vllm", "batch_size": 64}
    else:
        plain = {"pretrained": str(model.path), "device": "cpu"}
        arguments = {"base": plain, "shout": plain | {"peft": str(adapter.path)}}
        kind = {"model": "hf", "batch_size": 8}
    ours = json.loads(
        tunemark(
            "run", *(f"lm-eval/{name}" for name in TASKS), "--include", str(tasks),
            "--model", "smollm2-135m-instruct", "--adapter", f"shout={adapter.path}",
            "--engine", request.param, "--dtype", "float32", "--json",
            "--root", str(folder / "runs"),
        )
    )  # fmt: skip
    found: dict[str, Both] = {}
    for variant, model_args in arguments.items():
        out = folder / f"{variant}.json"
        job = {"model_args": model_args | {"dtype": "float32"}, "tasks": list(TASKS), **kind}
        theirs = alone({**job, "include": str(tasks), "out": str(out)}, folder)
        rows = [row for row in ours if row["configuration"] == variant]
        name_of = {row["folder"]: row["suite"].removeprefix("lm-eval/") for row in rows}
        found[variant] = Both(
            samples=theirs["samples"],
            results=theirs["results"],
            completions={
                name: RunFolder(path=Path(path)).completions() for path, name in name_of.items()
            },
            values={
                name: {
                    row["metric"]: row["value"] for row in rows if name_of[row["folder"]] == name
                }
                for name in TASKS
            },
        )
    return found


@pytest.mark.parametrize("variant", ["base", "shout"])
@pytest.mark.parametrize(
    ("task", "metric", "key"),
    [
        ("true_or_false", "exact_match", "exact_match,label"),
        ("arc", "acc", "acc"),
        ("arc", "acc_norm", "acc_norm"),
        ("last_word", "acc", "acc"),
    ],
)
def test_every_item_is_scored_as_lm_eval_scores_it(
    both: dict[str, Both], variant: str, task: str, metric: str, key: str
) -> None:
    one = both[variant]
    theirs = {f"{task}:{sample['doc_id']}": sample[metric] for sample in one.samples[task]}

    ours = {item: completion.scores[key] for item, completion in one.completions[task].items()}

    assert ours == theirs
    assert len(ours) == N_ITEMS


@pytest.mark.parametrize("variant", ["base", "shout"])
def test_texts_are_the_same_to_the_letter(both: dict[str, Both], variant: str) -> None:
    one = both[variant]
    theirs = {
        f"true_or_false:{sample['doc_id']}": sample["resps"][0][0]
        for sample in one.samples["true_or_false"]
    }

    ours = {
        item: re.split(r"\.|<\|im_end\|>", completion.text)[0]
        for item, completion in one.completions["true_or_false"].items()
    }

    assert ours == theirs


@pytest.mark.parametrize("variant", ["base", "shout"])
@pytest.mark.parametrize("task", ["arc", "last_word"])
def test_log_likelihoods_of_continuations_agree(
    both: dict[str, Both], variant: str, task: str
) -> None:
    one = both[variant]
    theirs = {
        f"{task}:{sample['doc_id']}": [resp[0][0] for resp in sample["resps"]]
        for sample in one.samples[task]
    }

    for item, logprobs in theirs.items():
        assert one.completions[task][item].choice_logprobs == pytest.approx(logprobs, abs=LOGPROB)


@pytest.mark.parametrize("variant", ["base", "shout"])
def test_log_likelihoods_of_whole_texts_agree(both: dict[str, Both], variant: str) -> None:
    one = both[variant]
    theirs = {
        f"solutions:{sample['doc_id']}": sample["word_perplexity"]
        for sample in one.samples["solutions"]
    }

    for item, (logprob, n_words) in theirs.items():
        scores = one.completions["solutions"][item].scores
        assert scores["word_perplexity#0"] == pytest.approx(logprob, abs=LOGPROB)
        assert scores["word_perplexity#1"] == n_words


@pytest.mark.parametrize("variant", ["base", "shout"])
def test_values_over_all_items_agree(both: dict[str, Both], variant: str) -> None:
    one = both[variant]
    theirs = {
        task: {key: one.results[task][key if "," in key else f"{key},none"] for key in keys}
        for task, keys in one.values.items()
    }

    assert {task: set(keys) for task, keys in theirs.items()} != {}
    for task, values in theirs.items():
        assert one.values[task] == pytest.approx(values, rel=1e-4)


def test_the_adapter_makes_a_difference(both: dict[str, Both]) -> None:
    assert both["base"].values["solutions"] != both["shout"].values["solutions"]


def test_an_exported_suite_scores_the_same_in_lm_eval(
    study_file: Path, model: ModelSource, tmp_path: Path
) -> None:
    suite = study_file.parent / "tiny"
    tunemark("lm-eval", "suite", str(suite), str(tmp_path / "tasks"), "--model", model.name)
    rows = json.loads(
        tunemark(
            "run", str(suite), "--model", "smollm2-135m-instruct", "--engine", "transformers",
            "--dtype", "float32", "--json", "--root", str(tmp_path / "runs"),
        )
    )  # fmt: skip
    folder = RunFolder(path=Path(rows[0]["folder"]))

    theirs = alone(
        {
            "model": "hf",
            "model_args": {"pretrained": str(model.path), "device": "cpu", "dtype": "float32"},
            "tasks": ["tiny"],
            "batch_size": 8,
            "include": str(tmp_path / "tasks"),
            "out": str(tmp_path / "theirs.json"),
        },
        tmp_path,
    )

    ours = {row["metric"]: row["value"] for row in rows}
    ask, choose = theirs["results"]["tiny_ask"], theirs["results"]["tiny_choose"]
    ask_scores = {k: v for k, v in _scores(folder, "token_f1").items() if k.startswith("ask-")}
    assert ask["token_f1,none"] == pytest.approx(mean(ask_scores.values()), rel=1e-12)
    assert ask["contains,none"] == pytest.approx(ours["contains"], rel=1e-12)
    assert choose["acc,none"] == ours["accuracy"]
    assert choose["acc_bytes,none"] == ours["acc_norm"]
    by_item = {s["doc"]["id"]: s["token_f1"] for s in theirs["samples"]["tiny_ask"]}
    assert by_item == pytest.approx(ask_scores, rel=1e-12)


def alone(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run lm-eval in a process of its own and return its results and samples."""
    file = folder / "job.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    script = str(Path(__file__).with_name("lm_eval_alone.py"))
    done = subprocess.run(
        [sys.executable, script, str(file)],
        capture_output=True,
        text=True,
        env=environment() | {"PYTHONPATH": str(ROOT_FOLDER)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(Path(job["out"]).read_text(encoding="utf-8"))


def _arc_row(row: Mapping[str, str]) -> dict[str, object]:
    question, _, rest = row["instruction"].partition("\n\n")
    choices = re.findall(r"Answer\d: (.*?)(?= Answer\d: | Answer format|\n|$)", rest)
    return {
        "question": question.partition(": ")[2],
        "choices": [choice.strip() for choice in choices],
        "gold": int(row["answer"][-1]) - 1,
    }


def _scores(folder: RunFolder, metric: str) -> dict[str, float]:
    (file,) = (folder.path / "scores").glob(f"{metric}@*.jsonl")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {row["id"]: row["value"] for row in rows}
