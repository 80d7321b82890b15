"""Several services share their rates in Redis, and Redis stops, hangs or loses its data."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.servers import PostgreSQL, Redis
from tests.service import ORIGIN, READY_SECONDS, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(360)]

AT_ONCE = 50


@pytest.fixture(scope="module")
def service(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service"), REDIS_URL=redis.url, SANDBOX_POOL_SIZE="1") as service:
        yield service


def test_four_processes_share_one_rate(tmp_path: Path, redis: Redis, postgresql: PostgreSQL) -> None:
    settings = {"SANDBOX_POOL_SIZE": "1", "DEFAULT_RATE": "10/h"}
    first = Service(tmp_path, REDIS_URL=redis.url, DATABASE_URL=postgresql.url, **settings)
    services = [first, *(first.sibling() for _ in range(3))]
    first.migrate()
    with ExitStack() as stack, ThreadPoolExecutor() as starters:
        for service in services:
            stack.callback(service.stop)
        list(starters.map(Service.start, services))

        def post(number: int) -> requests.Response:
            headers = {"X-API-Key": first.api_key, "Origin": ORIGIN, "X-Forwarded-For": f"192.0.2.{number}"}
            url = f"{services[number % 4].url}/execute"
            return requests.post(url, json={"code": "print(1)"}, headers=headers, timeout=60)

        with ThreadPoolExecutor(AT_ONCE) as clients:
            answers = list(clients.map(post, range(AT_ONCE)))
        counts = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
        assert counts == {(200, None): 10, (429, "rate_limited"): 40}
        assert postgresql.sql("SELECT executions FROM apikeys_dailyuse WHERE who = ''") == [(10,)]


def is_refused(service: Service) -> bool:
    """Return whether programs are refused; if so, check that this is quick and the error well-formed."""
    started = time.monotonic()
    response = service.post("print(1)")
    assert time.monotonic() - started < 10
    if response.status_code != 503:
        return False
    assert response.json()["code"] == "unavailable"
    assert int(response.headers["Retry-After"]) >= 1
    return True


def says_that_the_cache_is_away(service: Service) -> bool:
    """Return whether `/health` is 503 and names the cache and nothing else; check that it answers at once."""
    started = time.monotonic()
    health = service.health()
    assert time.monotonic() - started < 1
    parts = (health["status"], health["docker"], health["database"], health["cache"])
    return not service.is_healthy() and parts == ("unhealthy", "connected", "connected", "unreachable")


def test_programs_are_refused_while_redis_is_down(service: Service, redis: Redis) -> None:
    count = "SELECT count(*) FROM executions_execution"
    [(before,)] = service.query(count)
    assert service.execute("print(1)")["output"] == "1\n"
    redis.stop()
    try:
        assert all(is_refused(service) for _ in range(3))
        assert eventually(lambda: says_that_the_cache_is_away(service), 60)
        wrong = requests.post(f"{service.url}/execute", json={}, headers={"X-API-Key": "wrong"}, timeout=5)
        foreign = {"X-API-Key": service.api_key, "Origin": "https://evil.example"}
        assert (wrong.status_code, wrong.json()["code"]) == (403, "invalid_key")
        refused = requests.post(f"{service.url}/execute", json={"code": "1"}, headers=foreign, timeout=5)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    finally:
        redis.start()
    assert service.execute("print(2)")["output"] == "2\n"
    assert eventually(service.is_healthy, 60)
    assert service.query(count) == [(before + 2,)]


def test_a_new_version_that_cannot_reach_redis_does_not_become_healthy(tmp_path: Path, redis: Redis) -> None:
    """Although its containers are ready: so it replaces no version that works (container/healthcheck)."""
    new = Service(tmp_path, REDIS_URL=redis.url, SANDBOX_POOL_SIZE="1")
    new.migrate()
    with ExitStack() as stack, ThreadPoolExecutor(1) as starter:
        stack.callback(new.stop)
        redis.stop()
        try:
            starting = starter.submit(new.start)
            assert eventually(lambda: has_a_container(new), READY_SECONDS)
            assert says_that_the_cache_is_away(new)
            time.sleep(6)  # longer than a heartbeat
            assert says_that_the_cache_is_away(new)
            assert not starting.done()
        finally:
            redis.start()
        starting.result()
        assert new.execute("print(1)")["output"] == "1\n"


def has_a_container(service: Service) -> bool:
    """Return whether the service serves and has a container that waits."""
    try:
        return bool(service.health()["pool"]["idle"] == 1)
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_a_hanging_redis_counts_as_down(service: Service, redis: Redis) -> None:
    service.execute("print(1)")
    redis.pause()
    try:
        assert is_refused(service)
        assert eventually(lambda: says_that_the_cache_is_away(service), 60)
    finally:
        redis.resume()
    assert eventually(lambda: service.post("print(2)").status_code == 200, 60)


def test_a_flushed_redis_causes_no_error(service: Service, redis: Redis) -> None:
    service.execute("print(1)")
    redis.client().flushall()
    assert service.execute("print(2)")["output"] == "2\n"
