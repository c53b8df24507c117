"""TER against sacrebleu, which computes it, and against its published cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.ter import TER

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.spec import Spec
from tests.harness.metrics.corpora import CORPORA, streams
from tests.harness.metrics.support import Pairs, value

EN, ZH = Setting(language="en"), Setting(language="zh")

# sacrebleu test/test_ter.py, published as shares.
PUBLISHED = [
    ("aaaa bbbb cccc dddd", "aaaa bbbb cccc dddd", 0.0),
    ("dddd eeee ffff", "aaaa bbbb cccc", 100.0),
    ("", "a", 100.0),
    ("d e f g h a b c", "a b c d e f g h", 12.5),
]


@pytest.mark.parametrize(("answer", "reference", "expected"), PUBLISHED)
def test_ter_meets_the_values_in_sacrebleus_own_tests(
    answer: str, reference: str, expected: float
) -> None:
    assert value(build_metric("ter", EN), [(answer, (reference,))]) == expected


PARAMETERS: list[dict[str, Any]] = [
    {"normalized": False, "asian_support": False},
    {"normalized": True, "asian_support": False, "case_sensitive": True},
    {"normalized": True, "asian_support": True, "no_punct": True},
]


@pytest.mark.parametrize("params", PARAMETERS, ids=str)
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_corpus_ter_equals_sacrebleu(pairs: Pairs, params: dict[str, Any]) -> None:
    metric = build_metric(Spec(name="ter", params=params), EN)

    expected = TER(**params).corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(metric, pairs) == pytest.approx(expected, rel=1e-12)


texts = st.lists(st.sampled_from(["a", "b", "c", "d.", "药"]), max_size=8).map(" ".join)


@given(corpus=st.lists(st.tuples(texts, st.tuples(texts)), min_size=1, max_size=5))
def test_ter_of_any_texts_equals_sacrebleu(corpus: Pairs) -> None:
    expected = TER().corpus_score([answer for answer, _ in corpus], streams(corpus)).score

    assert value(build_metric("ter", EN), corpus) == pytest.approx(expected, rel=1e-12)


# sacrebleu test/test_ter.py: a realistic example from the WMT19 dev data, published as 0.136.
WMT19_ANSWERS = """\
wählen Sie " Bild neu berechnen , " um beim Ändern der Bildgröße Pixel hinzuzufügen oder zu entfernen , damit das Bild ungefähr dieselbe Größe aufweist wie die andere Größe .
wenn Sie alle Aufgaben im aktuellen Dokument aktualisieren möchten , wählen Sie im Menü des Aufgabenbedienfelds die Option " Alle Aufgaben aktualisieren . "
klicken Sie auf der Registerkarte " Optionen " auf die Schaltfläche " Benutzerdefiniert " und geben Sie Werte für " Fehlerkorrektur-Level " und " Y / X-Verhältnis " ein .
Sie können beispielsweise ein Dokument erstellen , das ein Auto über die Bühne enthält .
wählen Sie im Dialogfeld " Neu aus Vorlage " eine Vorlage aus und klicken Sie auf " Neu . "
"""
WMT19_REFERENCES = """\
wählen Sie " Bild neu berechnen , " um beim Ändern der Bildgröße Pixel hinzuzufügen oder zu entfernen , damit die Darstellung des Bildes in einer anderen Größe beibehalten wird .
wenn Sie alle Aufgaben im aktuellen Dokument aktualisieren möchten , wählen Sie im Menü des Aufgabenbedienfelds die Option " Alle Aufgaben aktualisieren . "
klicken Sie auf der Registerkarte " Optionen " auf die Schaltfläche " Benutzerdefiniert " und geben Sie für " Fehlerkorrektur-Level " und " Y / X-Verhältnis " niedrigere Werte ein .
Sie können beispielsweise ein Dokument erstellen , das ein Auto enthalt , das sich über die Bühne bewegt .
wählen Sie im Dialogfeld " Neu aus Vorlage " eine Vorlage aus und klicken Sie auf " Neu . "
"""


def test_ter_meets_the_published_value_of_a_corpus() -> None:
    lines = zip(WMT19_ANSWERS.splitlines(), WMT19_REFERENCES.splitlines(), strict=True)
    pairs: Pairs = [(answer, (reference,)) for answer, reference in lines]

    assert len(pairs) == 5
    assert value(build_metric("ter", EN), pairs) == pytest.approx(13.6, abs=1e-3)


def test_chinese_is_counted_by_characters_unless_told_otherwise() -> None:
    pairs: Pairs = [("患者每日口服两片。", ("患者每日口服一片。",))]

    by_character = value(build_metric("ter", ZH), pairs)
    by_spaces = value(build_metric("ter(normalized=false)", ZH), pairs)

    assert by_character == pytest.approx(100 / 9)
    assert by_spaces == 100.0


@pytest.mark.parametrize(
    "text", ["患者每日口服两片，共七天。", "服用Aspirin １００ｍｇ，每日1次。"]
)
def test_identical_chinese_texts_need_no_edit(text: str) -> None:
    assert value(build_metric("ter", ZH), [(text, (text,))]) == 0.0


def test_lower_is_better_without_an_upper_end() -> None:
    metric = build_metric("ter", EN)

    assert (metric.scale.better, metric.scale.low, metric.scale.high) == ("lower", 0, np.inf)
    assert value(metric, [("a b c d e f", ("x",))]) == 600.0


def test_without_any_reference_word_an_answer_is_wholly_wrong() -> None:
    metric = build_metric("ter", EN)

    assert value(metric, [("a b", ("",))]) == 100.0
    assert value(metric, [("", ("",))]) == 0.0


def test_the_signature_says_what_is_on() -> None:
    assert build_metric("ter", EN).signature.startswith(
        "ter@1|tok:tercom|case:lc|norm:no|punct:yes|asian:no|sacrebleu:"
    )
    assert build_metric("ter", ZH).signature.startswith(
        "ter@1|tok:tercom|case:lc|norm:yes|punct:yes|asian:yes|sacrebleu:"
    )
