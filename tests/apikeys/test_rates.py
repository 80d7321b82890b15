"""How often a key may be used."""

from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from apikeys.models import ApiKey, create_key
from apikeys.rates import parse_rate
from executions.models import Execution
from tests.conftest import ORIGIN, Page


def set_rate(rate: str) -> None:
    ApiKey.objects.update(rate=rate)


def rate_of(response: Any) -> tuple[int, int]:
    """Return what remains, and for how many seconds."""
    name, remaining, seconds = response["RateLimit"].split(";")
    assert name == '"key"'
    return int(remaining.removeprefix("r=")), int(seconds.removeprefix("t="))


def test_requests_up_to_the_rate_pass(page: Page) -> None:
    set_rate("3/h")
    assert [page.run().status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert Execution.objects.count() == 3


def test_every_answer_tells_what_is_left(page: Page) -> None:
    set_rate("2/h")
    answers = [page.run(), page.run(""), page.run()]
    assert [response.status_code for response in answers] == [200, 400, 429]
    assert [rate_of(response)[0] for response in answers] == [1, 0, 0]
    for response in answers:
        assert 1 <= rate_of(response)[1] <= 3600
        assert response["RateLimit-Policy"] == '"key";q=2;w=3600'


def test_too_many_requests_are_told_when_to_come_back(page: Page) -> None:
    set_rate("1/h")
    page.run()
    response = page.run()
    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert response.json()["detail"].startswith("This API key has made too many requests.")
    assert response["Access-Control-Allow-Origin"] == ORIGIN


def test_callers_are_asked_to_come_back_at_different_times(page: Page) -> None:
    set_rate("1/d")
    page.run()
    answers = [page.run() for _ in range(50)]
    waits = {int(response["Retry-After"]) - rate_of(response)[1] for response in answers}
    assert len(waits) > 1
    assert min(waits) >= 0


def test_each_key_has_a_rate_of_its_own(page: Page) -> None:
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


def test_a_new_rate_counts_at_once(page: Page) -> None:
    set_rate("1/h")
    assert [page.run().status_code for _ in range(2)] == [200, 429]
    set_rate("5/h")
    assert page.run().status_code == 200


@pytest.mark.parametrize("rate", ["1000/s", "1000/1s"])
def test_a_rate_by_the_second_is_no_fault(page: Page, rate: str) -> None:
    """The window may end between two looks at the clock."""
    set_rate(rate)
    assert {page.run().status_code for _ in range(20)} == {200}


def test_a_new_key_has_the_rate_of_the_settings(page: Page, settings: Settings) -> None:
    settings.DEFAULT_RATE = "7/d"
    key, _ = create_key("Other", "secret", [])
    assert key.rate == "7/d"


def test_without_a_cache_nothing_is_unlimited(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does a cache behave that is away."""
    monkeypatch.setattr(type(cache._connections[cache._alias]), "add", lambda *args, **options: False)  # type: ignore[attr-defined]
    response = page.run()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("60/m", (60, 60)), ("10/s", (10, 1)), ("5/10m", (5, 600)), ("1000/h", (1000, 3600)), ("1/2d", (1, 172800))],
)
def test_rates_are_read(rate: str, parsed: tuple[int, int]) -> None:
    assert parse_rate(rate) == parsed


@pytest.mark.parametrize("rate", ["", "60", "0/m", "60/", "60/0m", "-1/m", "60/x", "60/m ", "60/mm", "1e3/m", "m/60"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="60/m"):
        parse_rate(rate)
