from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ConfigError, GoldError, ModelError
from harness.models import ModelSource
from harness.preflight import check_suite
from harness.suite import load_suite

HEAD = 'name: s\nversion: "1"\nlanguage: en\ndescription: d\ntasks:\n'
ROW = {"id": "q", "task": "qa", "input": "one two three", "references": ["x"]}


@pytest.fixture
def model(tmp_path: Path) -> ModelSource:
    """A model that reads ten tokens and splits at spaces."""
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    (tmp_path / "m").mkdir()
    words.save(str(tmp_path / "m" / "tokenizer.json"))
    (tmp_path / "m" / "config.json").write_text('{"n_positions": 10}', encoding="utf-8")
    return ModelSource(name="tiny", path=tmp_path / "m", digest="d" * 64)


def test_a_prompt_that_cannot_be_rendered_is_found(suite_folder: Callable[..., Path]) -> None:
    yaml = HEAD + "  qa: {metrics: [bleu], prompt: '{{ input.note }}'}\n"

    with pytest.raises(ConfigError, match="prompt of task 'qa' does not fit gold item 'q'"):
        check_suite(load_suite(suite_folder(yaml, [ROW])))


def test_a_reference_that_is_no_pattern_is_found(suite_folder: Callable[..., Path]) -> None:
    yaml = HEAD + "  qa: {metrics: [regex], prompt: '{{ input }}'}\n"

    with pytest.raises(GoldError, match=r"'q': the reference '\(x' is not a pattern"):
        check_suite(load_suite(suite_folder(yaml, [{**ROW, "references": ["(x"]}])))


def test_with_a_pattern_of_its_own_regex_reads_no_reference(
    suite_folder: Callable[..., Path],
) -> None:
    yaml = HEAD + "  qa: {metrics: [{regex: 'a+'}], prompt: '{{ input }}'}\n"

    check_suite(load_suite(suite_folder(yaml, [{**ROW, "references": ["(x"]}])))


def test_a_faulty_continuation_is_found(suite_folder: Callable[..., Path]) -> None:
    yaml = HEAD + "  qa: {type: multiple_choice, continuation: '{{ choice }}{{ input.x }}'}\n"
    row = {"id": "q", "task": "qa", "input": "?", "choices": ["a", "b"], "answer": 0}

    with pytest.raises(ConfigError, match="does not fit gold item 'q'"):
        check_suite(load_suite(suite_folder(yaml, [row])))


def test_a_faulty_metric_parameter_is_found(suite_folder: Callable[..., Path]) -> None:
    yaml = HEAD + "  qa: {metrics: [{perplexity: {per: word}}]}\n"

    with pytest.raises(ConfigError, match="'perplexity' has no parameter 'per'"):
        check_suite(load_suite(suite_folder(yaml, [ROW])))


def test_a_prompt_with_its_completion_must_fit_the_model(
    suite_folder: Callable[..., Path], model: ModelSource
) -> None:
    rows = [
        ROW,
        ROW | {"id": "long", "input": "a b c d e f g h"},
        ROW | {"id": "longer", "input": "x " * 20},
    ]
    fits = load_suite(suite_folder(HEAD + "  qa: {metrics: [bleu], max_tokens: 7}\n", rows[:1]))
    suite = load_suite(suite_folder(HEAD + "  qa: {metrics: [bleu], max_tokens: 7}\n", rows))

    check_suite(fits, model)
    with pytest.raises(ModelError) as caught:
        check_suite(suite, model)

    assert (
        "suite.yaml: gold item 'longer' takes 27 tokens with its completion (and 1 more are too "
        "long); tiny has a context of 10: shorten the prompt or max_tokens" in str(caught.value)
    )


def test_own_answers_are_not_known_yet_and_not_counted(
    suite_folder: Callable[..., Path], model: ModelSource
) -> None:
    turns = [
        {"role": role, "content": text}
        for role, text in (("user", "a b"), ("assistant", "c " * 30), ("user", "d"))
    ]
    row = {"id": "d", "task": "t", "input": turns, "references": ["x"]}
    yaml = HEAD + "  t: {{type: multi_turn, max_tokens: 3, history: {}}}\n"

    check_suite(load_suite(suite_folder(yaml.format("own"), [row])), model)
    with pytest.raises(ModelError, match="'d#2' takes 35 tokens"):
        check_suite(load_suite(suite_folder(yaml.format("gold"), [row])), model)


def test_a_text_of_any_length_can_be_scored(
    suite_folder: Callable[..., Path], model: ModelSource
) -> None:
    row = {"id": "t", "task": "t", "input": "x " * 500}

    check_suite(load_suite(suite_folder(HEAD + "  t: {type: perplexity}\n", [row])), model)


def test_short_texts_are_not_tokenised(
    suite_folder: Callable[..., Path], model: ModelSource
) -> None:
    (model.path / "tokenizer.json").write_text("broken", encoding="utf-8")
    (model.path / "config.json").write_text(json.dumps({"n_positions": 99}), encoding="utf-8")

    check_suite(load_suite(suite_folder(HEAD + "  qa: {metrics: [bleu]}\n", [ROW])), model)
