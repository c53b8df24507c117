"""Embeddings of real weights: SmolLM2, and a small BERT with special tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.embedding import Encoder
from harness.metrics.base import Metric, Setting
from harness.metrics.build import build_metric
from harness.metrics.similarity import greedy_match
from harness.models import ModelSource
from harness.spec import Spec
from tests.harness.metrics.support import matrix

pytestmark = pytest.mark.model

PAIRS = (
    ("The capital of France is Paris.", ("Paris is the capital of France.",)),
    ("It rains in London.", ("Paris is the capital of France.",)),
    ("巴黎是法国的首都。", ("法国的首都是巴黎。",)),
)


def built(name: str, **params: Any) -> Metric:
    spec = Spec(name=name, params={"model": "smollm2-135m-instruct", **params})
    return build_metric(spec, Setting(language="en"))


def test_bertscore_equals_the_package_on_real_hidden_states() -> None:
    # bert-score 0.3.13, bert_cos_score_idf, idf weights 1, last layer of SmolLM2-135M-Instruct.
    metric = built("bertscore")

    found = metric.reduce(matrix(metric, PAIRS))

    assert found == pytest.approx([0.8760730, 0.8073784, 0.9025000], abs=1e-4)


def test_a_paraphrase_is_nearer_than_another_statement() -> None:
    metric = built("similarity")

    paraphrase, other, chinese = metric.reduce(matrix(metric, PAIRS))

    assert 0 < other < paraphrase < 1
    assert other < chinese < 1


def test_padding_does_not_change_a_text(model: ModelSource) -> None:
    encoder = Encoder(model.path)
    short, long = "It rains.", "It rains in London, and it has rained there for weeks and weeks."

    (alone,) = encoder.encode([short])
    padded, _ = encoder.encode([short, long])

    assert alone.vectors.shape == padded.vectors.shape
    assert padded.vectors == pytest.approx(alone.vectors, abs=2e-2)  # hidden values reach 100
    assert greedy_match(alone, padded)["f1"] == pytest.approx(1.0, abs=1e-5)


def test_a_text_is_equal_to_itself(model: ModelSource) -> None:
    one, two = Encoder(model.path).encode(["药片每日口服两次。"] * 2)

    assert float((one.pooled("mean") - two.pooled("mean")).sum()) == 0.0
    assert greedy_match(one, two)["f1"] == pytest.approx(1.0, abs=1e-6)


def test_a_layer_can_be_chosen(model: ModelSource) -> None:
    encoder = Encoder(model.path)

    (embeddings,), (last,) = (
        list(encoder.encode(["It rains."], layer=layer)) for layer in (0, None)
    )

    assert embeddings.vectors.shape == last.vectors.shape
    assert not (embeddings.vectors == last.vectors).all()


def test_special_tokens_are_matched_but_do_not_count(tmp_path: Path) -> None:
    encoder = Encoder(tiny_bert(tmp_path))

    (encoded,) = encoder.encode(["the cat sat ."])

    assert encoded.is_special.tolist() == [True, False, False, False, False, True]


def test_a_text_longer_than_the_context_is_cut(tmp_path: Path) -> None:
    encoder = Encoder(tiny_bert(tmp_path))

    (encoded,) = encoder.encode(["cat " * 100])

    assert encoded.vectors.shape == (16, 32)


def tiny_bert(folder: Path) -> Path:
    from transformers import (
        BertConfig,
        BertModel,
        BertTokenizerFast,  # pyright: ignore[reportAttributeAccessIssue] - made at import
    )

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "."]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder
