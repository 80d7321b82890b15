"""The rates of keys and learners."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from apikeys import tokens
from apikeys.keys import create_key
from apikeys.models import ApiKey
from executions.models import Execution
from tests.conftest import ORIGIN, Page
from web.notation import parse_rate


def set_rate(rate: str) -> None:
    ApiKey.objects.update(rate=rate)


def rates_of(response: Any) -> dict[str, tuple[int, int]]:
    """Return the remaining requests and seconds of each limit."""
    items = [item.split(";") for item in response["RateLimit"].split(", ")]
    return {
        name.strip('"'): (int(left.removeprefix("r=")), int(seconds.removeprefix("t=")))
        for name, left, seconds in items
    }


def test_requests_up_to_the_rate_pass(page: Page) -> None:
    set_rate("3/h")
    assert [page.run().status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert Execution.objects.count() == 3


def test_every_answer_has_the_remaining_rates(page: Page) -> None:
    set_rate("2/h")
    answers = [page.run(), page.run(""), page.run()]
    assert [response.status_code for response in answers] == [200, 400, 429]
    assert [rates_of(response)["key"][0] for response in answers] == [1, 0, 0]
    assert [rates_of(response)["address"][0] for response in answers[:2]] == [5999, 5998]
    assert {response["RateLimit-Policy"] for response in answers[:2]} == {'"address";q=6000;w=60, "key";q=2;w=3600'}
    assert answers[2]["RateLimit-Policy"] == '"key";q=2;w=3600'
    assert all(1 <= rates_of(response)["key"][1] <= 3600 for response in answers)


def test_request_over_the_rate_is_a_429_with_the_time_to_wait(page: Page) -> None:
    set_rate("1/h")
    page.run()
    response = page.run()
    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert response.json()["detail"].startswith("This API key has made too many requests.")
    assert response["Access-Control-Allow-Origin"] == ORIGIN


def test_callers_are_told_to_retry_at_different_times(page: Page) -> None:
    ApiKey.objects.update(rate="1/d", address_rate="", learner_rate="")
    page.run()
    answers = [page.run() for _ in range(50)]
    waits = {int(response["Retry-After"]) - rates_of(response)["key"][1] for response in answers}
    assert len(waits) > 1
    assert min(waits) >= 0


def test_keys_of_a_family_share_one_rate(page: Page) -> None:
    """Otherwise a site would have twice its rate during a rotation."""
    set_rate("1/h")
    other, token = create_key("Next", "publishable", [ORIGIN])
    ApiKey.objects.filter(pk=other.pk).update(family=page.key.family, rate="1/h")
    assert page.run().status_code == 200
    assert page.post({"code": "1"}, x_api_key=token).status_code == 429


def test_each_key_has_its_own_rate(page: Page) -> None:
    set_rate("1/h")
    _, other = create_key("Other", "publishable", [ORIGIN])
    assert [page.run().status_code for _ in range(2)] == [200, 429]
    assert page.post({"code": "1"}, x_api_key=other).status_code == 200


def test_refused_keys_use_up_nothing(page: Page) -> None:
    set_rate("1/h")
    for _ in range(3):
        response = page.post({"code": "1"}, origin="https://evil.example")
        assert response.status_code == 403
        assert "RateLimit" not in response
    assert page.run().status_code == 200


def test_changed_rate_applies_at_once(page: Page) -> None:
    set_rate("1/h")
    assert [page.run().status_code for _ in range(2)] == [200, 429]
    set_rate("5/h")
    assert page.run().status_code == 200


@pytest.mark.parametrize("rate", ["1000/s", "1000/1s"])
def test_rate_by_the_second_works_over_the_end_of_its_window(page: Page, rate: str) -> None:
    """The window may end between two readings of the clock."""
    set_rate(rate)
    assert {page.run().status_code for _ in range(20)} == {200}


def test_new_key_has_the_rate_of_the_settings(page: Page, settings: Settings) -> None:
    settings.DEFAULT_RATE = "7/d"
    key, _ = create_key("Other", "secret", [])
    assert key.rate == "7/d"


# The rate of each learner


def server(page: Page, **limits: Any) -> str:
    """Return the token of a secret key with these limits."""
    key, token = create_key("Server", "secret", [])
    ApiKey.objects.filter(pk=key.pk).update(**limits)
    return token


def test_refused_learner_does_not_use_up_the_keys_rate(page: Page) -> None:
    token = server(page, rate="4/h", learner_rate="2/h")

    def status(learner: str) -> int:
        sent = page.post({"code": "1", "learner": learner}, x_api_key=token, origin=None)
        return int(sent.status_code)

    assert [status("ada") for _ in range(10)] == [200, 200, *[429] * 8]
    assert [status("bob") for _ in range(2)] == [200, 200]
    assert status("eve") == 429  # this uses up the key's own rate


def test_learner_over_the_rate_gets_a_separate_error(page: Page) -> None:
    token = server(page, learner_rate="1/h")
    answers = [page.post({"code": "1", "learner": "ada"}, x_api_key=token, origin=None) for _ in range(2)]
    assert answers[1].json()["code"] == "learner_rate_limited"
    assert answers[1].json()["detail"].startswith("This learner has made too many requests. Try again in ")
    assert answers[1]["RateLimit-Policy"] == '"learner";q=1;w=3600'
    assert int(answers[1]["Retry-After"]) >= 1


def test_learner_claimed_by_a_page_is_counted_by_address(page: Page) -> None:
    ApiKey.objects.update(address_rate="2/h")
    assert [page.run(learner=f"learner {number}").status_code for number in range(3)] == [200, 200, 429]
    elsewhere = Page(page.key, page.token, Client(REMOTE_ADDR="192.0.2.1"))
    assert elsewhere.run().status_code == 200


def test_addresses_of_one_ipv6_network_are_one_client(page: Page) -> None:
    ApiKey.objects.update(address_rate="2/h")
    answers = [
        Page(page.key, page.token, Client(REMOTE_ADDR=f"2001:db8::{number}")).run().status_code for number in range(3)
    ]
    assert answers == [200, 200, 429]


@pytest.mark.parametrize("forged", ["203.0.113.1", "203.0.113.1, 198.51.100.7", "127.0.0.1"])
def test_forged_address_changes_nothing(page: Page, forged: str) -> None:
    ApiKey.objects.update(address_rate="1/h")
    headers = {"x_forwarded_for": forged, "x_real_ip": forged, "forwarded": f"for={forged}"}
    assert [page.post({"code": "1"}, **sent).status_code for sent in ({}, headers, headers)] == [200, 429, 429]


def test_unreadable_body_counts_against_the_rate(page: Page) -> None:
    token = server(page, address_rate="2/h")
    answers = [page.post(b"{", x_api_key=token, origin=None) for _ in range(3)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "invalid_json"),
        (400, "invalid_json"),
        (429, "learner_rate_limited"),
    ]


@pytest.mark.parametrize("learner", [5, None, [], "", "x" * 200, "\ud800", "a\0da"])
def test_invalid_learner_is_counted_by_address(page: Page, learner: Any) -> None:
    token = server(page, address_rate="1/h")
    page.post({"code": "1"}, x_api_key=token, origin=None)
    sent = page.post({"code": "1", "learner": learner}, x_api_key=token, origin=None)
    assert sent.status_code == 429


@pytest.mark.parametrize("learner", ["\ud800", "a\0da", "x" * 129, "x" * 100_000, 5, []])
def test_invalid_learner_is_a_400_that_names_the_field(page: Page, learner: Any) -> None:
    sent = page.post({"code": "1", "learner": learner}, x_api_key=server(page), origin=None)
    assert (sent.status_code, sent.json()["fields"].keys()) == (400, {"learner"})
    assert page.post({"code": "1", "learner": "x" * 128}, x_api_key=server(page), origin=None).status_code == 200


def test_key_without_other_rates_has_only_its_own(page: Page) -> None:
    ApiKey.objects.update(address_rate="", learner_rate="", rate="1000/h")
    assert {page.run().status_code for _ in range(40)} == {200}


# The rate of each address


def behind(page: Page, address: str) -> Page:
    """Return the page in a browser at this address."""
    return Page(page.key, page.token, Client(REMOTE_ADDR=address))


def refusal(response: Any) -> tuple[int, str, str]:
    """Return the status, the code and the sentence of a refusal."""
    assert response.status_code == 429
    body = response.json()
    return response.status_code, body["code"], body["detail"].partition(" Try again")[0]


@pytest.fixture
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no window end during a test."""
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.5)


CROWDED = (429, "learner_rate_limited", "Many people at your address are running programs.")


def test_refusal_of_an_address_does_not_blame_a_learner(page: Page) -> None:
    ApiKey.objects.update(address_rate="1/h")
    answers = [page.run(learner=learner) for learner in ("ada", "bob")]
    assert refusal(answers[1]) == CROWDED
    assert answers[1]["RateLimit-Policy"] == '"address";q=1;w=3600'


@pytest.mark.parametrize("is_proven", [True, False])
@pytest.mark.usefixtures("_still_clock")
def test_class_of_thirty_at_one_address_is_never_refused(page: Page, is_proven: bool) -> None:
    """With the default rates: three presses a minute each, and one pupil in a loop."""
    server, _ = create_key("Server", "secret", [ORIGIN])

    def press(pupil: int) -> int:
        token = str(tokens.mint_learner_token(server, f"pupil {pupil}", 60)) if is_proven else page.token
        learner = {} if is_proven else {"learner": f"pupil {pupil}"}
        return int(page.post({"code": "1", **learner}, x_api_key=token).status_code)

    flood = [press(0) for _ in range(80)]
    assert [flood.count(200), flood.count(429)] == [60, 20]
    assert {press(pupil) for _ in range(3) for pupil in range(1, 30)} == {200}


def test_claiming_another_learner_each_time_gains_nothing(page: Page) -> None:
    ApiKey.objects.update(address_rate="5/h", learner_rate="2/h")
    statuses = [page.run(learner=f"learner {number}").status_code for number in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    assert behind(page, "192.0.2.1").run(learner="learner 0").status_code == 200


def test_name_that_another_address_claims_too_is_another_learner(page: Page) -> None:
    ApiKey.objects.update(learner_rate="1/h")
    assert [page.run(learner="ada").status_code for _ in range(2)] == [200, 429]
    assert behind(page, "192.0.2.1").run(learner="ada").status_code == 200


def test_refused_learner_does_not_use_up_the_rate_of_the_address(page: Page) -> None:
    ApiKey.objects.update(address_rate="3/h", learner_rate="1/h")
    assert [page.run(learner="ada").status_code for _ in range(9)] == [200, *[429] * 8]
    assert [page.run(learner=name).status_code for name in ("bob", "cid", "dan")] == [200, 200, 429]


def test_body_of_an_address_over_its_rate_is_not_read(page: Page) -> None:
    ApiKey.objects.update(address_rate="1/h")
    assert [page.post(b"{").status_code for _ in range(3)] == [400, 429, 429]


@pytest.mark.wall("shares")
@pytest.mark.usefixtures("_still_clock")
def test_address_leaves_half_of_the_keys_rate_to_others(page: Page) -> None:
    ApiKey.objects.update(rate="40/h")
    statuses = [page.run().status_code for _ in range(30)]
    assert statuses == [200] * 20 + [429] * 10
    assert refusal(page.run()) == CROWDED
    second = [behind(page, "192.0.2.1").run().status_code for _ in range(30)]
    assert second.count(200) == 10
    assert behind(page, "192.0.2.2").run().status_code == 200


def test_server_that_names_no_learner_may_use_the_whole_rate(page: Page) -> None:
    token = server(page, rate="40/h")
    assert {page.post({"code": "1"}, x_api_key=token, origin=None).status_code for _ in range(40)} == {200}


@pytest.mark.usefixtures("_still_clock")
def test_time_to_wait_is_that_of_the_limit_that_takes_longest(page: Page) -> None:
    """Otherwise a caller would wait for a second, only to be told to wait for a minute."""
    token = server(page, rate="1/d", learner_rate="1/2s")
    ada = {"code": "1", "learner": "ada"}
    assert page.post(ada, x_api_key=token, origin=None).status_code == 200
    response = page.post(ada, x_api_key=token, origin=None)
    assert response.json()["code"] == "rate_limited"
    assert int(response["Retry-After"]) > 4


# Failures and notation


def test_missing_cache_is_a_503(page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A cache that is down."""
    monkeypatch.setattr(type(cache._connections[cache._alias]), "add", lambda *args, **options: False)  # type: ignore[attr-defined]
    response = page.run()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    assert "refused a request: the cache did not count a request" in caplog.text
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("60/m", (60, 60)), ("10/s", (10, 1)), ("5/10m", (5, 600)), ("1000/h", (1000, 3600)), ("1/2d", (1, 172800))],
)
def test_rate_is_parsed(rate: str, parsed: tuple[int, int]) -> None:
    assert parse_rate(rate) == parsed


@pytest.mark.parametrize("rate", ["", "60", "0/m", "60/", "60/0m", "-1/m", "60/x", "60/m ", "60/mm", "1e3/m", "m/60"])
def test_malformed_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="60/m"):
        parse_rate(rate)
