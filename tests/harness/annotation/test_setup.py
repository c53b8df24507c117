"""Sessions out of runs: what becomes an item, what is left out, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.annotation.config import LeakConfig, OverlapConfig, SessionConfig
from harness.annotation.database import Database
from harness.annotation.dimensions import load_dimensions
from harness.annotation.draw import blocks, n_words, overlap_of, stratified
from harness.annotation.errors import AnnotationError, SessionStateError
from harness.annotation.leaks import MASK, Scanner, telling_names
from harness.annotation.setup import change_state, create_session, summarise, unblind
from harness.errors import ConfigError, IncomparableError, UnknownNameError
from harness.metrics.ratings import tidy
from harness.store import RunFolder
from harness.suite import Suite
from tests.harness.annotation.conftest import Sitting

Runs = Callable[..., list[RunFolder]]
Suites = Callable[..., Suite]
Make = Callable[..., Sitting]


def test_answers_that_are_the_same_text_are_a_tie_that_nobody_is_shown(sitting: Make) -> None:
    same = {"gold-000": "Yes.", "gold-001": "No. \r\n"}
    session = sitting(n=5, said=[same, {**same, "gold-001": "No."}], kind="pairwise")

    summary = summarise(session.database, session.name)

    assert (summary.n_items, summary.n_identical) == (3, 2)


def test_on_scales_equal_answers_are_rated_once_for_all_their_runs(sitting: Make) -> None:
    session = sitting(n=2, n_runs=3, said=[{"gold-000": "x"}] * 3, kind="likert")

    assert summarise(session.database, session.name).n_items == 1 + 3


@pytest.mark.parametrize(("pairs", "n_items"), [("baseline", 8), ("all", 12)])
def test_more_than_two_runs_meet_the_baseline_or_each_other(
    sitting: Make, pairs: str, n_items: int
) -> None:
    session = sitting(n=4, n_runs=3, pairs=pairs)

    assert summarise(session.database, session.name).n_items == n_items


def test_an_answer_that_gives_itself_away_can_be_left_out(sitting: Make) -> None:
    said = [{"gold-000": "I am zephyr-lora-r8."}]
    session = sitting(n=3, said=said, leaks={"names": "exclude"})

    summary = summarise(session.database, session.name)

    assert (summary.n_items, summary.n_excluded) == (2, 1)
    assert summary.leaks == {"names: exclude": 1}


@pytest.mark.parametrize("field", ["name", "title"])
def test_what_raters_read_must_not_name_a_run(sitting: Make, field: str) -> None:
    with pytest.raises(AnnotationError, match="which names one of the runs"):
        sitting(**{field: "zephyr-lora-r8"})


def test_runs_of_another_suite_and_of_another_gold_set_are_refused(
    database: Database, suite_of: Suites, runs_of: Runs, tmp_path: Path
) -> None:
    suite, other = suite_of(4), suite_of(5)
    runs = runs_of(other, 2)
    config = SessionConfig(name="s")

    with pytest.raises(IncomparableError, match="another version of the gold set"):
        create_session(database, config, suite, runs, folder=tmp_path, actor="x")
    with pytest.raises(AnnotationError, match="needs at least 2 run"):
        create_session(database, config, other, runs[:1], folder=tmp_path, actor="x")
    with pytest.raises(AnnotationError, match="named twice"):
        create_session(database, config, other, [runs[0], runs[0]], folder=tmp_path, actor="x")


def test_two_sessions_of_one_name_are_refused(sitting: Make) -> None:
    sitting()

    with pytest.raises(AnnotationError, match="already"):
        sitting()


def test_only_a_closed_session_is_unblinded_and_then_stays_closed(sitting: Make) -> None:
    session = sitting()
    with pytest.raises(SessionStateError, match="close it first"):
        unblind(session.database, session.name, actor="lead")
    change_state(session.database, session.name, "closed", actor="lead")
    change_state(session.database, session.name, "open", actor="lead")
    change_state(session.database, session.name, "closed", actor="lead")
    unblind(session.database, session.name, actor="lead")

    with pytest.raises(SessionStateError, match="was unblinded"):
        change_state(session.database, session.name, "open", actor="lead")
    assert summarise(session.database, session.name).is_unblinded


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("我是由某某公司开发的大语言模型，可以回答", "identity"),
        ("As an AI language model, I cannot say.", "identity"),
        ("Ask ChatGPT instead.", "family"),
        ("通义千问认为可以", "family"),
        ("Yes<|im_end|>", "markup"),
        ("### 回答：\n是", "markup"),
        ("This is my-secret-adapter speaking", "names"),
    ],
)
def test_what_tells_the_origin_is_masked_and_recorded(answer: str, kind: str) -> None:
    scan = Scanner(rules=LeakConfig(), names=("my-secret-adapter",)).scan(answer)

    assert {leak.kind for leak in scan.leaks} == {kind}
    assert MASK in scan.shown


@pytest.mark.parametrize(
    "answer",
    ["A llamas' herd and a baseline of 5 mg.", "The patient's base is stable.", "型号为 A3 的泵"],
)
def test_ordinary_words_are_left_alone(answer: str) -> None:
    names = telling_names(["base", "lora", "runs/a3/base"])
    scan = Scanner(rules=LeakConfig(), names=names).scan(answer)

    assert (scan.shown, scan.leaks) == (answer, ())


def test_a_model_that_the_question_is_about_is_no_leak() -> None:
    scanner = Scanner(rules=LeakConfig(), names=())

    assert scanner.scan("Claude was French.", context="Who was Claude Monet?").leaks == ()


@given(st.text(max_size=60))
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


strata = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4), st.sampled_from("xyz"), min_size=1, max_size=60
)


@given(strata=strata, n=st.integers(1, 60), seed=st.integers(0, 99))
def test_a_draw_has_its_size_and_every_stratums_share(
    strata: dict[str, str], n: int, seed: int
) -> None:
    drawn = stratified(strata, n, seed)

    assert len(drawn) == min(n, len(strata))
    assert drawn == stratified(dict(reversed(strata.items())), n, seed)
    whole, part = Counter(strata.values()), Counter(strata[key] for key in drawn)
    for name, size in whole.items():
        assert abs(part[name] - len(drawn) * size / len(strata)) <= 1


@given(n=st.integers(1, 400), seed=st.integers(0, 99))
def test_every_block_has_its_share_of_every_stratum(n: int, seed: int) -> None:
    strata = {f"k{i}": "ab"[i % 3 == 0] for i in range(n)}

    found = blocks(strata, seed)

    n_blocks = max(found.values()) + 1
    for name in "ab":
        sizes = Counter(found[key] for key in strata if strata[key] == name)
        whole = sum(sizes.values())
        assert all(abs(sizes[b] - whole / n_blocks) <= 1.01 for b in range(n_blocks))


def test_the_overlap_has_its_share_or_its_least_number() -> None:
    strata = {f"k{i}": "s" for i in range(100)}

    assert len(overlap_of(strata, OverlapConfig(share=0.2, at_least=30), 1)) == 30
    assert len(overlap_of(strata, OverlapConfig(share=0.5, at_least=30), 1)) == 50
    assert overlap_of(strata, OverlapConfig(share=0.0), 1) == set()


def test_the_shipped_scales_have_every_word_in_both_languages() -> None:
    scales = load_dimensions(None, ())

    assert list(scales.dimensions) == ["truthfulness", "professionalism", "semantic_quality"]
    assert scales.dimensions["truthfulness"].title.zh == "真实性"
    assert all(scale.low == 1 and scale.high == 5 for scale in scales.dimensions.values())


def test_a_scale_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'truthfulness'"):
        load_dimensions(None, ("truthfulnes",))
    file = tmp_path / "d.yaml"
    file.write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"d\.yaml"):
        load_dimensions(file, ())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"id": "a", "prompt": "p", "answers": ["x"]}', "nothing is known"),
        ('{"id": "a", "prompt": "p", "answers": ["x"], "accept": [{"truth": [1, 2]}]}', "no scale"),
        (
            '{"id": "a", "prompt": "p", "answers": ["x"], "accept": [{"truthfulness": [0, 2]}]}',
            "goes from 1 to 5",
        ),
        (
            '{"id": "a", "prompt": "p", "answers": ["x", "y"], "accept": [{"truthfulness": [1, 2]}]}',
            r"needs 1 answer",
        ),
    ],
)
def test_a_wrong_check_is_told_with_file_and_line(
    sitting: Make, tmp_path: Path, row: str, message: str
) -> None:
    (tmp_path / "c.jsonl").write_text(row + "\n", encoding="utf-8")
    checks: dict[str, Any] = {"file": "c.jsonl"}

    with pytest.raises(AnnotationError, match=rf"c\.jsonl:1: .*{message}"):
        sitting(kind="likert", checks=checks)


def test_words_are_counted_in_both_languages() -> None:
    assert n_words("three little words") == 3
    assert n_words("患者需要复诊") == pytest.approx(4)
