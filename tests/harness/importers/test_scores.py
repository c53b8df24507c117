from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PredictionsError
from harness.importers.read import read_rows
from harness.importers.scores import ReadyScore, is_ready, read_scores


def written(folder: Path, text: str, name: str = "s.jsonl") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_rows_of_scores_are_told_from_predictions(tmp_path: Path) -> None:
    scores = read_rows(written(tmp_path, '{"id": "a", "score": 0.5}\n'))
    predictions = read_rows(written(tmp_path, '{"id": "a", "score": 0.5, "prediction": "x"}\n'))

    assert (is_ready(scores), is_ready(predictions)) == (True, False)


def test_scores_are_read_with_clusters_and_slices(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '{"id": 1, "score": true, "cluster": "n", "slices": {"topic": "剂量"}}\n'
        '{"id": "b", "score": null}\n',
    )

    first, second = read_scores(read_rows(file))

    assert first == ReadyScore(
        where=f"{file}:1", id="1", score=1.0, cluster="n", slices={"topic": "剂量"}
    )
    assert (second.score, second.cluster) == (None, None)


def test_a_table_of_scores_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "qid,score\na,0.25\nb,\n", "s.csv")

    assert [(row.id, row.score) for row in read_scores(read_rows(file))] == [
        ("a", 0.25),
        ("b", None),
    ]


WRONG = {
    "an id twice": ('{"id": "a", "score": 1}\n{"id": "a", "score": 0}\n', r":2: id 'a' appears twice \(first at .*:1\)"),
    "no id": ('{"score": 1}\n', ":1: no id; scores are joined by it"),
    "a word": ('{"id": "a", "score": "good"}\n', ":1: score: expected a number, got 'good'"),
    "not a number": ('{"id": "a", "score": NaN}\n', ":1: "),
    "a list": ('{"id": "a", "score": [1]}\n', r":1: score: expected a number, got '\[1\]'"),
    "wrong slices": ('{"id": "a", "score": 1, "slices": 3}\n', ":1: slices: expected an object"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_score_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        read_scores(read_rows(written(tmp_path, text)))
