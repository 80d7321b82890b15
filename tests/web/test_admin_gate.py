"""The admin is hidden from strangers and protected against guessed passwords."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.conftest import Page

PASSWORD = "a long word of four"
FORGED = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        (["127.0.0.1", "::1"], "127.0.0.1", 200),
        (["127.0.0.1", "::1"], "::1", 200),
        (["127.0.0.1", "::1"], "127.0.0.2", 404),
        (["192.0.2.0/24"], "192.0.2.255", 200),
        (["192.0.2.0/24"], "192.0.3.0", 404),
        (["192.0.2.0/24"], "::ffff:192.0.2.1", 200),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["2001:db8::/32"], "192.0.2.1", 404),
        (["0.0.0.0/0", "::/0"], "unix:", 404),
        ([], "127.0.0.1", 404),
    ],
)
def test_only_allowed_addresses_reach_the_admin(
    db: None, client: Client, settings: Settings, allowed: list[str], address: str, status: int
) -> None:
    settings.ADMIN_ALLOWED_IPS = allowed
    assert client.get("/admin/login/", REMOTE_ADDR=address).status_code == status


def test_forged_headers_do_not_open_the_admin(db: None, client: Client, settings: Settings) -> None:
    assert client.get("/admin/login/", REMOTE_ADDR="192.0.2.1", headers=FORGED).status_code == 404
    settings.TRUSTED_PROXY_COUNT = 1
    forged = {**FORGED, "X-Forwarded-For": "127.0.0.1, 192.0.2.1"}
    assert client.get("/admin/login/", REMOTE_ADDR="127.0.0.1", headers=forged).status_code == 404


def test_strangers_get_the_404_of_an_unknown_path(client: Client) -> None:
    stranger = client.get("/admin/login/", REMOTE_ADDR="192.0.2.1")
    assert stranger.content == client.get("/nothing").content


def test_strangers_can_use_the_api(page: Page, settings: Settings) -> None:
    settings.ADMIN_ALLOWED_IPS = []
    response = page.run()
    assert response.status_code == 200
    assert "Content-Security-Policy" not in response


def test_the_admin_allows_only_its_own_scripts(admin_client: Client) -> None:
    for path in ("/admin/", "/admin/apikeys/apikey/", "/admin/login/"):
        response = admin_client.get(path)
        policy = response["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in response.content.decode()
        assert " style=" not in response.content.decode()


def attempt(client: Client, name: str, password: str, address: str) -> Any:
    return client.post(
        "/admin/login/",
        {"username": name, "password": password},
        REMOTE_ADDR=address,
        headers={"X-Forwarded-For": "::2"},
    )


def test_guessing_passwords_locks_out_only_that_name_and_address(db: None, client: Client, settings: Settings) -> None:
    settings.ADMIN_ALLOWED_IPS = ["192.0.2.0/24"]
    for name in ("ada", "grace"):
        User.objects.create_superuser(name, password=PASSWORD)
    answers = [attempt(client, "ada", "wrong", "192.0.2.1").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert attempt(client, "ada", PASSWORD, "192.0.2.1").status_code == 429
    assert client.get("/admin/", REMOTE_ADDR="192.0.2.1").status_code == 302
    events = [(entry.additional_data or {}).get("event") for entry in LogEntry.objects.all()]
    assert "locked_out" in events
    assert attempt(Client(), "grace", PASSWORD, "192.0.2.1").status_code == 302
    assert attempt(Client(), "ada", PASSWORD, "192.0.2.2").status_code == 302
