"""Facts and documents as questions, by rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.build import build_recipes, build_rows, written_rows
from finetune.data.cloze import BLANK, Cloze, cloze_questions
from finetune.data.sentences import paragraphs, sentences
from harness.errors import ConfigError, DataError

EN = (
    "Dr. Lane keeps Quelvadine at 4 °C. It is never frozen. Adults take 2 tablets, i.e. 20 mg, a "
    "day. Harrow Lane closes at 6 p.m. on weekdays.\n\nQuelvadine is a drug that is used for night "
    "cramps."
)
ZH = "维洛林片是指用于治疗偏头痛的复方制剂。成人每次服用12毫克，每日不超过三次。该药不得与酒同服。"


def questions(text: str, language: Any, **config: Any) -> list[tuple[str, str]]:
    found = cloze_questions(Cloze(**config), [{"text": text}], language, where="recipe")
    return [(str(one.fields["text"]), str(one.fields["answer"])) for one in found]


def test_english_sentences_end_at_full_stops_but_not_at_shortened_words() -> None:
    first, second = paragraphs(EN)

    assert sentences(first, "en") == [
        "Dr. Lane keeps Quelvadine at 4 °C.",
        "It is never frozen.",
        "Adults take 2 tablets, i.e. 20 mg, a day.",
        "Harrow Lane closes at 6 p.m. on weekdays.",
    ]
    assert sentences(second, "en") == ["Quelvadine is a drug that is used for night cramps."]


def test_chinese_sentences_keep_their_quotes_and_lines() -> None:
    assert sentences("他说：“好！”然后走了。\n第二行没有句号", "zh") == [
        "他说：“好！”",
        "然后走了。",
        "第二行没有句号",
    ]


@given(text=st.text("ab. A!?。！\n”", max_size=60), language=st.sampled_from(["en", "zh"]))
def test_no_character_of_a_text_is_lost(text: str, language: Any) -> None:
    found = "".join(one for part in paragraphs(text) for one in sentences(part, language))

    assert "".join(found.split()) == "".join(text.split())


def test_numbers_are_left_out_with_their_units() -> None:
    assert questions(EN, "en", per_document=9) == [
        ("Dr. Lane keeps Quelvadine at ____.", "4 °C"),
        ("Adults take ____, i.e. 20 mg, a day.", "2 tablets"),
        ("Adults take 2 tablets, i.e. ____, a day.", "20 mg"),
        ("Harrow Lane closes at ____ p.m. on weekdays.", "6"),
    ]
    assert questions(ZH, "zh", per_document=9) == [
        ("成人每次服用____，每日不超过三次。", "12毫克"),
        ("成人每次服用12毫克，每日不超过____。", "三次"),
    ]


def test_definitions_are_asked_for() -> None:
    assert questions(EN, "en", mask=("definition",)) == [
        ("Quelvadine", "Quelvadine is a drug that is used for night cramps.")
    ]
    assert questions(ZH, "zh", mask=("definition",)) == [("维洛林片", ZH.split("。")[0] + "。")]


def test_terms_are_left_out_everywhere_in_a_sentence() -> None:
    assert questions(ZH, "zh", mask=("term",), terms=("偏头痛", "头痛")) == [
        ("维洛林片是指用于治疗____的复方制剂。", "偏头痛")
    ]


def test_a_missing_sentence_has_its_neighbours_around_it() -> None:
    assert questions(ZH, "zh", mask=("sentence",)) == [
        (
            "维洛林片是指用于治疗偏头痛的复方制剂。____该药不得与酒同服。",
            "成人每次服用12毫克，每日不超过三次。",
        )
    ]


@given(text=st.text("0123 456. A药克，。mg", max_size=80), language=st.sampled_from(["en", "zh"]))
def test_what_is_asked_never_stands_in_the_question(text: str, language: Any) -> None:
    found = questions(text + "x", language, mask=("number",), min_words=1, per_document=50)

    assert [(shown, said) for shown, said in found if BLANK not in shown or said in shown] == []


def test_only_so_many_are_drawn_and_always_the_same() -> None:
    text = " ".join(f"Ward number {i} has {i + 40} beds in all." for i in range(1, 30))

    drawn = questions(text, "en", per_document=4, seed=3)

    assert len(drawn) == 4
    assert drawn == questions(text, "en", per_document=4, seed=3)
    assert drawn != questions(text, "en", per_document=4, seed=4)


def recipe(folder: Path, body: str, facts: str, name: str = "facts.csv") -> Path:
    (folder / name).write_text(facts, encoding="utf-8")
    (folder / "build.yaml").write_text(
        f"name: a\nlanguage: zh\nsources: {{facts: {name}}}\nrecipes:\n"
        f"  - name: kg\n    from: facts\n    {body}\n",
        encoding="utf-8",
    )
    return folder / "build.yaml"


FACTS = "subject,relation,object\n甲,治,头痛\n甲,治,偏头痛\n乙,治,头痛\n乙,量,5毫克\n"
ASK = "triples: {ask: {治: ['{{ subject }}治什么？'], '*': ['{{ subject }}的{{ relation }}？']}"


def test_facts_with_one_question_are_one_row(tmp_path: Path) -> None:
    rows = build_rows(recipe(tmp_path, ASK + ", reverse: {治: ['什么治{{ object }}？']}}", FACTS))

    assert [tuple(turn.content for turn in row.messages) for row in rows] == [
        ("甲治什么？", "头痛、偏头痛"),
        ("乙治什么？", "头痛"),
        ("乙的量？", "5毫克"),
        ("什么治头痛？", "甲、乙"),
        ("什么治偏头痛？", "甲"),
    ]


def test_a_relation_without_a_question_is_told(tmp_path: Path) -> None:
    file = recipe(tmp_path, "triples: {ask: {治: ['{{ subject }}？']}}", FACTS)

    with pytest.raises(ConfigError, match=r"recipe 'kg', item 3: relation '量' has no question"):
        build_rows(file)


def test_a_fact_without_an_object_is_told(tmp_path: Path) -> None:
    file = recipe(tmp_path, ASK + "}", FACTS + "丙,治,\n")

    with pytest.raises(DataError, match=r"recipe 'kg', item 4: a fact needs a text under 'object'"):
        build_rows(file)


def test_documents_come_from_text_files(tmp_path: Path) -> None:
    rows = build_rows(recipe(tmp_path, "cloze: {mask: [number]}", ZH, "facts.txt"))

    assert [row.messages[-1].content for row in rows] == ["12毫克", "三次"]
    assert rows[0].messages[0].content.startswith("请填写下文空白处的内容。\n\n成人每次")


def test_a_document_without_its_field_is_told(tmp_path: Path) -> None:
    file = recipe(tmp_path, "cloze: {field: body}", ZH, "facts.txt")

    with pytest.raises(DataError, match=r"recipe 'kg', item 0: no text under 'body'"):
        build_rows(file)


def test_terms_and_their_mask_go_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mask `term` and a list of `terms` go together"):
        build_rows(recipe(tmp_path, "cloze: {mask: [term]}", ZH, "facts.txt"))


def test_written_rows_say_where_they_come_from(tmp_path: Path) -> None:
    file = recipe(tmp_path, ASK + "}", FACTS)

    written = written_rows(build_recipes(file), "alpaca")

    assert written[0] == {
        "instruction": "甲治什么？",
        "input": "",
        "output": "头痛、偏头痛",
        "recipe": "kg",
        "origin": f"{file}: recipe 'kg', item 0",
    }
