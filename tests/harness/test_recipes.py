"""The shipped recipes on the data sets that they are made for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.config import load_yaml
from harness.metrics.build import suite_metrics
from harness.shipped import shipped_suites, suite_file
from harness.suite import Selection, Suite, SuiteConfig, load_suite

RECIPES = {name: file for name, file in shipped_suites().items() if file.parent.name == "recipes"}
COUNTS = [
    # recipe, its data, items by task as the data's authors count them
    ("mts-dialog", "mts-dialog", {"section": 200, "kind": 200}),
    ("aci-bench", "aci-bench", {"note": 40}),
    ("pubmedqa", "pubmedqa", {"question": 500}),
    ("cmrc2018", "cmrc2018", {"question": 802}),  # every fourth article of the development set
    ("xquad-en", "xquad", {"question": 1190}),
    ("xquad-zh", "xquad", {"question": 1190}),
    ("squad", "xquad/xquad.en.json", {"question": 1190}),  # the same layout as SQuAD 1.1
    ("squad-v2", "xquad/xquad.en.json", {"question": 1190}),
    ("gsm8k", "gsm8k", {"problem": 1319}),
    (
        "lawbench",
        "lawbench",
        dict.fromkeys(
            ["article", "knowledge", "consultation_class", "summary", "case", "consultation"], 500
        ),
    ),
    (
        "retention-mc",
        "retention-mc",
        {"arc_easy": 2376, "arc_challenge": 1172, "openbookqa": 500, "boolq": 3270,
         "winogrande": 1267, "piqa": 1838},
    ),
    ("mt-bench-101", "mt-bench-101", {"conversation": 4208}),
    ("mt-bench", "mt-bench", {"conversation": 160}),
    ("kdconv", "kdconv-zh", {"conversation": 1345}),
    ("ifeval", "ifeval", {"prompt": 540}),
]  # fmt: skip


def load(shared: Path, name: str, data: str, limit: int | None = None) -> Suite:
    return load_suite(Path(name), Selection(data=shared / "data" / data, limit=limit))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_called_like_its_file_and_says_where_its_data_is(name: str) -> None:
    config = load_yaml(RECIPES[name], SuiteConfig)

    assert config.name == name
    assert config.license
    assert config.source is not None
    assert config.source.obtain.startswith("https://")


@pytest.mark.parametrize(("name", "data", "counts"), COUNTS, ids=[c[0] for c in COUNTS])
def test_a_recipe_reads_all_items_of_its_data(
    SHARED: Path, name: str, data: str, counts: dict[str, int]
) -> None:
    suite = load(SHARED, name, data)

    assert dict(Counter(record.task for record in suite.gold)) == counts
    assert suite_metrics(suite)


def test_every_recipe_with_data_beside_the_repository_is_tried() -> None:
    without = {"mmlu", "ceval", "cmmlu"}  # tried below on files in their layout

    assert {name for name, *_ in COUNTS} | without == set(RECIPES)


def test_pubmedqa_has_the_labels_of_the_official_test_set(SHARED: Path) -> None:
    suite = load(SHARED, "pubmedqa", "pubmedqa")

    assert Counter(r.references[0] for r in suite.gold) == {"yes": 276, "no": 169, "maybe": 55}


def test_mt_bench_101_has_the_dialogues_of_the_paper(SHARED: Path) -> None:
    suite = load(SHARED, "mt-bench-101", "mt-bench-101")

    assert len({record.cluster for record in suite.gold}) == 1388
    assert len({record.slices["kind"] for record in suite.gold}) == 13


def test_both_tasks_on_one_dialogue_are_one_cluster(SHARED: Path) -> None:
    suite = load(SHARED, "mts-dialog", "mts-dialog")

    assert set(Counter(record.cluster for record in suite.gold).values()) == {2}


def test_parallel_questions_of_xquad_have_the_same_ids(SHARED: Path) -> None:
    english, chinese = load(SHARED, "xquad-en", "xquad"), load(SHARED, "xquad-zh", "xquad")

    assert {r.id for r in english.gold} == {r.id for r in chinese.gold}
    assert len({r.cluster for r in english.gold}) == len({r.cluster for r in chinese.gold}) == 240


def test_right_answers_of_retention_mc_are_those_of_the_file(SHARED: Path) -> None:
    suite = load(SHARED, "retention-mc", "retention-mc")
    right = {record.id: record.choices[record.answer or 0] for record in suite.gold}

    assert right["arc-easy-0"] == "Sunlight is the source of energy for nearly all ecosystems."
    assert right["openbookqa-0"] == "quit eating lunch out"
    assert right["boolq-0"] == "no"
    assert right["winogrande-0"] == "Maria"
    assert right["piqa-0"].startswith("Provide the guinea pig with a cage full of a few inches")


def test_gsm8k_gold_is_the_number_after_the_marks(SHARED: Path) -> None:
    suite = load(SHARED, "gsm8k", "gsm8k")

    assert suite.gold[0].references == ("18",)
    assert all(r.references[0].replace(",", "").lstrip("-").isdigit() for r in suite.gold)


@pytest.mark.parametrize(
    ("name", "file", "text", "subject"),
    [
        ("mmlu", "test/anatomy_test.csv", '"Which, of these?",a,b,c,d,C\n"So ""what""?",a,b,c,d,A\n',
         "anatomy"),
        ("ceval", "val/law_val.csv", "id,question,A,B,C,D,answer\n0,下列哪项?,甲,乙,丙,丁,C\n1,哪项?,甲,乙,丙,丁,A\n",
         "law"),
        ("cmmlu", "test/anatomy.csv", ",Question,A,B,C,D,Answer\n0,下列哪项?,甲,乙,丙,丁,C\n1,哪项?,甲,乙,丙,丁,A\n",
         "anatomy"),
    ],
)  # fmt: skip
def test_exam_recipes_read_the_files_of_their_authors(
    tmp_path: Path, name: str, file: str, text: str, subject: str
) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(text, encoding="utf-8")

    suite = load_suite(Path(name), Selection(data=tmp_path))

    assert [record.answer for record in suite.gold] == [2, 0]
    assert {record.slices["subject"] for record in suite.gold} == {subject}


def test_unanswerable_questions_of_squad_v2_have_no_reference(tmp_path: Path) -> None:
    file = tmp_path / "dev-v2.0.json"
    file.write_text(
        '{"data": [{"title": "T", "paragraphs": [{"context": "C", "qas": ['
        '{"id": "a", "question": "Q?", "is_impossible": true, "answers": []},'
        '{"id": "b", "question": "R?", "answers": [{"text": "C", "answer_start": 0},'
        '{"text": "C", "answer_start": 0}]}]}]}]}',
        encoding="utf-8",
    )

    suite = load_suite(Path("squad-v2"), Selection(data=file))

    assert [record.references for record in suite.gold] == [(), ("C",)]


def test_a_suite_in_the_working_folder_wins_over_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = suite_file(Path("retention"))
    (tmp_path / "retention").mkdir()

    assert shipped.parent.parent.name == "suites"
    assert suite_file(Path("retention")) == Path("retention/suite.yaml")
