"""Files of predictions: scored, imported as a run, and one message for each wrong use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.cli.support import Done


def test_a_file_of_predictions_is_scored_with_intervals(
    tunemark: Callable[..., Done], tmp_path: Path
) -> None:
    file = tmp_path / "p.jsonl"
    pairs = [("Paris", "Paris")] * 8 + [("Kyoto", "Tokyo")] * 2
    rows = [{"prediction": said, "target": right} for said, right in pairs]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    done = tunemark("score", file, "--metrics", "exact_match,rouge", "--json")

    found = json.loads(done.out)
    assert [row["metric"] for row in found] == [
        "exact_match", "rouge_1", "rouge_2", "rouge_l", "rouge_lsum",
    ]  # fmt: skip
    assert (found[0]["value"], found[0]["n"]) == (0.8, 10)
    assert found[0]["low"] == pytest.approx(0.4901625)
    assert "column 'target' is read as references" in done.err
    assert "language: en" in done.err


def test_predictions_are_read_from_stdin(tmp_path: Path, ROOT: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", "score", "-", "--json"],
        input='{"prediction": "北京是首都。", "reference": "北京是首都。"}\n', capture_output=True, text=True,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip

    values = [row["value"] for row in json.loads(done.stdout)]
    assert values == pytest.approx([1.0, 1.0, 100.0, 1.0, 100.0])
    assert "language: zh" in done.stderr


def test_scoring_a_file_loads_no_model_library(tmp_path: Path, ROOT: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("prediction,reference\na,a\n", encoding="utf-8")
    program = (
        "import sys\n"
        "from harness.cli import cli\n"
        f"cli.main(['score', {str(file)!r}], standalone_mode=False)\n"
        "print(sorted(set(sys.modules) & {'torch', 'transformers', 'vllm', 'datasets'}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("score", "absent.jsonl"), "absent.jsonl: no such file"),
        (("score", "."), "a run folder is scored with its suite: give --suite"),
        (("score", ".", "--suite", "x", "--metrics", "bleu"), "--metrics is for a file"),
        (("score", "p.jsonl", "--data", "x"), "--data is for a run folder"),
        (("score", "p.jsonl", "--metrics", ","), "--metrics names no metric"),
        (("import", "p.jsonl", "--suite", "retention", "--name", "a/b"), "--name 'a/b': use letters"),
        (("run", "retention", "--model", "m", "--limit-seed", "1"), "give both"),
        (("check", "retentoin"), "retentoin"),
    ],
)  # fmt: skip
def test_wrong_use_of_files_is_one_message(
    tunemark: Callable[..., Done], arguments: tuple[str, ...], message: str
) -> None:
    Path("p.jsonl").write_text('{"prediction": "a", "reference": "a"}\n', encoding="utf-8")

    done = tunemark(*arguments)

    assert done.code == 2
    assert message in done.err + done.out
    assert "Traceback" not in done.err


def test_predictions_become_a_run_that_compares(
    tunemark: Callable[..., Done], suite_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, root = suite_folder(), tmp_path / "runs"
    for name, said in (("before", "Lyon"), ("after", "Paris")):
        file = tmp_path / f"{name}.jsonl"
        rows = [{"id": "q1", "prediction": said}, {"id": "q9", "prediction": "?"}]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        done = tunemark("import", file, "--suite", suite, "--name", name, "--root", root)
        assert done.code == 0
    before, after = sorted((root / "toy").iterdir(), key=lambda folder: folder.name, reverse=True)

    compared = tunemark("compare", before, after, "--suite", suite, "--json")

    assert "joined by id: 1 of 4 gold items have an answer" in done.err
    assert "3 gold items have no prediction: q2, q3, p1" in done.err
    assert "1 predictions belong to no gold item" in done.err
    first = json.loads(compared.out)["comparisons"][0]
    assert (first["before"]["value"], first["after"]["value"], first["n"]) == (0.0, 1.0, 1)
