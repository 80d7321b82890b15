"""The offer of a staff account when `make run` serves on a terminal."""

from pathlib import Path

import pexpect
import pytest
import requests

from tests.service import READY_SECONDS, ROOT, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.timeout(240)]

OFFER = "Make one now"
PASSWORD = "correct horse battery staple"
LAST_PRINTED = "Or try it from another terminal"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Return the settings of a service with an empty database. `scripts/serve` starts it."""
    service = Service(tmp_path, SANDBOX_POOL_SIZE="1")
    service.database.touch()
    return service


def serve(service: Service) -> "pexpect.spawn[str]":
    """Do as `make run` does once all is installed."""
    return pexpect.spawn("scripts/serve", cwd=ROOT, env=service.environment, timeout=60, encoding="utf-8")


def test_a_staff_account_is_offered_once(service: Service) -> None:
    with serve(service) as terminal:
        terminal.expect(OFFER)
        terminal.sendline("y")
        for question, answer in (("Username", "ada"), ("Email", ""), ("Password:", PASSWORD), ("again", PASSWORD)):
            terminal.expect(question)
            terminal.sendline(answer)
        terminal.expect("created")
        terminal.expect(LAST_PRINTED)
        assert eventually(service.is_healthy, READY_SECONDS)
        with requests.Session() as browser:
            browser.get(f"{service.url}/admin/login/")
            form = {
                "username": "ada",
                "password": PASSWORD,
                "next": "/playground/",
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            }
            entered = browser.post(f"{service.url}/admin/login/", data=form)
            assert (entered.status_code, entered.url) == (200, f"{service.url}/playground/")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
    with serve(service) as terminal:
        assert terminal.expect([LAST_PRINTED, OFFER]) == 0


@pytest.mark.parametrize("answer", ["", "n", "\x04"])
def test_no_account_is_made_without_a_yes(service: Service, answer: str) -> None:
    with serve(service) as terminal:
        terminal.expect(OFFER)
        terminal.sendline(answer)
        assert terminal.expect([LAST_PRINTED, "Username"]) == 0
