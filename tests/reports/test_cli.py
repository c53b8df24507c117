"""`tunemark report` and `tunemark view`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.report import report
from harness.cli.view import view
from harness.errors import InputError, MissingExtraError, StoreError
from tests.reports.support import Stored


def test_report_is_written_into_the_study(stored: Stored) -> None:
    done = CliRunner().invoke(report, ["tiny", "--root", str(stored.root)])

    assert done.output.strip() == str(stored.folder / "report.html")
    assert (stored.folder / "report.html").exists()


def test_report_goes_where_out_says(stored: Stored, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "study.html"

    CliRunner().invoke(
        report, ["tiny", "--root", str(stored.root), "--out", str(out), "--lang", "zh"]
    )

    assert "保留 lora" in out.read_text(encoding="utf-8")


def test_study_may_be_named_by_its_file(stored: Stored, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: tiny\nmodel: m\nsuites: [s]\nprimary: [{suite: s, metric: m}]\n", encoding="utf-8"
    )

    done = CliRunner().invoke(report, [str(file), "--root", str(stored.root)])

    assert done.exit_code == 0


def test_report_of_an_unknown_study_is_a_store_error(stored: Stored) -> None:
    done = CliRunner().invoke(report, ["other", "--root", str(stored.root)])

    assert isinstance(done.exception, StoreError)
    assert "no result yet" in str(done.exception)


def test_view_without_streamlit_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)

    done = CliRunner().invoke(view, ["--no-browser"])

    assert isinstance(done.exception, MissingExtraError)
    assert "tunemark[reports]" in str(done.exception)


@pytest.mark.usefixtures("socket_enabled")
def test_view_refuses_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = CliRunner().invoke(view, ["--root", str(tmp_path), "--port", str(port)])

    assert isinstance(done.exception, InputError)
    assert "--port" in str(done.exception)
