"""CORS headers: which pages may read our responses."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey
from executions.sandbox.results import SandboxBusy
from tests.conftest import ORIGIN, Page, database_fails
from tests.fakes import FakeExecutor

ALLOW_ORIGIN = "Access-Control-Allow-Origin"
OTHER = "https://other.example"


def preflight(client: Client, path: str, origin: str) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    return client.options(path, headers=headers)


def test_a_preflight_needs_no_key(page: Page) -> None:
    response = preflight(page.client, "/execute", ORIGIN)
    assert response.status_code == 200
    assert response[ALLOW_ORIGIN] == ORIGIN
    assert set(response["Access-Control-Allow-Headers"].split(", ")) == {
        "content-type",
        "x-api-key",
        "idempotency-key",
        *("traceparent", "tracestate", "baggage", "sentry-trace"),
    }
    assert set(response["Access-Control-Allow-Methods"].split(", ")) == {"POST", "OPTIONS"}
    assert "origin" in response["Vary"].lower()
    assert "Access-Control-Allow-Credentials" not in response


def test_page_can_read_the_404_of_a_wrong_path(page: Page) -> None:
    assert preflight(page.client, "/execute/", ORIGIN)[ALLOW_ORIGIN] == ORIGIN
    response = page.client.post("/execute/", {}, content_type="application/json", headers={"Origin": ORIGIN})
    assert (response.status_code, response[ALLOW_ORIGIN]) == (404, ORIGIN)
    assert ALLOW_ORIGIN not in preflight(page.client, "/execute/", "https://evil.example")


def test_pages_may_send_input_but_not_read_executions(page: Page) -> None:
    path = "/executions/01a20721-e828-7330-892d-0b9ae5257344"
    assert preflight(page.client, f"{path}/input", ORIGIN)[ALLOW_ORIGIN] == ORIGIN
    for closed in (path, f"{path}/input/", f"{path}/inputs", "/tokens"):
        assert ALLOW_ORIGIN not in preflight(page.client, closed, ORIGIN)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://pylearn.net", "https://pylearn.net.evil"])
def test_a_preflight_from_another_origin_is_not_allowed(page: Page, origin: str) -> None:
    assert ALLOW_ORIGIN not in preflight(page.client, "/execute", origin)


def test_the_origins_of_all_keys_are_allowed(page: Page) -> None:
    key, _ = create_key("Other", "publishable", [OTHER])
    assert preflight(page.client, "/execute", OTHER)[ALLOW_ORIGIN] == OTHER
    key.is_active = False
    key.save()
    assert ALLOW_ORIGIN not in preflight(page.client, "/execute", OTHER)


def test_the_origins_of_an_expired_key_are_not_allowed(page: Page) -> None:
    ApiKey.objects.filter(pk=create_key("Other", "publishable", [OTHER])[0].pk).update(expires=timezone.now())
    assert ALLOW_ORIGIN not in preflight(page.client, "/execute", OTHER)


def test_pages_can_read_the_response_and_its_headers(page: Page) -> None:
    response = page.run()
    assert response[ALLOW_ORIGIN] == ORIGIN
    exposed = set(response["Access-Control-Expose-Headers"].split(", "))
    assert exposed == {"Idempotent-Replayed", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"}


@pytest.mark.parametrize(
    ("status_code", "body", "headers"),
    [
        (400, b"{}", {}),
        (400, b"{", {}),
        (403, b"{}", {"x_api_key": "wrong"}),
        (413, b'"' + b"x" * 3_000_000 + b'"', {}),
        (415, b"{}", {"content_type": "text/plain"}),
        (503, b'{"code": "1"}', {}),
    ],
)
def test_pages_can_read_errors(
    page: Page, executor: FakeExecutor, status_code: int, body: bytes, headers: dict[str, str]
) -> None:
    executor.error = SandboxBusy("full")
    response = page.post(body, **headers)
    assert response.status_code == status_code
    assert response[ALLOW_ORIGIN] == ORIGIN


@pytest.mark.parametrize("path", ["/health", "/admin/", "/admin/login/", "/nothing"])
@pytest.mark.parametrize("origin", [ORIGIN, OTHER])
def test_only_the_api_allows_other_origins(page: Page, path: str, origin: str) -> None:
    create_key("Other", "publishable", [OTHER])
    assert ALLOW_ORIGIN not in page.client.get(path, headers={"Origin": origin})
    assert ALLOW_ORIGIN not in preflight(page.client, path, origin)


def test_known_origins_cost_no_query(page: Page) -> None:
    with CaptureQueriesContext(connection) as queries:
        preflight(page.client, "/execute", ORIGIN)
        page.client.get("/health", headers={"Origin": OTHER})
        page.client.post("/execute")
    assert len(queries) == 0


def test_a_database_error_allows_no_origin(page: Page) -> None:
    with database_fails("SELECT"):
        response = preflight(page.client, "/execute", "https://unknown.example")
    assert response.status_code == 200
    assert ALLOW_ORIGIN not in response


def test_the_page_of_a_key_can_read_that_the_database_is_down(page: Page) -> None:
    _, token = create_key("Other", "publishable", [OTHER])
    assert page.post({"code": "1"}, x_api_key=token, origin=OTHER).status_code == 200
    with database_fails("SELECT"):
        assert preflight(page.client, "/execute", OTHER)[ALLOW_ORIGIN] == OTHER
        response = page.post({"code": "1"}, x_api_key=token, origin=OTHER)
        assert (response.status_code, response[ALLOW_ORIGIN]) == (503, OTHER)
        assert ALLOW_ORIGIN not in preflight(page.client, "/execute", "https://evil.example")
