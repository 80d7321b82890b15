"""The page at `/`."""

import re
from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import Settings

from tests.fakes import HEALTHY, FakeExecutor

STRANGER = "192.0.2.1"


def links(client: Client, address: str = "127.0.0.1") -> list[str]:
    response = client.get("/", REMOTE_ADDR=address)
    assert response.status_code == 200
    return re.findall(r'<a href="([^"]+)"', response.content.decode())


def test_start_page_leads_to_all_others(client: Client, executor: FakeExecutor) -> None:
    assert links(client) == ["/health", "/playground/", "/docs/", "/admin/"]


def test_strangers_see_no_link_that_is_closed_to_them(
    client: Client, executor: FakeExecutor, settings: Settings
) -> None:
    assert links(client, STRANGER) == ["/health", "/docs/"]
    settings.PLAYGROUND = "public"
    assert links(client, STRANGER) == ["/health", "/playground/", "/docs/"]


def test_playground_that_is_off_is_not_linked(client: Client, executor: FakeExecutor, settings: Settings) -> None:
    settings.PLAYGROUND = "off"
    assert links(client) == ["/health", "/docs/", "/admin/"]


@pytest.mark.parametrize(
    ("ready", "sentence"), [(True, "Programs can run."), (False, "Programs cannot run right now.")]
)
def test_start_page_says_whether_programs_can_run_but_not_why(
    client: Client, executor: FakeExecutor, ready: bool, sentence: str
) -> None:
    executor.state = replace(HEALTHY, ready=ready, reason="probe failed: write to /etc")
    page = client.get("/").content.decode()
    assert sentence in page
    assert "probe" not in page


def test_start_page_has_the_content_security_policy_of_pages(client: Client, executor: FakeExecutor) -> None:
    response = client.get("/")
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "<script" not in response.content.decode()
    assert "style=" not in response.content.decode()


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/").status_code == 405
