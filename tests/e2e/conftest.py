"""One whole service for all tests that do no harm to it, a way to have one's own, and a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from tests.service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    science = str(settings.SANDBOX_SCIENCE_POOL_SIZE)
    with Service(tmp_path_factory.mktemp("service"), SANDBOX_SCIENCE_POOL_SIZE=science) as service:
        yield service


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="2", SANDBOX_MAX_CONCURRENT="10") as service:
        yield service


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()
