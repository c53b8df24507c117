from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from harness.errors import ConfigError, UnknownNameError
from harness.goldset.check import check_gold, gold_errors
from harness.goldset.kinds import COVERAGE, kind_of
from harness.goldset.scaffold import new_suite, task_names
from harness.suite import Language, load_suite


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_new_suite_has_only_its_examples_to_complain_about(tmp_path: Path, language: str) -> None:
    new_suite(tmp_path / "mine", language=cast("Language", language), tasks=task_names())

    suite = load_suite(tmp_path / "mine")

    assert gold_errors(suite) == ()
    assert [f.kind for f in check_gold(suite)] == ["example_items", "few_items", "not_locked"]
    assert len(suite.gold) == 3 * len(task_names())
    assert (tmp_path / "mine" / "README.md").read_text(encoding="utf-8").startswith("# mine\n")


def test_the_default_tasks_cover_what_a_domain_needs(tmp_path: Path) -> None:
    suite = load_suite(new_suite(tmp_path / "mine", language="en"))

    assert {kind_of(suite, task) for task in suite.config.tasks} == set(COVERAGE)


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigError, match="exists already"):
        new_suite(tmp_path, language="en")

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_name_that_no_suite_can_have_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot name a suite"):
        new_suite(tmp_path / "病历", language="zh")

    assert list((tmp_path / "病历").iterdir()) == []


def test_an_unknown_task_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'summary'"):
        new_suite(tmp_path / "mine", language="en", tasks=("sumary",))
