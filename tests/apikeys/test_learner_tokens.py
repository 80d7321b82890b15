"""Learner tokens: minted by a server, sent by a page, bound to one learner and to their key."""

import time
from datetime import datetime
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apikeys import tokens
from apikeys.keys import create_key
from apikeys.models import ApiKey
from executions.models import Execution
from tests.conftest import ORIGIN, Page


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [ORIGIN])
    return Page(key, token, Client(raise_request_exception=False))


def mint(page: Page, **body: Any) -> Any:
    headers = {"X-API-Key": page.token}
    return page.client.post("/tokens", {"learner": "ada", **body}, content_type="application/json", headers=headers)


def token(page: Page, **body: Any) -> str:
    response = mint(page, **body)
    assert response.status_code == 201, response.content
    return str(response.json()["token"])


def status(page: Page, token: str, **sent: Any) -> int:
    return int(page.post({"code": "1"}, x_api_key=token, **sent).status_code)


def test_a_server_mints_a_token_that_runs_programs_for_one_learner(server: Page) -> None:
    response = mint(server, lifetime_seconds=120)
    answer = response.json()
    assert answer.keys() == {"token", "learner", "expires"}
    assert answer["token"].startswith("pl_learner_")
    assert answer["learner"] == "ada"
    assert 110 < datetime.fromisoformat(answer["expires"]).timestamp() - time.time() <= 121
    assert response["Cache-Control"] == "no-store"
    assert server.post({"code": "1"}, x_api_key=answer["token"]).status_code == 200
    record = Execution.objects.get()
    assert (record.key, record.learner, record.origin) == (server.key, "ada", ORIGIN)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"learner": ""}, "learner"),
        ({"learner": None}, "learner"),
        ({"learner": 5}, "learner"),
        ({"learner": "x" * 129}, "learner"),
        ({"learner": "a\0"}, "learner"),
        ({"lifetime_seconds": 59}, "lifetime_seconds"),
        ({"lifetime_seconds": 3601}, "lifetime_seconds"),
        ({"lifetime_seconds": "900"}, "lifetime_seconds"),
        ({"key": "x"}, "key"),
    ],
)
def test_an_invalid_request_is_refused_by_field(server: Page, body: dict[str, Any], field: str) -> None:
    response = mint(server, **body)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [field]


@pytest.mark.parametrize("lifetime_seconds", [60, 3600])
def test_the_shortest_and_longest_lifetimes_are_accepted(server: Page, lifetime_seconds: int) -> None:
    assert mint(server, lifetime_seconds=lifetime_seconds).status_code == 201
    assert mint(server, learner="é" * 128).status_code == 201


def test_the_longest_learner_gets_a_token_that_works(server: Page, page: Page) -> None:
    token = mint(server, learner="🐍" * 128).json()["token"]
    assert Page(server.key, token, server.client).run().status_code == 200


def test_only_a_server_can_mint(page: Page, server: Page) -> None:
    learner = token(server)
    for key in (page.token, learner):
        headers = {"X-API-Key": key, "Origin": ORIGIN}
        response = page.client.post("/tokens", {"learner": "ada"}, content_type="application/json", headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "secret_key_required")


def test_a_token_is_refused_from_another_origin(server: Page) -> None:
    minted = token(server)
    assert status(server, minted, origin="https://evil.example") == 403
    assert status(server, minted, origin=None) == 200


def test_a_token_expires(server: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    minted = token(server, lifetime_seconds=60)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 58)
    assert status(server, minted) == 200
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert server.post({"code": "1"}, x_api_key=minted).json()["code"] == "invalid_key"


def test_a_token_ends_with_its_key(server: Page) -> None:
    minted = token(server)
    ApiKey.objects.filter(pk=server.key.pk).update(is_active=False)
    assert status(server, minted) == 403


def test_a_token_we_have_not_signed_is_refused_without_a_query(server: Page, settings: Settings) -> None:
    minted = token(server)
    signed = minted.removeprefix("pl_learner_")
    garbage = [
        "pl_learner_",
        "pl_learner_x",
        minted[:-1],
        minted + "x",
        minted.swapcase(),
        signed,
        "pl_learner_" + signing.dumps([server.key.pk, "ada", 2**33], salt="another purpose"),
        "pl_learner_" + signing.dumps([server.key.pk, "ada", 2**33], salt=tokens.LEARNER_SALT, key="x" * 50),
        "pl_learner_" + "x" * 4000,
    ]
    for each in garbage:
        with CaptureQueriesContext(connection) as queries:
            assert server.post({"code": "1"}, x_api_key=each).json()["code"] == "invalid_key"
        assert len(queries) == 0


def test_a_token_counts_against_the_rates_of_learner_and_key(server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(rate="3/h", learner_rate="2/h")
    ada, bob = token(server), token(server, learner="bob")
    assert [status(server, ada) for _ in range(3)] == [200, 200, 429]
    assert [status(server, token(server)) for _ in range(1)] == [429]  # another token of the same learner
    assert [status(server, bob) for _ in range(2)] == [200, 429]


def test_a_token_cannot_name_another_learner(server: Page) -> None:
    ada = token(server)
    assert server.post({"code": "1", "learner": "ada"}, x_api_key=ada).status_code == 200
    response = server.post({"code": "1", "learner": "bob"}, x_api_key=ada)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["learner"])


def test_minting_has_its_own_rate(server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(rate="2/h")
    assert [mint(server).status_code for _ in range(3)] == [201, 201, 429]
    assert status(server, server.token, origin=None) == 200  # programs count separately


def test_a_token_is_neither_stored_nor_logged(server: Page, caplog: pytest.LogCaptureFixture) -> None:
    minted = token(server)
    status(server, minted, origin="https://evil.example")
    status(server, minted)
    tables = [list(model.objects.values_list()) for model in (ApiKey, Execution)]
    assert minted not in str(tables)
    assert minted not in caplog.text
