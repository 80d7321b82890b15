"""The API's documentation page in a real browser: a visitor reads it and runs a program from it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]


@pytest.fixture
def service(tmp_path: Path, static_files: None) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="1", SANDBOX_MAX_CONCURRENT="1") as service:
        yield service


def test_a_visitor_with_a_secret_key_runs_a_program_without_browser_errors(service: Service, browser: Browser) -> None:
    [key] = re.findall(r"pl_live_sec_\w+", service.manage("create_key", "Mine", "--kind", "secret"))
    said: list[str] = []
    asked: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service.url}/docs")
    page.click("button.authorize")
    page.fill(".modal-ux input", key)
    page.click(".modal-ux .modal-btn.authorize")
    page.click(".modal-ux .btn-done")
    page.click("text=Run a program")
    page.click("text=Try it out")
    page.click("button.execute")
    expect(page.locator(".live-responses-table")).to_contain_text("Hello, Ada")
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"
    assert said == []
    assert all(url.startswith((service.url, "data:")) for url in asked)
