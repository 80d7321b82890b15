"""HTTPS=true: how requests over plain HTTP are answered."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from executions.models import Execution
from tests.codeexec.test_settings import read_settings
from tests.conftest import ORIGIN, Page

SWITCHES = (
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
)
OVER_HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def https(page: Page, settings: Settings) -> Page:
    for name in SWITCHES:
        setattr(settings, name, True)
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    return Page(page.key, page.token, Client(headers={"Host": "code.pylearn.net"}, raise_request_exception=False))


@pytest.mark.parametrize("name", SWITCHES)
def test_https_turns_on_all_related_settings(name: str) -> None:
    assert read_settings(HTTPS="true", TRUSTED_PROXY_COUNT="1")[name] is True
    assert read_settings()[name] is False


@pytest.mark.parametrize(
    ("environment", "believed"),
    [
        ({}, None),
        ({"TRUSTED_PROXY_COUNT": "1"}, None),
        ({"HTTPS": "true"}, None),
        ({"HTTPS": "true", "TRUSTED_PROXY_COUNT": "1"}, ("HTTP_X_FORWARDED_PROTO", "https")),
    ],
    ids=repr,
)
def test_the_forwarded_scheme_is_trusted_only_behind_a_proxy(
    environment: dict[str, str], believed: tuple[str, str] | None
) -> None:
    assert read_settings(**environment)["SECURE_PROXY_SSL_HEADER"] == believed


def test_a_get_over_http_redirects_to_https(https: Page) -> None:
    response = https.client.get("/admin/login/?next=/admin/")
    assert response.status_code == 301
    assert response["Location"] == "https://code.pylearn.net/admin/login/?next=/admin/"


def test_an_execution_over_http_is_refused_and_not_redirected(https: Page) -> None:
    response = https.run()
    assert response.status_code == 403
    assert response.json() == {"detail": "Send this request over HTTPS.", "code": "https_required"}
    assert response["X-Request-ID"]
    assert response["Access-Control-Allow-Origin"] == ORIGIN  # a page can read why
    assert not Execution.objects.exists()


def test_a_login_over_http_is_refused(https: Page, admin_user: object) -> None:
    form = {"username": "admin", "password": "password"}
    assert https.client.post("/admin/login/", form).status_code == 403
    assert "sessionid" not in https.client.cookies


def test_an_execution_over_https_succeeds(https: Page) -> None:
    response = https.post({"code": "1"}, x_forwarded_proto="https")
    assert response.status_code == 200
    assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert response["Access-Control-Allow-Origin"] == ORIGIN


def test_cookies_are_secure(https: Page, admin_user: object) -> None:
    form = {"username": "admin", "password": "password"}
    response = https.client.post("/admin/login/", form, headers=OVER_HTTPS)
    assert response.status_code == 302
    for name in ("sessionid", "csrftoken"):
        assert response.cookies[name]["secure"] is True
        assert response.cookies[name]["samesite"] == "Lax"


@pytest.mark.parametrize("path", ["/health", "/health?full=1"])
def test_health_works_over_http(https: Page, path: str) -> None:
    assert https.client.get(path).status_code == 200


def test_a_path_that_starts_like_health_is_redirected(https: Page) -> None:
    assert https.client.get("/healthy").status_code == 301


def test_the_docs_name_the_error_code() -> None:
    assert "403 `https_required`" in (Path(__file__).parents[2] / "docs/settings.md").read_text()
