"""Simultaneous requests: exactly as many pass as the limit allows. Each test has its own key."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

AT_ONCE = 50


def limited_key(service: Service, option: str, limit: str) -> str:
    """Return the token of a new key."""
    made = service.manage("create_key", "Limited", "--kind", "publishable", "--origin", ORIGIN, option, limit)
    return made.splitlines()[-1]


def fifty_at_once(service: Service, token: str, code: str) -> Counter[tuple[int, str | None]]:
    """Send a program fifty times at once, each with another forged address; count the answers."""

    def post(number: int) -> requests.Response:
        headers = {"X-API-Key": token, "Origin": ORIGIN, "X-Forwarded-For": f"192.0.2.{number}"}
        return requests.post(f"{service.url}/execute", json={"code": code}, headers=headers, timeout=60)

    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(post, range(AT_ONCE)))
    return Counter((answer.status_code, answer.json().get("code")) for answer in answers)


@pytest.mark.parametrize(
    ("option", "limit", "code"),
    [
        ("--rate", "10/h", "rate_limited"),
        ("--address-rate", "10/h", "learner_rate_limited"),
        ("--executions-per-day", "10", "executions_used_up"),
    ],
)
def test_ten_of_fifty_simultaneous_requests_pass(service: Service, option: str, limit: str, code: str) -> None:
    token = limited_key(service, option, limit)
    assert fifty_at_once(service, token, "print(1)") == {(200, None): 10, (429, code): 40}
    key = f"apikeys_apikey AS made WHERE made.prefix = '{token[:16]}'"
    recorded = f"SELECT count(*), count(finished) FROM executions_execution WHERE key_id = (SELECT id FROM {key})"
    assert service.query(recorded) == [(10, 10)]
    used = f"SELECT executions FROM apikeys_dailyuse WHERE family = (SELECT family FROM {key}) ORDER BY who"
    assert service.query(used) == [(10,), (10,)]


def test_simultaneous_requests_do_not_exceed_the_concurrency_limit(service: Service) -> None:
    token = limited_key(service, "--max-concurrent", "3")
    counts = fifty_at_once(service, token, "import time; time.sleep(4)")
    assert counts == {(200, None): 3, (429, "concurrency_limited"): 47}
