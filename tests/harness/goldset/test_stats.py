from __future__ import annotations

from pathlib import Path

from harness.goldset.stats import gold_stats
from harness.suite import load_suite
from tests.harness.goldset.support import qa, suite_of


def test_items_lengths_references_and_clusters_are_counted(tmp_path: Path) -> None:
    rows = [
        qa(1, "one two three", "a", cluster="c", slices={"topic": "x"}, source="book"),
        qa(2, "one", "a b", "c", cluster="c", slices={"topic": "y"}),
        qa(3, "一二三四五", "d", slices={"topic": "x"}),
    ]

    stats = gold_stats(suite_of(tmp_path, "  qa: {metrics: [exact_match]}\n", rows))

    (task,) = stats.tasks
    assert (task.n_items, task.n_clusters, task.largest_cluster) == (3, 2, 2)
    assert (task.input_words.median, task.input_words.largest) == (3, 5)
    assert dict(task.references) == {1: 2, 2: 1}
    assert dict(task.languages) == {"en": 2, "zh": 1}
    assert stats.slices == {"topic": {"x": 2, "y": 1}}
    assert stats.sources == {"not said": 2, "book": 1}


def test_the_classes_of_shipped_triage_are_counted(ROOT: Path) -> None:
    stats = gold_stats(load_suite(ROOT / "suites" / "clinic-en"))

    triage = next(task for task in stats.tasks if task.task == "triage")
    # As suites/clinic-en/README.md says.
    assert dict(triage.classes) == {"self-care": 8, "routine": 8, "urgent": 7, "emergency": 7}
    assert sum(task.n_items for task in stats.tasks) == 158


def test_open_answers_have_no_classes(tmp_path: Path) -> None:
    rows = [qa(i, f"Question {i}?", f"answer {i}") for i in range(20)]

    (task,) = gold_stats(suite_of(tmp_path, "  qa: {metrics: [exact_match]}\n", rows)).tasks

    assert dict(task.classes) == {}
