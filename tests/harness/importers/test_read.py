from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import PredictionsError
from harness.importers.read import FORMATS, read_predictions
from tests.harness.importers import files
from tests.harness.importers.files import write

TWO_ANSWERS = [
    ("lm-eval", "samples.jsonl", files.LM_EVAL),
    ("llama-factory", "generated_predictions.jsonl", files.LLAMA_FACTORY),
    ("opencompass", "gsm8k.json", files.OPENCOMPASS),
    ("evalscope", "reviews.jsonl", files.EVALSCOPE_REVIEWS),
    ("evalscope", "predictions.jsonl", files.EVALSCOPE_PREDICTIONS),
    ("evalscope", "old.jsonl", files.EVALSCOPE_OLD),
    ("plain", "rows.jsonl", [{"prediction": "Paris"}, {"prediction": "Kyoto"}]),
    ("plain", "rows.json", [{"response": "Paris"}, {"response": "Kyoto"}]),
]


@pytest.mark.parametrize(("kind", "name", "content"), TWO_ANSWERS, ids=lambda v: str(v)[:24])
def test_every_tool_is_told_by_its_fields_and_read(
    tmp_path: Path, kind: str, name: str, content: Any
) -> None:
    found = read_predictions(write(tmp_path / name, content))

    assert found.format == kind
    assert [row.text for row in found.rows] == ["Paris", "Kyoto"]
    assert [row.id for row in found.rows] == ["0", "1"]
    assert f"2 predictions, read as {kind}" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "content"), [c[1:] for c in TWO_ANSWERS if c[1] not in {"rows.jsonl", "rows.json",
                                                                     "predictions.jsonl"}],
    ids=lambda v: str(v)[:24],
)  # fmt: skip
def test_references_come_along(tmp_path: Path, name: str, content: Any) -> None:
    found = read_predictions(write(tmp_path / name, content))

    assert [row.references[0] for row in found.rows] == ["Paris", "Tokyo"]
    assert all("Capital of" in (row.prompt or "") for row in found.rows)


def test_filters_of_lm_eval_become_scores_of_one_answer(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path / "s.jsonl", files.LM_EVAL))

    assert found.rows[0].scores == {"exact_match,strict": 1.0, "exact_match,loose": 1.0}


def test_choices_of_lm_eval_keep_their_log_likelihoods(tmp_path: Path) -> None:
    [row] = read_predictions(write(tmp_path / "s.jsonl", files.LM_EVAL_CHOICES)).rows

    assert row.choices == ("five", "4", "1")
    assert row.choice_logprobs == (-3.5, -0.5, -2.0)
    assert row.answer == 1  # a digit is an index, as lm-eval reads it, though "1" is a choice


def test_two_answers_to_one_document_are_refused(tmp_path: Path) -> None:
    rows = [*files.LM_EVAL, {**files.LM_EVAL[0], "resps": [["Lyon"]]}]

    with pytest.raises(PredictionsError, match=r"s.jsonl:5: document 0 has two different answers"):
        read_predictions(write(tmp_path / "s.jsonl", rows))


def test_several_answers_of_opencompass_cannot_be_one(tmp_path: Path) -> None:
    content = {"0": {"origin_prompt": "q", "prediction": ["a", "b"], "gold": ["a", "b"]}}

    with pytest.raises(PredictionsError, match="2 answers to one item"):
        read_predictions(write(tmp_path / "p.json", content))


def test_the_label_that_opencompass_predicted_is_read_not_its_probabilities(
    tmp_path: Path,
) -> None:
    content = {"0": {"testing input": "q", "prediction": [0.2, 0.8], "pred_label": 1, "gold": 1}}

    [row] = read_predictions(write(tmp_path / "p.json", content)).rows

    assert (row.text, row.references) == ("1", ("1",))


def test_columns_of_other_names_are_said_aloud(tmp_path: Path) -> None:
    rows = [{"qid": 7, "response": "Paris", "ground_truth": ["Paris", "PARIS"], "group": "g"}]

    found = read_predictions(write(tmp_path / "r.jsonl", rows))

    assert found.rows[0].references == ("Paris", "PARIS")
    assert (found.rows[0].id, found.rows[0].cluster) == ("7", "g")
    assert "column 'response' is read as prediction" in found.notes
    assert "column 'ground_truth' is read as references" in found.notes


def test_our_own_names_win_over_others(tmp_path: Path) -> None:
    rows = [{"id": "a", "output": "no", "prediction": "yes", "label": "no", "references": ["yes"]}]

    [row] = read_predictions(write(tmp_path / "r.jsonl", rows)).rows

    assert (row.text, row.references) == ("yes", ("yes",))


def test_a_table_may_hold_several_references_and_slices_as_json(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text(
        'id,prediction,references,slices\n1,"a, b","[""x"", ""y""]","{""t"": ""u""}"\n2,,z,\n',
        encoding="utf-8-sig",
    )

    first, second = read_predictions(file).rows

    assert (first.text, first.references, first.slices) == ("a, b", ("x", "y"), {"t": "u"})
    assert (second.text, second.references, second.slices) == ("", ("z",), {})


def test_null_is_no_answer_and_an_empty_text_is_one(tmp_path: Path) -> None:
    rows = [{"prediction": None, "reference": "x"}, {"prediction": "", "reference": "x"}]

    found = read_predictions(write(tmp_path / "r.jsonl", rows))

    assert [row.text for row in found.rows] == [None, ""]


def test_one_row_alone_is_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    for name in ("one.json", "one.jsonl", "one"):
        file = tmp_path / name
        file.write_text('{"prediction": "a", "reference": "b"}\n', encoding="utf-8")

        assert len(read_predictions(file).rows) == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.jsonl", "", "no predictions in this file"),
        ("r.jsonl", '{"id": 1, "predicton": "x"}\n', "r.jsonl:1: no column of predictions.*'prediction'"),
        ("r.jsonl", '{"id": 1, "prediction": "x"}\n{"id": 1, "prediction": "y"}\n',
         "r.jsonl:2: id '1' appears twice"),
        ("r.jsonl", '{"id": 1, "prediction": {"a": 1}}\n', "r.jsonl:1: prediction: expected text"),
        ("r.jsonl", '{"id": 1, "prediction": "x"}\n{"id"\n', "r.jsonl:2: this line is not valid JSON"),
        ("r.json", "[1]", r"r.json: \[0\]: expected an object"),
        ("r.csv", "id,prediction\n1\n", "r.csv:2: 1 cells, expected 2"),
        ("absent.jsonl", None, "no such file"),
    ],
)  # fmt: skip
def test_faults_name_file_and_line(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(PredictionsError, match=message):
        read_predictions(tmp_path / name)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_wrong_format_is_a_message_and_no_traceback(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / "odd.jsonl", [{"a": 1, "choices": []}, {"b": None}])

    with pytest.raises(PredictionsError, match=r"odd.jsonl"):
        read_predictions(file, format=kind)


@pytest.mark.parametrize(("kind", "name", "content"), TWO_ANSWERS, ids=lambda v: str(v)[:24])
def test_rows_with_a_field_gone_give_only_clear_errors(
    tmp_path: Path, kind: str, name: str, content: Any
) -> None:
    first = content["0"] if isinstance(content, dict) else content[0]
    for field in first:
        for value in ("gone", None, 7, [], {}):
            damaged = {k: v for k, v in first.items() if k != field}
            if value != "gone":
                damaged[field] = value
            changed = {**content, "0": damaged} if isinstance(content, dict) else [damaged]
            try:
                found = read_predictions(write(tmp_path / name, changed), format=kind)
            except PredictionsError as error:
                assert name in str(error)
            else:
                assert all(row.text is None or isinstance(row.text, str) for row in found.rows)
                json.dumps([row.references for row in found.rows])
