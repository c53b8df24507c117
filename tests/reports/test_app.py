"""The viewer's pages, without a browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import reports
from tests.reports.support import Stored

APP = str(Path(reports.__file__).parent / "views" / "app.py")


def _open(monkeypatch: pytest.MonkeyPatch, root: Path, page: str, **query: str) -> AppTest:
    monkeypatch.setenv("TUNEMARK_RUNS", str(root))
    monkeypatch.setattr(sys, "argv", ["app.py"])
    app = AppTest.from_file(APP, default_timeout=30)
    app.run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


def _html(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html")) + "\n".join(
        str(block.value) for block in app.markdown
    )


@pytest.mark.parametrize("page", ["overview.py", "samples.py"])
def test_page_opens_without_an_error(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    app = _open(monkeypatch, stored.root, page)

    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", ["overview.py", "samples.py"])
def test_empty_root_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    app = _open(monkeypatch, tmp_path, page)

    assert not app.exception
    assert app.title[0].value == "No study here yet"
    assert "tunemark study run" in app.code[0].value


@pytest.mark.parametrize("page", ["overview.py", "samples.py"])
def test_damaged_result_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    folder = tmp_path / "studies" / "broken"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{", encoding="utf-8")

    app = _open(monkeypatch, tmp_path, page)

    assert not app.exception
    assert "cannot be read" in app.error[0].value


def test_overview_shows_the_advice_and_the_verdicts(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _html(_open(monkeypatch, stored.root, "overview.py"))

    assert "Keep lora" in page
    assert "regressed" in page
    assert "<svg" in page


def test_language_of_the_address_is_spoken(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    page = _html(_open(monkeypatch, stored.root, "overview.py", lang="zh"))

    assert "保留 lora" in page


def test_address_opens_one_sample(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    app = _open(monkeypatch, stored.root, "samples.py", suite="clinic", item="dose-11")

    assert "dose-11" in _html(app)
    assert "<script>alert" not in _html(app)
    assert "12 of 12" in app.main.caption[-1].value


def test_next_moves_on_and_changes_the_address(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _open(monkeypatch, stored.root, "samples.py")

    app.button(key="next").click().run()

    assert app.query_params["item"] == "dose-01"
    assert not app.exception


def test_mode_filters_the_list(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    app = _open(
        monkeypatch, stored.root, "samples.py", suite="general", configuration="lora",
        mode="regressed",
    )  # fmt: skip

    assert "No sample fits" in app.info[0].value


def test_search_narrows_the_list(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    app = _open(monkeypatch, stored.root, "samples.py")

    app.text_input[0].set_value("boo").run()

    assert "1 of 1" in app.main.caption[-1].value


def test_missing_run_folder_is_explained(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(stored.root / "clinic")

    app = _open(monkeypatch, stored.root, "samples.py")

    assert not app.exception
    assert "no completions here" in app.error[0].value


def test_viewer_imports_nothing_heavy() -> None:
    code = (
        "import sys, reports.html, reports.shell; "
        "print({'torch', 'transformers', 'vllm'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
