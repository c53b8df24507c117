from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, InputError
from harness.lmeval import materialise
from harness.lmeval.materialise import lm_eval_suite, suite_name
from harness.metrics.build import suite_metrics
from harness.suite import LmEvalOptions, Suite, load_suite
from tests.harness.lmeval.conftest import N_ITEMS


def make(task: str, folder: Path, root: Path, **options: Any) -> Suite:
    return lm_eval_suite(f"lm-eval/{task}", root, LmEvalOptions(include=str(folder), **options))


def test_documents_become_gold_items(tasks: Path, tmp_path: Path) -> None:
    suite = make("choose", tasks, tmp_path / "runs")

    first = suite.gold[0]
    assert suite.name == "lm-eval/choose"
    assert len(suite.gold) == N_ITEMS
    assert (first.id, first.input) == ("choose:0", "The capital of France is")
    assert (first.choices, first.answer) == (("Paris", "Sydney"), 0)


def test_metrics_keep_their_names_directions_and_filters(tasks: Path, tmp_path: Path) -> None:
    suite = make("write", tasks, tmp_path / "runs")

    metrics = {metric.name: metric for metric in suite_metrics(suite)}
    assert list(metrics) == [
        "exact_match,first", "exact_match,whole", "bleu,first", "bleu,whole",
    ]  # fmt: skip
    assert metrics["exact_match,first"].scale.is_binary
    assert "filter:first|agg:mean" in metrics["exact_match,first"].signature
    assert metrics["bleu,whole"].scale.high == 100


def test_a_lower_score_can_be_the_better_one(tasks: Path, tmp_path: Path) -> None:
    suite = make("choose", tasks, tmp_path / "runs")

    scales = {metric.name: metric.scale for metric in suite_metrics(suite)}
    assert (scales["acc"].better, scales["brier_score"].better) == ("higher", "lower")


def test_a_group_is_one_suite_with_a_slice_per_task(tasks: Path, tmp_path: Path) -> None:
    suite = make("both", tasks, tmp_path / "runs", limit=2)

    assert [record.id for record in suite.gold] == [
        "choose:0", "choose:1", "finish:0", "finish:1",
    ]  # fmt: skip
    assert suite.config.version == "2"
    assert suite.gold[3].slices == {"task": "finish"}


def test_equal_names_of_different_measurements_are_told_apart(tasks: Path, tmp_path: Path) -> None:
    file = tasks / "finish.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("acc, aggregation: mean", "acc, aggregation: perplexity"))

    suite = make("both", tasks, tmp_path / "runs")

    assert {"acc", "finish:acc"} <= set(suite.metrics())


def test_what_is_no_sum_over_items_is_named(tasks: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none of its metrics can be compared: middle acc: .*median"
    ):
        make("middle", tasks, tmp_path / "runs")


def test_a_second_call_needs_no_lm_eval(
    tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make("read", tasks, tmp_path / "runs")
    monkeypatch.delattr(materialise, "load_tasks")

    second = make("read", tasks, tmp_path / "runs")

    assert second.file == first.file
    assert second.identity() == first.identity()


def test_changed_data_makes_another_suite(tasks: Path, tmp_path: Path) -> None:
    first = make("read", tasks, tmp_path / "runs")
    data = tmp_path / "data.jsonl"
    row = {"country": "Spain", "capital": "Madrid", "choices": ["Madrid", "Sydney"], "answer": 0}
    data.write_text(data.read_text() + json.dumps(row) + "\n", encoding="utf-8")

    second = make("read", tasks, tmp_path / "runs")

    assert len(second.gold) == len(first.gold) + 1
    assert second.file != first.file


@pytest.mark.parametrize(
    "options", [{"limit": 3}, {"num_fewshot": 1}, {"apply_chat_template": True}]
)
def test_how_lm_eval_asks_is_part_of_a_runs_identity(
    tasks: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    plain = make("choose", tasks, tmp_path / "runs")

    other = make("choose", tasks, tmp_path / "runs", **options)

    assert other.identity() != plain.identity()


def test_where_the_tasks_lie_is_not(tasks: Path, tmp_path: Path) -> None:
    here = make("choose", tasks, tmp_path / "runs")
    moved = tasks.rename(tmp_path / "elsewhere")

    there = make("choose", moved, tmp_path / "runs")

    assert there.identity() == here.identity()


def test_an_unknown_task_offers_the_nearest(tasks: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"unknown lm-eval task 'chose' \(did you mean 'choose'\?\)"
    ):
        make("chose", tasks, tmp_path / "runs")


def test_a_missing_folder_of_tasks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"include: .*nowhere: no such folder"):
        make("choose", tmp_path / "nowhere", tmp_path / "runs")


def test_missing_data_is_one_message(tasks: Path, tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").unlink()

    with pytest.raises(InputError, match="lm-eval/choose: lm-eval cannot load this: "):
        make("choose", tasks, tmp_path / "runs")


def test_chinese_documents_make_a_chinese_suite(tasks: Path, tmp_path: Path) -> None:
    row = {"country": "法国", "capital": "巴黎", "choices": ["巴黎", "悉尼"], "answer": 0}
    (tmp_path / "data.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    file = tasks / "choose.yaml"
    text = file.read_text(encoding="utf-8").replace(
        "The capital of {{country}} is", "{{country}}的首都是"
    )
    file.write_text(text, encoding="utf-8")

    assert make("choose", tasks, tmp_path / "runs").config.language == "zh"


def test_names_of_folders_are_plain() -> None:
    assert suite_name("egymmlu_(general)") == "lm-eval/egymmlu_-general"


def test_the_type_is_not_for_suites_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(
        "name: own\nversion: '1'\nlanguage: en\ndescription: d\n"
        "tasks: {t: {type: lm_eval, metrics: [bleu]}}\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError, match="name that task as lm-eval/TASK"):
        load_suite(tmp_path)
