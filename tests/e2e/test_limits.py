"""Limits under simultaneous requests: as many pass as may, and not one more."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.service import ORIGIN, Service

AT_ONCE = 50


def post(service: Service, forged_address: str) -> requests.Response:
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "X-Forwarded-For": forged_address}
    return requests.post(f"{service.url}/execute", json={"code": "print(1)"}, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"DEFAULT_RATE": "10/h"}, "rate_limited"),
        ({"DEFAULT_LEARNER_RATE": "10/h"}, "learner_rate_limited"),
        ({"DEFAULT_EXECUTIONS_PER_DAY": "10"}, "executions_used_up"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_of_fifty_at_once_ten_pass(tmp_path: Path, limit: dict[str, str], code: str) -> None:
    with Service(tmp_path, **limit) as service, ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(lambda number: post(service, f"192.0.2.{number}"), range(AT_ONCE)))
        counts = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
        assert counts == {(200, None): 10, (429, code): 40}
        assert service.query("SELECT count(*), count(finished) FROM executions_execution") == [(10, 10)]
        assert service.query("SELECT executions FROM apikeys_dailyuse ORDER BY who") == [(10,), (10,)]


def test_of_fifty_at_once_no_more_run_than_may(tmp_path: Path) -> None:
    with Service(tmp_path, DEFAULT_MAX_CONCURRENT="3") as service, ThreadPoolExecutor(AT_ONCE) as clients:
        sleep = {"code": "import time; time.sleep(1)"}
        headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}
        url = f"{service.url}/execute"
        answers = list(
            clients.map(lambda _: requests.post(url, json=sleep, headers=headers, timeout=60), range(AT_ONCE))
        )
        counts = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
        assert counts == {(200, None): 3, (429, "concurrency_limited"): 47}
