from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.embedding import Encoded, own_pooling
from harness.errors import MissingExtraError, ModelError
from harness.metrics import similarity as similarity_module
from harness.metrics.base import Metric, Setting
from harness.metrics.build import build_metric
from harness.metrics.similarity import greedy_match
from harness.spec import Spec
from tests.harness.metrics.support import items, matrix, value


class LetterEncoder:
    """One token per character, a fixed vector for each; "^" and "$" are special tokens."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str], *, layer: int | None = None) -> Iterator[Encoded]:
        self.texts.extend(texts)
        for text in texts:
            vectors = [np.random.default_rng(ord(c)).normal(size=8) for c in text]
            yield Encoded(
                vectors=np.asarray(vectors, dtype=np.float32),
                is_special=np.array([c in "^$" for c in text]),
            )


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> LetterEncoder:
    fake = LetterEncoder()
    monkeypatch.setattr(similarity_module, "load_encoder", lambda folder: fake)
    return fake


@pytest.fixture
def build(model_folder: Path, encoder: LetterEncoder) -> Callable[..., Metric]:
    def make(name: str, **params: Any) -> Metric:
        spec = Spec(name=name, params={"model": model_folder.name, **params})
        return build_metric(spec, Setting(language="en", folder=model_folder.parent))

    return make


def test_greedy_matching_equals_bert_score() -> None:
    # bert_score.utils.greedy_cos_idf of bert-score 0.3.13 on the same vectors, weight 0 for the
    # first and last token as the package gives to [CLS] and [SEP].
    rng = np.random.default_rng(7)
    answer, reference = (
        Encoded(
            vectors=rng.normal(size=(n, 4)).astype("float32"),
            is_special=np.array([True, *[False] * (n - 2), True]),
        )
        for n in (5, 7)
    )

    found = greedy_match(answer, reference)

    assert found["precision"] == pytest.approx(0.5459612011909485, abs=1e-6)
    assert found["recall"] == pytest.approx(0.6723314523696899, abs=1e-6)
    assert found["f1"] == pytest.approx(0.6025922894477844, abs=1e-6)


@pytest.mark.parametrize("name", ["similarity", "bertscore"])
@pytest.mark.parametrize("text", ["the cat", "药片", "药 a，3"])
def test_identical_text_scores_one(build: Callable[..., Metric], name: str, text: str) -> None:
    metric = build(name)

    same, other = metric.reduce(matrix(metric, [(text, (text,)), ("zq", (text,))]))

    assert same == 1.0
    assert -1.0 <= other < 1.0


def test_a_text_is_as_like_itself_as_can_be_without_comparing_the_strings() -> None:
    (encoded,) = LetterEncoder().encode(["药 cat"])

    assert greedy_match(encoded, encoded)["f1"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["similarity", "bertscore"])
def test_the_nearest_reference_counts(build: Callable[..., Metric], name: str) -> None:
    metric = build(name)

    both, first, second = metric.reduce(
        matrix(metric, [("cat", ("dog", "car")), ("cat", ("dog",)), ("cat", ("car",))])
    )

    assert both == max(first, second)


@pytest.mark.parametrize("name", ["similarity", "bertscore"])
def test_an_empty_answer_scores_zero(build: Callable[..., Metric], name: str) -> None:
    assert value(build(name), [(" ", ("cat",))]) == 0.0


@pytest.mark.parametrize("name", ["similarity", "bertscore"])
def test_values_are_those_of_single_items_however_many_come_at_once(
    build: Callable[..., Metric], name: str
) -> None:
    metric = build(name)
    pairs = [("".join(chr(97 + (i * k) % 26) for k in range(1, 5)), ("cat",)) for i in range(150)]

    together = matrix(metric, pairs)
    alone = np.vstack([matrix(metric, [pair]) for pair in pairs])

    assert together == pytest.approx(alone, abs=1e-6)


def test_every_text_is_encoded_once_with_its_prefix(
    build: Callable[..., Metric], encoder: LetterEncoder
) -> None:
    build("similarity", prefix="query: ").measure(items([("a", ("b",)), ("b", ("a", "b"))]))

    assert sorted(encoder.texts) == ["query: a", "query: b"]


def test_precision_and_recall_can_be_had(build: Callable[..., Metric]) -> None:
    pair = [("cat sat", ("cat",))]

    precision = value(build("bertscore", measure="precision"), pair)
    recall = value(build("bertscore", measure="recall"), pair)

    assert recall == pytest.approx(1.0, abs=1e-6)
    assert precision < recall


def test_the_signature_names_model_pooling_and_library(build: Callable[..., Metric]) -> None:
    signature = build("similarity", pooling="cls", prefix="q: ").signature

    assert signature.startswith("similarity@1|model:tiny-model#")
    assert "|pool:cls|prefix:'q: '|refs:max|transformers:" in signature
    assert str(Path.home()) not in signature


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
    ],
)
def test_a_sentence_model_says_itself_how_it_pools(
    model_folder: Path, config: dict[str, bool], pooling: str
) -> None:
    (model_folder / "1_Pooling").mkdir()
    (model_folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    assert own_pooling(model_folder) == pooling


def test_any_other_model_is_pooled_by_the_mean(model_folder: Path) -> None:
    assert own_pooling(model_folder) == "mean"


def test_a_dense_layer_is_refused(model_folder: Path) -> None:
    kinds = ["Transformer", "Pooling", "Dense"]
    modules = [{"type": f"sentence_transformers.models.{kind}"} for kind in kinds]
    (model_folder / "modules.json").write_text(json.dumps(modules))

    with pytest.raises(ModelError, match="has a Dense part, which is not supported"):
        own_pooling(model_folder)


def test_a_layer_that_the_model_does_not_have_is_refused(
    build: Callable[..., Metric], model_folder: Path
) -> None:
    (model_folder / "config.json").write_text('{"num_hidden_layers": 4}')

    with pytest.raises(ModelError, match="has the layers 0 to 4, not 5"):
        build("bertscore", layer=5)


def test_without_torch_the_message_names_the_extra(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    spec = Spec(name="similarity", params={"model": str(model_folder)})
    metric = build_metric(spec, Setting(language="en"))

    with pytest.raises(MissingExtraError, match=r"tunemark\[hf\]"):
        metric.measure(items([("a", ("b",))]))
