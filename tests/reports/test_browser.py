"""The viewer in a real browser."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.reports.support import Stored

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 60.0
"""Seconds for the server and for each page, on a busy machine."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture
def address(stored: Stored) -> Iterator[str]:
    """Serve the stored study on a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-c", "from harness.cli import main; main()", "view", "--no-browser",
        "--root", str(stored.root), "--port", str(port),
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


@pytest.fixture
def page() -> Iterator[Any]:
    """Open a browser page."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


def test_overview_and_samples_are_readable_without_console_errors(address: str, page: Any) -> None:
    errors: list[str] = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.goto(address)
    page.get_by_role("heading", name="Keep lora").wait_for()
    page.locator("svg circle.tm-dot").first.wait_for()
    page.get_by_text("Read the answers").click()
    page.get_by_text("每日0毫克").first.wait_for()

    assert errors == []


def test_report_shows_its_samples_and_filters_them(stored: Stored, page: Any) -> None:
    from reports.html import write_report

    errors: list[str] = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    file = write_report(stored.result, stored.root, stored.folder)

    page.goto(file.as_uri())
    page.locator("select[name=kind]").select_option("lost")
    page.locator("details.tm-card:visible summary").first.click()

    assert page.locator("details.tm-card:visible .tm-sample").first.is_visible()
    assert page.locator("details.tm-card[data-kind=gained]:visible").count() == 0
    assert errors == []


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"{address} did not answer in {PATIENCE:.0f} s")
