"""Every error has the same shape."""

import pytest
from django.test import Client

from tests.conftest import ORIGIN, Page, database_fails
from web.errors import duration


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("has_key", [True, False])
def test_execute_refuses_all_methods_but_post(page: Page, method: str, has_key: bool) -> None:
    headers = {"Origin": ORIGIN} | ({"X-API-Key": page.token} if has_key else {})
    response = page.client.generic(method, "/execute", headers=headers)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    if method != "HEAD":
        assert response.json() == {"detail": f'Method "{method}" not allowed.', "code": "method_not_allowed"}


def test_a_method_override_header_is_ignored(page: Page) -> None:
    headers = {"Origin": ORIGIN, "X-API-Key": page.token, "X-HTTP-Method-Override": "POST"}
    assert page.client.get("/execute", headers=headers).status_code == 405
    headers["X-HTTP-Method-Override"] = "DELETE"
    response = page.client.post("/execute", {"code": "1"}, content_type="application/json", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["//", "/nothing", "/execute/", "/health/", "//execute", "/api/../admin", "/Execute", "/execute%2f", "/execute."],
)
def test_unknown_paths_get_404(client: Client, path: str) -> None:
    response = client.get(f"http://testserver{path}")  # in `//execute` alone, `execute` would be the host
    assert response.status_code == 404
    assert response.json() == {"detail": "There is nothing at this address.", "code": "not_found"}


def test_an_unknown_host_is_refused(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/health", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert response.json() == {"detail": "The request cannot be understood.", "code": "bad_request"}
    assert len(caplog.records) == 1
    assert "Traceback" not in caplog.text


def test_a_database_error_is_a_neutral_503(page: Page) -> None:
    with database_fails("SELECT"):
        body = page.run().json()
    assert body == {
        "detail": "The service cannot run programs right now. Please try again in a moment.",
        "code": "unavailable",
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (119, "119 seconds"), (121, "3 minutes"), (10_800, "3 h"), (12_000, "3 h 20 min")],
)
def test_duration_is_told_in_words_and_rounded_up(seconds: int, words: str) -> None:
    assert duration(seconds) == words
