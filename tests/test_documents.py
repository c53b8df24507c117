"""README, ARCHITECTURE and the JSON Schemas say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli import VERBS
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.registry import METRICS
from harness.spec import Spec
from harness.tasks import PRESETS, TaskConfig
from scripts.metric_table import with_tables
from scripts.schemas import FOLDER, SCHEMAS, schema_text
from tests.harness.metrics.support import value

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SUITE_FORMAT = (ROOT / "suites" / "README.md").read_text(encoding="utf-8")
CODE = sorted(
    path.relative_to(ROOT)
    for package in ("harness", "finetune", "reports")
    for path in (ROOT / package).glob("*.py")
    if path.name != "__init__.py"
)


@pytest.mark.parametrize("verb", VERBS)
def test_readme_lists_every_verb_with_its_help(verb: str) -> None:
    assert re.search(rf"^tunemark {verb} +{re.escape(VERBS[verb][1])}$", README, re.MULTILINE)


@pytest.mark.parametrize("metric", METRICS)
def test_readme_has_a_row_for_every_metric(metric: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]

    assert any(f"`{metric}`" in row.split("|")[1] for row in rows)


def test_readmes_tables_are_those_of_the_code() -> None:
    assert with_tables(README) == README, "run `make schemas`"


@pytest.mark.parametrize("path", CODE, ids=str)
def test_the_tree_has_every_module(path: Path) -> None:
    assert path.name in ARCHITECTURE


def test_the_tree_names_everything_once() -> None:
    tree = ARCHITECTURE.split("## The tree")[1].split("```")[1]

    for package in re.split(r"^(?=\w)", tree, flags=re.MULTILINE):
        names = re.findall(r"^  ([^\s]+)", package, flags=re.MULTILINE)
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_up_to_date(name: str) -> None:
    text = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")

    assert text == schema_text(SCHEMAS[name]), "run `make schemas`"


def test_the_metric_in_contributing_can_be_used_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    match = re.search(r"```python\n# my-suite/(\w+\.py)\n(.*?)```", text, re.DOTALL)
    assert match is not None
    (tmp_path / match[1]).write_text(match[2], encoding="utf-8")
    setting = Setting(language="en", folder=tmp_path, trusts_code=True)

    metric = build_metric(Spec(name="custom", params={"value": match[1]}), setting)

    assert value(metric, [("Take two [1].", ("x",)), ("Take two.", ("x",))]) == 0.5


def test_links_in_documents_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README + ARCHITECTURE)

    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("setting", TaskConfig.model_fields)
def test_the_suite_format_lists_every_setting_of_a_task(setting: str) -> None:
    assert any(line.startswith(f"| `{setting}` |") for line in SUITE_FORMAT.splitlines())


@pytest.mark.parametrize("kind", PRESETS)
def test_the_suite_format_lists_every_task_type(kind: str) -> None:
    assert any(line.startswith(f"| `{kind}` |") for line in SUITE_FORMAT.splitlines())
