"""Which keys and origins are accepted."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apikeys import tokens
from apikeys.environment import sync_environment_key
from apikeys.keys import create_key
from apikeys.models import ApiKey
from executions.models import Execution
from tests.conftest import ORIGIN, Page

REFUSED = {"detail": "The API key is not valid.", "code": "invalid_key"}
NO_KEY = {"detail": "The request has no API key. Send it in the header X-API-Key.", "code": "invalid_key"}
NO_ORIGIN = {
    "detail": "The request has no Origin header, which this API key needs."
    f" Add -H 'Origin: {ORIGIN}', or use a secret key.",
    "code": "origin_not_allowed",
}
PUBLISHABLE_HERE = {
    "detail": "A publishable key works only on the pages of its site. Use a secret key here.",
    "code": "origin_not_allowed",
}
ENVIRONMENT_KEY = "any form will do 0123456789"


def wrong_origin(origin: str) -> dict[str, str]:
    sentence = f"This API key may not be used from {origin}. Staff can add this origin to the key."
    return {"detail": sentence, "code": "origin_not_allowed"}


def refusal(response: Any) -> Any:
    """Return the body of a 403."""
    assert response.status_code == 403, response.content
    return response.json()


# The key


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        " ",
        "null",
        "pl_live_pub_",
        "pl_live_pub_" + "0" * 33,
        "pl_test_pub_" + "a" * 33,
        "sk_live_" + "a" * 40,
        "x" * 4000,
        "key,key",
        "é",
    ],
)
def test_a_malformed_key_is_refused_without_a_query(page: Page, token: str | None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert refusal(page.post({"code": "1"}, x_api_key=token)) == (REFUSED if token else NO_KEY)
    assert len(queries) == 0


def test_a_mistyped_key_is_recognized_without_a_query(page: Page) -> None:
    for position in range(len(page.token)):
        other = "b" if page.token[position] == "a" else "a"
        wrong = page.token[:position] + other + page.token[position + 1 :]
        assert not tokens.is_well_formed(wrong)
    assert not tokens.is_well_formed(page.token[:-1])
    assert not tokens.is_well_formed(page.token + "\n")


def test_unknown_and_revoked_keys_get_the_same_403(page: Page) -> None:
    unknown = tokens.generate_token("publishable")
    assert refusal(page.post({"code": "1"}, x_api_key=unknown)) == REFUSED
    ApiKey.objects.update(is_active=False)
    assert refusal(page.run()) == REFUSED


def test_a_guess_with_a_right_prefix_makes_the_same_query(page: Page) -> None:
    """If the lookup used less than the whole hash of a token, its time could tell how close a guess is."""
    near = page.token[:20] + tokens.generate_token("publishable")[20:39]
    near += tokens.checksum(near)
    asked = []
    for token in (near, tokens.generate_token("publishable")):
        assert tokens.is_well_formed(token)
        with CaptureQueriesContext(connection) as queries:
            refusal(page.post({"code": "1"}, x_api_key=token))
        asked.append([re.sub(r"'[0-9a-f]{64}'", "hash", query["sql"]) for query in queries])
    assert asked[0] == asked[1] != []
    assert not any(near[:16] in statement for statement in asked[0])


def test_revoking_and_restoring_a_key_is_immediate(page: Page) -> None:
    for is_active, status_code in ((True, 200), (False, 403), (True, 200)):
        ApiKey.objects.update(is_active=is_active)
        assert page.run().status_code == status_code


@pytest.mark.parametrize("header", ["authorization", "cookie", "x_api_key_2", "api_key"])
def test_a_key_counts_in_its_own_header_only(page: Page, header: str) -> None:
    headers = {header: f"x-api-key={page.token}"}
    assert refusal(page.post({"code": "1"}, x_api_key=None, **headers)) == NO_KEY


def test_a_key_counts_neither_in_the_query_nor_in_the_body(page: Page) -> None:
    response = page.client.post(
        f"/execute?api_key={page.token}", f'{{"api_key": "{page.token}"}}', content_type="application/json"
    )
    assert refusal(response) == NO_KEY


def test_a_refused_key_is_not_in_the_log(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    ApiKey.objects.update(is_active=False)
    page.client.post(f"/execute?X-API-Key={page.token}", headers={"X-API-Key": page.token, "Origin": ORIGIN})
    assert "POST /execute" in caplog.text
    assert page.token not in caplog.text


def test_the_last_use_is_written_once_a_minute(page: Page) -> None:
    page.run()
    first = ApiKey.objects.get().last_used
    assert first is not None
    page.run()
    assert ApiKey.objects.get().last_used == first
    ApiKey.objects.update(last_used=first - timedelta(minutes=1))
    page.run()
    last = ApiKey.objects.get().last_used
    assert last is not None
    assert last > first


def test_a_refused_request_does_not_count_as_use(page: Page) -> None:
    page.post({"code": "1"}, origin="https://evil.example")
    assert ApiKey.objects.get().last_used is None


# The origin


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://pylearn.net",
        "https://pylearn.net/",
        "https://pylearn.net:443",
        "https://pylearn.net:8443",
        "https://PYLEARN.net",
        "https://www.pylearn.net",
        "https://pylearn.net.evil.example",
        "https://evil.example/https://pylearn.net",
        "https://user@pylearn.net",
        "https://pylearn.net,https://pylearn.net",
        "https://pylearn.net https://evil.example",
        " https://pylearn.net.",
        "https://p\u0443learn.net".encode().decode("latin-1"),
    ],
)
def test_a_publishable_key_needs_its_exact_origin(page: Page, origin: str | None) -> None:
    assert refusal(page.post({"code": "1"}, origin=origin)) == (
        NO_ORIGIN if origin is None else wrong_origin(origin or "an empty origin")
    )


def test_an_unknown_key_gets_no_error_about_origins(page: Page) -> None:
    assert refusal(page.post({"code": "1"}, x_api_key="wrong", origin="https://evil.example")) == REFUSED


def test_a_key_works_from_each_of_its_origins(page: Page) -> None:
    ApiKey.objects.update(origins=["https://a.example", "http://localhost:3000"])
    for origin in ("https://a.example", "http://localhost:3000"):
        response = page.post({"code": "1"}, origin=origin)
        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == origin
    assert refusal(page.post({"code": "1"}, origin=ORIGIN)) == wrong_origin(ORIGIN)


def test_a_secret_key_works_in_our_own_documentation(page: Page) -> None:
    """A browser sends the page's origin, which is our own host, with each request that the page makes."""
    _, token = create_key("Server", "secret", [ORIGIN])
    for ours in ("http://testserver", "https://testserver"):
        assert page.post({"code": "1"}, x_api_key=token, origin=ours).status_code == 200
    for other in ("https://testserver.evil", "https://testserver:8443", "https://evil.example", "null", "testserver"):
        assert refusal(page.post({"code": "1"}, x_api_key=token, origin=other)) == wrong_origin(other)
    assert refusal(page.post({"code": "1"}, origin="http://testserver")) == PUBLISHABLE_HERE


def test_a_secret_key_needs_no_origin(page: Page) -> None:
    _, token = create_key("Server", "secret", [])
    assert page.post({"code": "1"}, x_api_key=token, origin=None).status_code == 200
    assert refusal(page.post({"code": "1"}, x_api_key=token)) == wrong_origin(ORIGIN)
    assert refusal(page.post({"code": "1"}, x_api_key=token, origin="")) == wrong_origin("an empty origin")
    assert Execution.objects.get().origin == ""


def test_a_secret_key_may_have_origins(page: Page) -> None:
    _, token = create_key("Server", "secret", [ORIGIN])
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200


# The key of the environment


@pytest.fixture
def environment_key(settings: Settings, page: Page) -> str:
    settings.API_KEY = ENVIRONMENT_KEY
    sync_environment_key(ENVIRONMENT_KEY, [ORIGIN])
    return ENVIRONMENT_KEY


def test_the_key_of_the_environment_is_publishable(page: Page, environment_key: str) -> None:
    assert page.post({"code": "1"}, x_api_key=environment_key).status_code == 200
    assert refusal(page.post({"code": "1"}, x_api_key=environment_key, origin=None)) == NO_ORIGIN
    key = ApiKey.objects.get(is_from_environment=True)
    assert (key.kind, key.origins, key.prefix) == ("publishable", [ORIGIN], "API_KEY")


def test_syncing_the_same_key_again_changes_nothing(page: Page, environment_key: str) -> None:
    before = ApiKey.objects.values().get(is_from_environment=True)
    sync_environment_key(environment_key, [ORIGIN])
    assert ApiKey.objects.values().get(is_from_environment=True) == before


def test_syncing_updates_the_origins(page: Page, environment_key: str) -> None:
    sync_environment_key(environment_key, ["https://other.example"])
    assert refusal(page.post({"code": "1"}, x_api_key=environment_key)) == wrong_origin(ORIGIN)
    assert page.post({"code": "1"}, x_api_key=environment_key, origin="https://other.example").status_code == 200


def test_a_new_key_of_the_environment_revokes_the_old_one(page: Page, environment_key: str, settings: Settings) -> None:
    for key in ("the next one 0123456789", environment_key, ""):
        settings.API_KEY = key
        sync_environment_key(key, [ORIGIN])
        for each in (environment_key, "the next one 0123456789"):
            assert page.post({"code": "1"}, x_api_key=each).status_code == (200 if each == key else 403)


def test_a_changed_setting_ends_the_old_key_before_the_sync(
    page: Page, environment_key: str, settings: Settings
) -> None:
    settings.API_KEY = "the next one 0123456789"
    assert refusal(page.post({"code": "1"}, x_api_key=environment_key)) == REFUSED


def test_a_key_of_the_environment_that_staff_revoke_stays_revoked(page: Page, environment_key: str) -> None:
    ApiKey.objects.filter(is_from_environment=True).update(is_active=False)
    sync_environment_key(environment_key, [ORIGIN])
    assert refusal(page.post({"code": "1"}, x_api_key=environment_key)) == REFUSED


def test_a_created_key_can_become_the_key_of_the_environment(page: Page, settings: Settings) -> None:
    settings.API_KEY = page.token
    sync_environment_key(page.token, [ORIGIN])
    assert page.run().status_code == 200
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_an_empty_setting_creates_no_key() -> None:
    sync_environment_key("", [ORIGIN])
    assert not ApiKey.objects.exists()


# Tokens


@pytest.mark.parametrize(("kind", "prefix"), [("publishable", "pl_live_pub_"), ("secret", "pl_live_sec_")])
def test_tokens_are_random_and_of_one_length(kind: str, prefix: str) -> None:
    made = {tokens.generate_token(kind) for _ in range(100)}
    assert len(made) == 100
    assert {len(token) for token in made} == {len(prefix) + 33}
    assert all(token.startswith(prefix) and tokens.is_well_formed(token) for token in made)


def test_a_key_is_stored_without_its_token(page: Page) -> None:
    stored = str(ApiKey.objects.values().get())
    secret = page.token.removeprefix("pl_live_pub_")
    assert secret[:4] in stored
    assert secret[4:] not in stored
    assert secret[4:] not in f"{page.key} {page.key!r}"
