from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.compare import Comparison
from harness.compare.sides import compare_sides, pairs_of
from harness.errors import IncomparableError, InputError, PredictionsError
from harness.rows import Reading, sides_of_files
from tests.harness.importers.files import LLAMA_FACTORY, LM_EVAL_CHOICES

ZH = ("巴黎是法国的首都", "每日两次，每次五毫克", "饭后服用", "不可与酒同服")


def write(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return file


def compared(*files: Path, reading: Reading | None = None) -> list[Comparison]:
    sides = sides_of_files(files, reading or Reading()).sides
    return compare_sides(sides[0], sides[1:], pairs_of(sides[0], sides[1:]))


def by_metric(found: Sequence[Comparison]) -> dict[str, Comparison]:
    return {c.metric: c for c in found}


def test_references_may_stand_in_the_first_file_only(tmp_path: Path) -> None:
    base = write(tmp_path, "base.jsonl", [{"id": i, "prediction": "x", "references": [t]} for i, t in enumerate(ZH)])  # fmt: skip
    other = write(tmp_path, "other.jsonl", [{"id": i, "prediction": t} for i, t in enumerate(ZH)])

    found = by_metric(compared(base, other, reading=Reading(metrics="exact_match,token_f1,bleu")))

    assert [c.before.value for c in found.values()] == [0.0, 0.0, 0.0]
    assert [c.after.value for c in found.values()] == pytest.approx([1.0, 1.0, 100.0])
    assert (found["exact_match"].baseline, found["exact_match"].configuration) == ("base", "other")
    assert "zh" in found["token_f1"].signature


def test_rows_are_joined_by_id_in_any_order_and_missing_ones_counted(tmp_path: Path) -> None:
    rows = [{"id": i, "prediction": str(i), "reference": str(i)} for i in range(8)]
    base = write(tmp_path, "base.jsonl", rows)
    other = write(tmp_path, "other.jsonl", rows[:2:-1])

    (found,) = compared(base, other, reading=Reading(metrics="exact_match"))
    notes = sides_of_files((base, other), Reading(metrics="exact_match")).notes

    assert (found.n, found.n_planned, found.n_tied) == (5, 8, 5)
    assert found.unscored is not None
    assert (found.unscored.n_before, found.unscored.n_after, found.unscored.worst) == (0, 3, -3 / 8)
    assert "other: 5 of 8 items (3 missing)" in notes


def test_an_answer_of_null_is_missing_and_an_empty_one_is_wrong(tmp_path: Path) -> None:
    base = write(tmp_path, "b.jsonl", [{"id": i, "prediction": "a", "reference": "a"} for i in "xyz"])  # fmt: skip
    other = write(tmp_path, "o.jsonl", [{"id": "x", "prediction": None}, {"id": "y", "prediction": ""}, {"id": "z", "prediction": "a"}])  # fmt: skip

    (found,) = compared(base, other, reading=Reading(metrics="exact_match"))

    assert (found.n, found.n_lost) == (2, 1)


def test_clusters_of_rows_are_resampled_together(tmp_path: Path) -> None:
    rows = [{"id": i, "prediction": "a b", "reference": "a b", "cluster": f"c{i // 4}"} for i in range(24)]  # fmt: skip
    base = write(tmp_path, "base.jsonl", rows)
    other = write(tmp_path, "other.jsonl", [{"id": i, "prediction": "a"} for i in range(24)])

    (found,) = compared(base, other, reading=Reading(metrics="token_f1"))

    assert (found.n, found.n_groups, found.method) == (24, 6, "paired bootstrap, clustered")


def test_scores_of_zero_and_one_get_the_exact_test(tmp_path: Path) -> None:
    base = write(tmp_path, "base.jsonl", [{"id": i, "score": int(i >= 6)} for i in range(16)])
    other = write(tmp_path, "other.jsonl", [{"id": i, "score": 1} for i in range(16)])

    (found,) = compared(base, other)

    assert (found.metric, found.method) == ("score", "exact McNemar, score interval")
    assert found.p_value == pytest.approx(0.03125)


def test_other_scores_get_the_bootstrap_of_their_mean(tmp_path: Path) -> None:
    base = write(tmp_path, "base.jsonl", [{"id": i, "score": i / 2} for i in range(10)])
    other = write(tmp_path, "o.jsonl", [{"id": i, "score": i / 2 - 1} for i in range(10)])

    (found,) = compared(base, other, reading=Reading(better="lower"))

    assert (found.method, found.difference.value, found.n_gained) == ("paired bootstrap", -1.0, 10)
    assert (found.lowest, found.highest, found.better) == (None, None, "lower")


def test_a_cluster_that_one_file_names_holds_for_both(tmp_path: Path) -> None:
    base = write(tmp_path, "base.jsonl", [{"id": i, "score": 0} for i in range(8)])
    other = write(tmp_path, "o.jsonl", [{"id": i, "score": 1, "cluster": f"c{i % 2}"} for i in range(8)])  # fmt: skip

    (found,) = compared(base, other)

    assert found.n_groups == 2


def test_files_of_one_stem_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    files = [write(tmp_path, f"{name}/s.jsonl", [{"id": 1, "score": 1}]) for name in ("a", "b")]

    assert [side.name for side in sides_of_files(files, Reading()).sides] == list(map(str, files))


ROW = {"id": "a", "prediction": "x", "reference": "x"}
WRONG = {
    "an id twice": ([ROW, ROW], [ROW], PredictionsError, r"base.jsonl:2: id 'a' appears twice"),
    "no common id": ([ROW], [{**ROW, "id": "b"}], IncomparableError, "base and other share no id: they have 'a' and 'b'"),
    "other references": ([ROW], [{**ROW, "reference": "y"}], IncomparableError, r"other.jsonl:1: item 'a' has other references than at .*base.jsonl:1"),
    "other clusters": ([{"id": 1, "prediction": "x", "reference": "x", "cluster": "k"}], [{"id": 1, "prediction": "x", "cluster": "l"}], IncomparableError, "other cluster"),
    "scores and predictions": ([ROW], [{"id": "a", "score": 1}], InputError, "other.jsonl has ready scores, .*base.jsonl has predictions"),
    "no ids and another number": ([{"prediction": "x", "reference": "x"}] * 2, [{"prediction": "x"}], PredictionsError, "joined by their order, and there are 2 and 1"),
    "ids in one file only": ([{"prediction": "x", "reference": "x"}], [ROW], PredictionsError, "one file has ids"),
    "no reference at all": ([{"id": "a", "prediction": "x"}], [{"id": "a", "prediction": "y"}], PredictionsError, "no row has a reference"),
}  # fmt: skip


@pytest.mark.parametrize(("base", "other", "kind", "message"), WRONG.values(), ids=WRONG)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path,
    base: Sequence[Mapping[str, object]],
    other: Sequence[Mapping[str, object]],
    kind: type[InputError],
    message: str,
) -> None:
    files = write(tmp_path, "base.jsonl", base), write(tmp_path, "other.jsonl", other)

    with pytest.raises(kind, match=message):
        sides_of_files(files, Reading())


def test_metrics_are_not_for_ready_scores(tmp_path: Path) -> None:
    file = write(tmp_path, "s.jsonl", [{"id": 1, "score": 1}])

    with pytest.raises(InputError, match="--metrics is for predictions"):
        sides_of_files([file, file], Reading(metrics="bleu"))


def test_two_systems_in_bleu_differ_as_in_sacrebleus_own_paired_test(tmp_path: Path) -> None:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.significance import PairedTest

    text = "the cat sat on a mat while some dog ran past it in the rain today"
    words = text.split()
    references = [" ".join(words[i % 5 : i % 5 + 9]) for i in range(60)]
    weak = [r.replace("sat", "sits").replace("ran", "runs") for r in references]
    strong = [r.replace("ran", "runs") if i % 3 else r for i, r in enumerate(references)]
    base = write(tmp_path, "base.jsonl", [{"id": i, "prediction": p, "reference": r} for i, (p, r) in enumerate(zip(weak, references, strict=True))])  # fmt: skip
    other = write(tmp_path, "other.jsonl", [{"id": i, "prediction": p} for i, p in enumerate(strong)])  # fmt: skip
    test = PairedTest(
        [("base", weak), ("other", strong)],
        {"BLEU": BLEU()},
        [references],
        test_type="ar",
        n_samples=2000,
    )
    theirs: list[Any] = list(test()[1]["BLEU"])

    (found,) = compared(base, other, reading=Reading(metrics="bleu", language="en"))

    assert found.before.value == pytest.approx(theirs[0].score, abs=1e-9)
    assert found.after.value == pytest.approx(theirs[1].score, abs=1e-9)
    # Monte Carlo error of a small p on 2 000 draws.
    assert found.p_randomisation == pytest.approx(theirs[1].p_value, abs=0.02)


@pytest.mark.parametrize(
    ("layout", "metric"), [(LLAMA_FACTORY, "exact_match"), (LM_EVAL_CHOICES, "accuracy")]
)
def test_files_of_other_tools_are_compared(
    tmp_path: Path, layout: list[dict[str, object]], metric: str
) -> None:
    base, other = (write(tmp_path, name, layout) for name in ("base.jsonl", "other.jsonl"))

    (found,) = compared(base, other, reading=Reading(metrics=metric))

    assert (found.n, found.n_tied, found.coverage) == (len(layout), len(layout), 1.0)
