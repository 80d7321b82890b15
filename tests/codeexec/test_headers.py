"""What every answer says to browsers, and what no answer says to anybody."""

from typing import Any

import django
import pytest
from django.test import Client

from executions.running.executor import set_executor
from tests.conftest import Page, database_fails
from tests.fakes import FakeExecutor

TOLD = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def answers(page: Page, admin_client: Client) -> list[Any]:
    """Return an answer of each kind: of the API, of the admin, and of what is not there."""
    return [
        page.run(),
        page.run(""),
        page.post({"code": "1"}, x_api_key=None),
        page.client.get("/health"),
        page.client.get("/nothing"),
        page.client.get("/health", headers={"Host": "evil.example"}),
        admin_client.get("/admin/"),
        admin_client.get("/admin/login/"),
        admin_client.get("/admin/apikeys/apikey/"),
        admin_client.get("/admin/nothing/"),
    ]


def test_every_answer_is_sealed(page: Page, admin_client: Client) -> None:
    for response in answers(page, admin_client):
        assert {name: response.headers.get(name) for name in TOLD} == TOLD, response.request["PATH_INFO"]
        assert "Server" not in response
        assert "X-Powered-By" not in response


def test_every_page_of_the_admin_has_its_policy(page: Page, admin_client: Client) -> None:
    pages = [
        response for response in answers(page, admin_client) if response.request["PATH_INFO"].startswith("/admin/")
    ]
    assert len(pages) == 4
    for response in pages:
        assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/execute", "/admin/", "/admin/apikeys/apikey/"])
def test_a_fault_shows_nothing_of_our_insides(page: Page, admin_client: Client, path: str) -> None:
    admin_client.raise_request_exception = False
    if path == "/execute":
        fake = FakeExecutor()
        fake.error = ValueError("a bug")  # type: ignore[assignment]
        set_executor(fake)
        response = page.run()
    else:
        with database_fails("SELECT"):
            response = admin_client.get(path)
    text = response.content.decode()
    assert response.status_code == 500
    assert response.json()["code"] == "server_error"
    for inside in ("Traceback", "ValueError", "OperationalError", "a bug", ".py", "Django", django.get_version()):
        assert inside not in text
