"""A board as Markdown, CSV, model cards, .eval_results and Every Eval Ever."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from harness.errors import ConfigError, InputError
from harness.leaderboard.board import Board
from harness.leaderboard.changes import Change
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.exports.eee import log_of, write_eee
from harness.leaderboard.exports.hub import card_with, model_index, slug, write_hub
from harness.leaderboard.exports.text import as_csv, as_markdown
from harness.leaderboard.votes import votes_board
from tests.harness.leaderboard.support import DEMO, TOY, WEIGHED, Toy, demo_board, entry

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HUB = (
    DEMO
    + """\
organization: Example Lab
relationship: first_party
url: https://example.org/board
models: {{lora-r8: example/clinic-r8}}
datasets:
  clinic-en: {{id: example/clinic-en, task_id: formulary, split: test, revision: 0123abc}}
"""
)
CARD = """\
---
# kept: why this model exists
license: apache-2.0
language: no
tags:
- lora
model-index:
- name: example/clinic-r8
  results:
  - task: {type: text-generation}
    dataset: {name: old clinic, type: example/clinic-en, split: test}
    metrics:
    - {type: token_f1, value: 0.01}
    - {type: rouge, value: 0.5}
  - task: {type: text-generation}
    dataset: {name: MMLU, type: cais/mmlu}
    metrics: [{type: accuracy, value: 0.25}]
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---
# My model

--- A line of the text. ---
"""
NEEDED = {
    "schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info",
    "eval_library", "evaluation_results",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(ROOT: Path, tmp_path_factory: pytest.TempPathFactory) -> Board:
    runs = tmp_path_factory.mktemp("demo") / "runs"
    shutil.copytree(ROOT / "tests" / "data" / "demo", runs)
    return demo_board(ROOT, runs, HUB)


@pytest.fixture
def odd(toy: Toy) -> Board:
    """Models whose names are markup, and one that is not ranked."""
    toy.run("<script>alert(1)</script>", 30)
    toy.run("a|b*c_d`e[f]", 10)
    toy.run("=1+1\n# new", 10, model="org/<b>x</b>")
    return toy.board()


@pytest.fixture
def votes(toy: Toy) -> Board:
    lines = [
        {"item": f"q{i}", "rater": f"r{i % 3}", "a": "x", "b": "y", "winner": "a" if i % 3 else "b"}
        for i in range(30)
    ]
    toy.file("".join(json.dumps(line) + "\n" for line in lines), "votes.jsonl")
    return votes_board(BoardConfig(name="liked", votes="votes.jsonl"), toy.place)


def front(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.split("---\n")[1])


def test_markdown_is_a_table_in_order(demo: Board) -> None:
    lines = as_markdown(demo).splitlines()

    table = [line for line in lines if line.startswith("| ")]
    assert lines[0] == "# demo"
    assert [row.split(" | ")[1] for row in table] == [
        "model",
        "lora-r16-replay",
        "lora-r8",
        "base",
        "lora-excess",
    ]
    assert table[1].startswith("| 1 | lora-r16-replay | 0.434 \\[0.3")
    assert {row.replace("\\|", "").count("|") for row in table} == {len(table[0].split(" | ")) + 1}


def test_markdown_names_signatures_changes_and_who_is_not_ranked(odd: Board) -> None:
    text = as_markdown(odd, [Change(code="added", name="new", after="rank 1")])

    assert "`exact_match@" in text
    assert "- new: new, rank 1" in text
    assert "Not ranked:" in text
    assert "the model is not pinned" in text


def test_markdown_reads_no_name_as_markup(odd: Board) -> None:
    text = as_markdown(odd)

    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script>alert(1)" in text
    assert "a\\|b\\*c\\_d\\`e\\[f\\]" in text
    assert "\n# new" not in text


def test_csv_has_a_row_for_every_model_and_suite(demo: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(demo))))

    assert [(row["model"], row["suite"]) for row in rows][:3] == [
        ("lora-r16-replay", "clinic-en"),
        ("lora-r16-replay", "retention"),
        ("lora-r8", "clinic-en"),
    ]
    assert len(rows) == 8
    cell = entry(demo, "base").cell("retention")
    assert cell is not None
    assert cell.value is not None
    base = next(row for row in rows if row["model"] == "base" and row["suite"] == "retention")
    assert float(base["value"]) == cell.value.value
    assert (base["suite_rank_best"], base["suite_rank_worst"], base["n"]) == ("2", "2", "170")


def test_csv_lists_who_is_not_ranked_with_the_reason(odd: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(odd))))

    last = rows[-1]
    assert last["ranked"] == "False"
    assert last["rank_best"] == ""
    assert "not pinned" in last["reasons"]


def test_csv_of_votes_has_strengths(votes: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(votes))))

    assert [(row["model"], row["n"]) for row in rows] == [("x", "30"), ("y", "30")]
    assert float(rows[0]["value"]) == -float(rows[1]["value"]) > 0


def test_a_card_is_written_for_every_ranked_model(demo: Board, tmp_path: Path) -> None:
    write_hub(demo, tmp_path / "hub")

    found = sorted(path.parent.name for path in (tmp_path / "hub").glob("*/README.md"))
    assert found == ["base", "lora-excess", "lora-r16-replay", "lora-r8"]


def test_model_index_has_what_the_hub_asks_for(demo: Board, tmp_path: Path) -> None:
    write_hub(demo, tmp_path)

    index = front((tmp_path / "lora-r8" / "README.md").read_text(encoding="utf-8"))["model-index"]
    assert [model["name"] for model in index] == ["example/clinic-r8"]
    clinic, retention = index[0]["results"]
    assert clinic["task"] == {"type": "text-generation"}
    assert clinic["dataset"] == {
        "name": "clinic-en 1.0.0",
        "type": "example/clinic-en",
        "split": "test",
        "revision": "0123abc",
    }
    assert clinic["source"] == {"name": "demo", "url": "https://example.org/board"}
    assert retention["dataset"]["type"] == "retention"
    cell = entry(demo, "lora-r8").cell("clinic-en")
    assert cell is not None
    assert cell.value is not None
    assert clinic["metrics"][0]["value"] == cell.value.value
    assert clinic["metrics"][0]["args"]["items"] == cell.n


def test_a_card_that_is_there_keeps_all_else(demo: Board, tmp_path: Path) -> None:
    file = tmp_path / "lora-r8" / "README.md"
    file.parent.mkdir()
    file.write_text(CARD, encoding="utf-8")

    write_hub(demo, tmp_path)

    text = file.read_text(encoding="utf-8")
    assert text.endswith("---\n# My model\n\n--- A line of the text. ---\n")
    assert (
        "# kept: why this model exists\nlicense: apache-2.0\nlanguage: no\ntags:\n- lora\n" in text
    )
    fields = front(text)
    assert fields["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    results = fields["model-index"][0]["results"]
    metrics = [(r["dataset"]["type"], [m["type"] for m in r["metrics"]]) for r in results]
    assert metrics == [
        ("example/clinic-en", ["token_f1"]),
        ("retention", ["contains"]),
        ("example/clinic-en", ["rouge"]),
        ("cais/mmlu", ["accuracy"]),
    ]
    assert results[0]["metrics"][0]["value"] != 0.01


def test_a_card_is_written_twice_alike(demo: Board, tmp_path: Path) -> None:
    file = tmp_path / "lora-r8" / "README.md"
    file.parent.mkdir()
    file.write_text(CARD, encoding="utf-8")

    write_hub(demo, tmp_path)
    once = file.read_text(encoding="utf-8")
    write_hub(demo, tmp_path)

    assert file.read_text(encoding="utf-8") == once


@pytest.mark.parametrize(
    ("old", "kept"),
    [
        ("", "\n# base\n"),
        ("# Only text\n", "# Only text\n"),
        ("---\n---\nbody\n", "body\n"),
        ("---\nmodel-index: []\n---\nbody\n", "body\n"),
        ('---\n"model-index": []\n---\nbody\n', "body\n"),
        ("---\n{license: mit}\n---\nbody\n", "body\n"),
    ],
)
def test_any_card_becomes_one_with_results(demo: Board, old: str, kept: str) -> None:
    one = entry(demo, "base")
    index = model_index(demo, one)

    card = card_with(old, index, one, where=Path("README.md"))

    assert front(card)["model-index"] == index
    assert card.endswith(f"---\n{kept}")


def test_a_model_index_of_another_model_stays(demo: Board) -> None:
    one = entry(demo, "lora-r8")
    old = CARD.replace("- name: example/clinic-r8", "- name: somebody/else")

    card = card_with(old, model_index(demo, one), one, where=Path("README.md"))

    names = [model["name"] for model in front(card)["model-index"]]
    assert names == ["example/clinic-r8", "somebody/else"]


def test_a_broken_card_is_named_with_its_line(demo: Board, tmp_path: Path) -> None:
    file = tmp_path / "base" / "README.md"
    file.parent.mkdir()
    file.write_text("---\nlicense: mit\ntags: [a\n---\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"base/README.md:\d: the front matter is not valid YAML"):
        write_hub(demo, tmp_path)


@pytest.mark.parametrize("text", [b"---\n- a list\n---\n", b"\xff\xfe"])
def test_a_card_that_cannot_be_read_is_left_alone(demo: Board, tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "base" / "README.md"
    file.parent.mkdir()
    file.write_bytes(text)

    with pytest.raises(ConfigError, match=r"base/README.md"):
        write_hub(demo, tmp_path)
    assert file.read_bytes() == text


def test_eval_results_are_for_declared_data_sets(demo: Board, tmp_path: Path) -> None:
    write_hub(demo, tmp_path)

    files = [file.name for file in (tmp_path / "base" / ".eval_results").iterdir()]
    text = (tmp_path / "base" / ".eval_results" / "clinic-en.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    cell = entry(demo, "base").cell("clinic-en")
    assert files == ["clinic-en.yaml"]
    assert cell is not None
    assert cell.value is not None
    assert found[0]["dataset"] == {
        "id": "example/clinic-en",
        "task_id": "formulary",
        "revision": "0123abc",
    }
    assert found[0]["value"] == cell.value.value
    assert found[0]["source"] == {"url": "https://example.org/board", "name": "demo"}
    assert found[0]["notes"].startswith("token_f1@")
    assert str(found[0]["date"]).startswith("2026-11-24")


def test_models_whose_names_make_one_folder_have_each_their_own(toy: Toy, tmp_path: Path) -> None:
    toy.run("a/b", 30)
    toy.run("a b", 10)
    board = toy.board()

    cards = [path for path in write_hub(board, tmp_path / "hub") if path.name == "README.md"]
    logs = write_eee(board, tmp_path / "eee")

    assert len(set(cards)) == len(set(logs)) == 2


@pytest.mark.parametrize("name", ["../../etc", "/", "..", "模型 一", "a/b\\c"])
def test_a_name_never_leaves_its_folder(name: str) -> None:
    assert "/" not in slug(name)
    assert "\\" not in slug(name)
    assert slug(name).strip(".")


def test_every_eval_ever_has_what_it_needs(demo: Board, tmp_path: Path) -> None:
    files = write_eee(demo, tmp_path, now=NOW)

    value = json.loads(files[0].read_text(encoding="utf-8"))
    assert value.keys() >= NEEDED
    assert value["schema_version"] == "0.3.0"
    assert files[0].parent == tmp_path / "data" / "demo" / "Example-Lab" / "lora-r16-replay"
    assert [one["evaluation_name"] for one in value["evaluation_results"]] == [
        "clinic-en",
        "retention",
    ]
    first = value["evaluation_results"][0]
    assert first["source_data"]["hf_repo"] == "example/clinic-en"
    assert first["metric_config"]["lower_is_better"] is False
    assert first["score_details"]["uncertainty"]["num_samples"] == 128
    ends = first["score_details"]["uncertainty"]["confidence_interval"]
    assert ends["lower"] < first["score_details"]["score"] < ends["upper"]


def test_every_eval_ever_leaves_out_who_is_not_ranked(odd: Board, tmp_path: Path) -> None:
    assert len(write_eee(odd, tmp_path)) == 2


def test_every_eval_ever_is_written_once(demo: Board, tmp_path: Path) -> None:
    assert write_eee(demo, tmp_path) == write_eee(demo, tmp_path)
    assert len(list((tmp_path / "data").rglob("*.json"))) == 4


@pytest.mark.parametrize("text", [TOY, WEIGHED, TOY.replace("exact_match", "ter")])
def test_every_eval_ever_is_valid_by_its_own_schema(toy: Toy, text: str) -> None:
    pytest.importorskip(
        "every_eval_ever",
        reason="every_eval_ever is not installed; it needs Python 3.12 and an environment of its own",
    )
    toy.run("<b>", 30)
    toy.run("<b>", 10, suite="two")
    board = toy.board(text)

    value = log_of(board, board.ranked[0], now=NOW)

    jsonschema.validate(value, schema())


def test_the_demo_is_valid_by_every_eval_evers_own_schema(demo: Board) -> None:
    pytest.importorskip(
        "every_eval_ever",
        reason="every_eval_ever is not installed; it needs Python 3.12 and an environment of its own",
    )

    for one in demo.ranked:
        jsonschema.validate(log_of(demo, one, now=NOW), schema())


def schema() -> dict[str, Any]:
    file = resources.files("every_eval_ever.schemas") / "eval.schema.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_votes_have_no_data_set_to_export(votes: Board, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing for --hf"):
        write_hub(votes, tmp_path)
    with pytest.raises(InputError, match="nothing for --eee"):
        write_eee(votes, tmp_path)
