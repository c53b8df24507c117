"""Recipes: structured records and fact triples become conversations."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from finetune.data.build import build_rows
from harness.errors import ConfigError, DataError

FACTS = (
    '{"subject": "Quelvadine", "relation": "use", "object": "night cramps"}\n'
    '{"subject": "Quelvadine", "relation": "form", "object": "coated tablet"}\n'
    '{"subject": "Tormipexol", "relation": "use", "object": "restless legs"}\n'
)
RECIPE = """\
name: facts
language: en
sources: {{facts: facts.jsonl}}
recipes:
  - name: use
    from: {source}
    where: {{relation: {relation}}}
    rows:
      - - user: "{user}"
        - assistant: "{{{{ object }}}}"
      - - user: "Again: {user}"
        - assistant: "{{{{ object }}}}"
"""


def recipe(
    folder: Path,
    *,
    source: str = "facts",
    relation: str = "use",
    user: str = "{{ subject }}?",
    facts: str = FACTS,
) -> Path:
    (folder / "facts.jsonl").write_text(facts, encoding="utf-8")
    text = RECIPE.format(source=source, relation=relation, user=user)
    (folder / "build.yaml").write_text(text, encoding="utf-8")
    return folder / "build.yaml"


def test_every_matching_item_gives_every_row_once(tmp_path: Path) -> None:
    rows = build_rows(recipe(tmp_path))

    assert [tuple(m.content for m in row.messages) for row in rows] == [
        ("Quelvadine?", "night cramps"),
        ("Again: Quelvadine?", "night cramps"),
        ("Tormipexol?", "restless legs"),
        ("Again: Tormipexol?", "restless legs"),
    ]


# Counted by hand from the recipes: items that match `where` × rows, for each recipe.
EN_ROWS = {
    "formulary-use": 48, "formulary-form": 48, "formulary-max-dose": 48,
    "formulary-storage": 48, "formulary-avoid-with": 48, "summary": 44, "triage": 44,
    "extraction-a": 66, "extraction-b": 66, "extraction-drug": 17, "dialogues": 24,
}  # fmt: skip
ZH_ROWS = {
    "formulary-use": 42, "formulary-dose": 42, "formulary-contraindication": 42,
    "formulary-reaction": 42, "formulary-time": 42, "summary": 40, "triage": 40,
    "summary-varied": 20, "extraction-duration-a": 20, "extraction-duration-b": 20,
    "extraction-drug-same-day": 10, "extraction-drug-appointment": 10,
    "extraction-follow-up-appointment": 10, "extraction-follow-up-home": 10,
    "extraction-finding": 10, "triage-varied": 20, "dialogues": 20,
}  # fmt: skip


@pytest.mark.parametrize(("suite", "expected"), [("clinic-en", EN_ROWS), ("clinic-zh", ZH_ROWS)])
def test_the_shipped_recipes_give_their_rows(
    ROOT: Path, suite: str, expected: dict[str, int]
) -> None:
    rows = build_rows(ROOT / "suites" / suite / "train" / "build.yaml")

    assert Counter(row.origin.split("recipe '")[1].split("'")[0] for row in rows) == expected


def test_an_unknown_source_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"recipe 'use': unknown source 'fact' \(did you mean 'f"):
        build_rows(recipe(tmp_path, source="fact"))


def test_a_condition_that_nothing_meets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe 'use': no source row matches `where`"):
        build_rows(recipe(tmp_path, relation="colour"))


def test_a_template_that_does_not_fit_names_recipe_and_item(tmp_path: Path) -> None:
    facts = '{"id": "f-7", "relation": "use", "object": "cramps"}\n'

    with pytest.raises(
        ConfigError, match=r"recipe 'use', item f-7: the user template does not fit"
    ):
        build_rows(recipe(tmp_path, facts=facts))


def test_an_item_without_an_id_is_named_by_its_number(tmp_path: Path) -> None:
    facts = FACTS + '{"relation": "use", "object": "cramps"}\n'

    with pytest.raises(ConfigError, match="recipe 'use', item 2: "):
        build_rows(recipe(tmp_path, facts=facts))


@pytest.mark.parametrize(
    "template",
    [
        "{{ subject.__class__ }}",
        "{{ subject.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ ''['__class__'] }}",
        "{{ subject.format.__self__ }}",
        "{{ '{0.__class__}'.format(subject) }}",
    ],
)
def test_templates_cannot_reach_python(tmp_path: Path, template: str) -> None:
    with pytest.raises(ConfigError, match="the user template does not fit"):
        build_rows(recipe(tmp_path, user=template.replace('"', "'")))


@pytest.mark.parametrize("template", ["{{ subject + 1 }}", "{{ 1 / 0 }}", "{{ subject | int(x) }}"])
def test_templates_that_fail_in_python_name_recipe_and_item(tmp_path: Path, template: str) -> None:
    with pytest.raises(ConfigError, match="recipe 'use', item 0: the user template does not fit"):
        build_rows(recipe(tmp_path, user=template))


def test_an_answer_that_renders_to_nothing_is_refused(tmp_path: Path) -> None:
    facts = '{"subject": "Quelvadine", "relation": "use", "object": " "}\n'

    with pytest.raises(DataError, match=r"recipe 'use', item 0: turn 1 \(assistant\) is empty"):
        build_rows(recipe(tmp_path, facts=facts))


def test_a_conversation_field_must_hold_turns(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text('{"id": "t1", "turns": ["Hello"]}\n', encoding="utf-8")
    (tmp_path / "build.yaml").write_text(
        "name: a\nlanguage: en\nsources: {talks: talks.jsonl}\n"
        "recipes:\n  - {name: talk, from: talks, messages: turns}\n",
        encoding="utf-8",
    )

    with pytest.raises(DataError, match=r"recipe 'talk', item t1: field 'turns' must be a list"):
        build_rows(tmp_path / "build.yaml")


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        ("", "give either `rows` or `messages`"),
        ("messages: m, rows: [[{user: a}, {assistant: b}]]", "give either `rows` or `messages`"),
        ("rows: [[{user: a, assistant: b}]]", "a turn is one of system, user, assistant"),
        ("rows: [[{human: a}]]", "a turn is one of system, user, assistant"),
    ],
)
def test_a_recipe_has_one_way_to_make_turns(tmp_path: Path, ways: str, message: str) -> None:
    (tmp_path / "build.yaml").write_text(
        "name: a\nlanguage: en\nsources: {facts: facts.jsonl}\n"
        f"recipes:\n  - {{name: use, from: facts, {ways}}}\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError, match=message):
        build_rows(tmp_path / "build.yaml")
