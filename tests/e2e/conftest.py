"""A whole service shared by all tests that leave it intact, services of a test's own, a browser and a web site."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.service import ROOT, DeployedService, Service

CHROMIUM = Path(__file__).with_name("chromium")
HOPELESS_MILLISECONDS = 30_000
"""How long a page may take to show what a test expects: long, because the machine may be busy."""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with DeployedService(tmp_path_factory.mktemp("service"), SANDBOX_SCIENCE_POOL_SIZE="1") as service:
        yield service


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Collect the static files once for all processes of a test run: their services share the directory."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "static-files-are-collected").open("a") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)
        if os.fstat(stamp.fileno()).st_size == 0:
            command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
            subprocess.run(command, cwd=ROOT, check=True)
            stamp.write("yes")


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="2", SANDBOX_MAX_CONCURRENT="10") as service:
        yield service


@pytest.fixture(scope="module")  # not longer: while Playwright runs, Django refuses to use a database in this thread
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=HOPELESS_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Return a browser whose pages have no cookies, storage or cache in common with those of other tests."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@dataclass(frozen=True)
class Site:
    """A web site at its own origin, which serves the files in the directory."""

    directory: Path
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def other_origin(self) -> str:
        """The origin of the same pages that the browser takes for another site."""
        return f"http://localhost:{self.port}"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(directory, server.server_port)
    server.shutdown()
    server.server_close()
