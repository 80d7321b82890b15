"""The security headers of responses, and what no response shows."""

from typing import Any

import django
import pytest
from django.test import Client

from executions.running.backend import Backend, set_backend
from tests.conftest import Page, database_fails
from tests.fakes import FakeExecutor

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def answers(page: Page, admin_client: Client) -> list[Any]:
    """Return a response of each kind: from the API, from the admin, and 404."""
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


def test_every_response_has_the_security_headers(page: Page, admin_client: Client) -> None:
    for response in answers(page, admin_client):
        assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, response.request[
            "PATH_INFO"
        ]
        assert "Server" not in response
        assert "X-Powered-By" not in response


def test_every_admin_page_has_a_content_security_policy(page: Page, admin_client: Client) -> None:
    pages = [
        response for response in answers(page, admin_client) if response.request["PATH_INFO"].startswith("/admin/")
    ]
    assert len(pages) == 4
    for response in pages:
        assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/execute", "/admin/", "/admin/apikeys/apikey/"])
def test_a_server_error_shows_nothing_internal(page: Page, admin_client: Client, path: str) -> None:
    admin_client.raise_request_exception = False
    if path == "/execute":
        fake = FakeExecutor()
        fake.error = ValueError("a bug")  # type: ignore[assignment]
        set_backend(Backend(fake))
        response = page.run()
    else:
        with database_fails("SELECT"):
            response = admin_client.get(path)
    text = response.content.decode()
    assert response.status_code == 500
    assert response.json()["code"] == "server_error"
    for inside in ("Traceback", "ValueError", "OperationalError", "a bug", ".py", "Django", django.get_version()):
        assert inside not in text
