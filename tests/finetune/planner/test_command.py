"""`tunemark plan`: files in, tables and JSON out; what a training predicted beside what it took."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.planner.runs import history, largest_micro_batch, predict, record_prediction
from harness import cli
from harness.errors import StoreError
from harness.machine import GIB
from harness.store import write_json
from tests.finetune.planner.configs import CONFIGS, model
from tests.finetune.support import Maker
from tests.harness.cli.support import Done

TRAIN = "method: qlora\ngradient_checkpointing: true\nmax_tokens: 1024\nmicro_batch: 2\nlora: {r: 8, alpha: 16}\n"
STUDY = """\
name: planned
model: {model}
suites: [{{path: nowhere}}]
primary: [{{suite: nowhere, metric: token_f1}}]
train: {{data: rows.jsonl, epochs: 9}}
configurations:
  - {{name: small, train: {{lora: {{r: 4, alpha: 8}}}}}}
  - {{name: large, train: {{lora: {{r: 64, alpha: 128}}}}}}
  - {{name: made-elsewhere, adapter: somewhere}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIGS["Llama-3-8B"]), encoding="utf-8")
    return file


@pytest.fixture
def tunemark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["tunemark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


def written(folder: Path, text: str, name: str = "train.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_training_file_is_planned_from_configs_alone(
    tunemark: Callable[..., Done], config: Path, tmp_path: Path
) -> None:
    train = written(tmp_path, TRAIN)

    done = tunemark("plan", "--model-config", config, "--train", train, "--gpu", "24GiB", "--json")

    plan = json.loads(done.out)
    assert done.code == 0, done.err
    assert plan["model"]["parameters"] == 8_030_261_248
    assert plan["model"]["kv_bytes_per_token"] == 131_072
    assert plan["training"]["trained_parameters"] == 20_971_520
    assert plan["training"]["weights"] == "nf4-double"
    memory = plan["memory"]
    total = sum(memory["components"].values())
    assert memory["expected_bytes"] == pytest.approx(total, abs=20)
    assert memory["low_bytes"] < memory["expected_bytes"] < memory["high_bytes"]
    assert plan["gpu"]["fits"] is True
    assert plan["gpu"]["longest_sequence"] > 1024
    assert plan["ladder"][0] == plan["largest_lever"]
    assert plan["serving"]["tokens"] > 0


def test_the_text_tells_components_lever_fit_and_lints(
    tunemark: Callable[..., Done], config: Path, tmp_path: Path
) -> None:
    train = written(tmp_path, "epochs: 9\nmax_tokens: 2048\nmicro_batch: 8\n")

    done = tunemark("plan", "--model-config", config, "--train", train, "--gpu", "A100-40G")

    assert done.code == 0, done.err
    for words in ("8,030,261,248 parameters", "activations", "Largest lever: micro_batch 8 → 1",
                  "does NOT fit 39.5 GiB", "note: 9 epochs", "InstructGPT"):  # fmt: skip
        assert words in done.out


def test_every_trained_configuration_of_a_study_is_planned(
    tunemark: Callable[..., Done], config: Path, tmp_path: Path
) -> None:
    study = written(tmp_path, STUDY.format(model="org/name"), "study.yaml")

    done = tunemark("plan", study, "--model-config", config, "--json")

    plans = json.loads(done.out)
    assert [(p["name"], p["training"]["rank"]) for p in plans] == [("small", 4), ("large", 64)]
    assert {f["lint"] for f in plans[0]["findings"]} == {"epochs", "mix", "rank"}


def test_a_studys_own_model_is_read_where_it_lies(
    tunemark: Callable[..., Done], model_folder: Path, tmp_path: Path
) -> None:
    study = written(tmp_path, STUDY.format(model=model_folder), "study.yaml")

    assert "llama" in tunemark("plan", study).out


def test_more_devices_and_stages_take_less_each(
    tunemark: Callable[..., Done], config: Path, tmp_path: Path
) -> None:
    train = written(tmp_path, "method: full\nmicro_batch: 1\n")

    def expected(*options: object) -> int:
        done = tunemark("plan", "--model-config", config, "--train", train, "--json", *options)
        return json.loads(done.out)["memory"]["expected_bytes"]

    sizes = [expected("--gpus", 8, "--zero", stage) for stage in (1, 2, 3)]
    assert sizes == sorted(sizes, reverse=True)
    assert expected("--gpus", 8, "--fsdp") == sizes[-1]


def test_accumulation_changes_nothing(
    tunemark: Callable[..., Done], config: Path, tmp_path: Path
) -> None:
    def memory(batch: int) -> Any:
        train = written(tmp_path, f"batch: {batch}\nmicro_batch: 2\n")
        done = tunemark("plan", "--model-config", config, "--train", train, "--json")
        return json.loads(done.out)["memory"]

    assert memory(2) == memory(64)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("max_tokens: 0\n", (), "max_tokens"),
        ("lora: {targets: [q_prok]}\n", (), "no layer 'q_prok'"),
        ("optimiser: adamw\n", (), "unknown key 'optimiser'"),
        ("- a\n", (), "expected `key: value` lines"),
        ("a: [\n", (), "not valid YAML"),
        ("{}\n", ("--gpu", "A1000"), "no such GPU"),
        ("{}\n", ("--stack", "unslot"), "unknown stack"),
        ("{}\n", ("--zero", "1", "--fsdp"), "--fsdp divides everything"),
    ],
)
def test_wrong_input_is_told_in_one_message(
    text: str,
    options: tuple[str, ...],
    message: str,
    tunemark: Callable[..., Done],
    config: Path,
    tmp_path: Path,
) -> None:
    train = written(tmp_path, text)

    done = tunemark("plan", "--model-config", config, "--train", train, *options)

    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert "Traceback" not in done.err


def test_a_model_that_is_not_here_is_not_fetched(
    tunemark: Callable[..., Done], tmp_path: Path
) -> None:
    train = written(tmp_path, "model: no-such-org/no-such-model\n")

    done = tunemark("plan", train)

    assert done.code == 2
    assert "planning fetches nothing" in done.err


def test_without_a_file_the_command_says_what_it_wants(tunemark: Callable[..., Done]) -> None:
    done = tunemark("plan")

    assert (done.code, done.out) == (2, "")
    assert "give a study or a training file" in done.err


def test_a_prediction_is_written_and_shown_beside_the_measurement(
    tunemark: Callable[..., Done], model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "train" / "small-0123"
    train = {"micro_batch": 2, "batch": 2, "max_tokens": 64, "lora": {"r": 4}}
    record_prediction(folder, model_folder, train, on_cpu=True, longest=33, loss_share=0.5)
    expected = predict(model_folder, train, on_cpu=True, longest=33, loss_share=0.5).expected
    write_json(folder / "summary.json", {"peak_bytes": int(2 * expected)})

    past = history(tmp_path)
    done = tunemark("plan", "--history", tmp_path, "--json")

    assert [run.name for run in past] == ["small-0123"]
    assert past[0].error == pytest.approx(-0.5, abs=1e-6)
    assert json.loads(done.out)[0]["predicted_bytes"] == round(expected)
    assert "0 of 1 within the range" in tunemark("plan", "--history", tmp_path).out


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_the_largest_micro_batch_fits_and_one_row_more_does_not(stage: str, tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", CONFIGS["SmolLM2-135M"])
    known: Any = {"on_cpu": True, "longest": 200, "loss_share": 0.5}

    n = largest_micro_batch(tmp_path, {"stage": stage}, 8 * GIB, **known)

    def high(rows: int) -> float:
        train = {"stage": stage, "micro_batch": rows, "batch": rows}
        return predict(tmp_path, train, **known).high

    assert n > 4
    assert high(n) <= 8 * GIB < high(n + 1)


def test_a_training_that_has_not_ended_is_no_history(model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "train" / "running-0123"
    record_prediction(folder, model_folder, {}, on_cpu=True, longest=33, loss_share=0.5)

    with pytest.raises(StoreError, match="no finished training"):
        history(tmp_path)


def test_a_model_that_cannot_be_counted_gets_no_prediction(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}', encoding="utf-8")

    record_prediction(tmp_path, tmp_path, {}, on_cpu=True, longest=8, loss_share=1.0)

    assert not (tmp_path / "memory.json").exists()


def test_the_trainer_predicts_before_it_trains(make: Maker) -> None:
    from finetune.job import load_job
    from finetune.trainer import train

    planned = make(epochs=1)
    planned.prepare()
    train(load_job(planned.folder.path), progress=lambda done, n, loss: None)

    (past,) = history(planned.folder.root)
    assert past.predicted > 0
    assert past.measured == planned.summary()["peak_bytes"]


def test_the_range_of_a_known_model_is_around_its_expectation(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", CONFIGS["SmolLM2-135M"])

    memory = predict(tmp_path, {}, on_cpu=True)
    assert memory.low < memory.expected < memory.high
    assert memory.of("weights") == 2 * model("SmolLM2-135M").n_parameters
