"""A database that stops or hangs while programs run, is locked, or has no free connection."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from tests.servers import PostgreSQL
from tests.service import ORIGIN, Service
from tests.waiting import eventually

MORE_THAN_THREADS = 70

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture
def service(tmp_path: Path, postgresql: PostgreSQL) -> Iterator[Service]:
    with Service(tmp_path, DATABASE_URL=postgresql.url, SANDBOX_POOL_SIZE="2") as service:
        yield service


def post(service: Service, code: str) -> requests.Response:
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}
    body = {"code": code, "timeout": 10}
    return requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60)


def begin_two(service: Service, clients: ThreadPoolExecutor) -> list[Future[requests.Response]]:
    """Start two programs that sleep for a while, and return the futures of their responses."""
    begun = [clients.submit(post, service, f"import time; time.sleep(6); print({n})") for n in range(2)]
    assert eventually(lambda: service.health()["pool"]["in_use"] == 2, 20)
    return begun


def test_results_survive_a_database_outage(service: Service, postgresql: PostgreSQL) -> None:
    service.execute("print('before')")
    with ThreadPoolExecutor(2) as clients:
        running = begin_two(service, clients)
        postgresql.stop()
        assert service.health()["pool"]["in_use"] == 2  # they are still running
        assert [answer.result().json()["output"] for answer in running] == ["0\n", "1\n"]
    assert post(service, "print('never')").status_code == 503
    time.sleep(2)
    postgresql.start()
    rows = "SELECT output FROM executions_execution WHERE status = 'success' ORDER BY output"
    assert eventually(lambda: postgresql.sql(rows) == [("0\n",), ("1\n",), ("before\n",)], 60)
    assert postgresql.sql("SELECT executions FROM apikeys_dailyuse WHERE who = ''") == [(3,)]
    assert postgresql.sql("SELECT count(*) FROM executions_execution") == [(3,)]
    assert service.execute("print('after')")["output"] == "after\n"

    # While another connection locks a table, as a migration would, each request is refused in bounded time.
    with psycopg.connect(host="127.0.0.1", port=postgresql.port, user="code", dbname="code") as other:
        other.execute("LOCK TABLE executions_execution, apikeys_dailyuse IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with ThreadPoolExecutor(20) as clients:
            answers = list(clients.map(lambda _: post(service, "print('never')"), range(20)))
        assert {answer.status_code for answer in answers} == {503}
        assert time.monotonic() - began < 30
        assert service.is_healthy()
    assert service.execute("print('unlocked')")["output"] == "unlocked\n"

    # Without a free connection, requests are refused at once. Ours takes the only one before the service's are closed.
    with psycopg.connect(host="127.0.0.1", port=postgresql.port, user="code", dbname="code") as ours:
        postgresql.sql("ALTER ROLE code CONNECTION LIMIT 1", user="owner")
        postgresql.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'code'"
            f" AND pid <> {ours.info.backend_pid}",
            user="owner",
        )
        began = time.monotonic()
        assert post(service, "print('never')").status_code == 503
        assert time.monotonic() - began < 10
    postgresql.sql("ALTER ROLE code CONNECTION LIMIT -1", user="owner")
    assert eventually(lambda: post(service, "print(1)").status_code == 200, 60)
    never = "SELECT count(*) FROM executions_execution WHERE code LIKE '%never%' AND status <> 'running'"
    assert postgresql.sql(never) == [(0,)]


def test_a_hanging_database_blocks_no_requests(service: Service, postgresql: PostgreSQL) -> None:
    service.execute("print('before')")
    with ThreadPoolExecutor(MORE_THAN_THREADS + 2) as clients:
        running = begin_two(service, clients)
        postgresql.pause()
        try:
            assert service.health()["pool"]["in_use"] == 2
            others = [clients.submit(post, service, "print('never')") for _ in range(MORE_THAN_THREADS)]
            while not all(answer.done() for answer in (*running, *others)):
                asked = time.monotonic()
                service.health()
                assert time.monotonic() - asked < 1
                time.sleep(0.2)
            assert eventually(lambda: service.health()["database"] == "unreachable", 60)
        finally:
            postgresql.resume()
        assert [answer.result().json()["output"] for answer in running] == ["0\n", "1\n"]
        assert {(answer.result().status_code, answer.result().json()["code"]) for answer in others} == {
            (503, "unavailable")
        }
    rows = "SELECT output FROM executions_execution WHERE status = 'success' ORDER BY output"
    assert eventually(lambda: postgresql.sql(rows) == [("0\n",), ("1\n",), ("before\n",)], 60)
    assert postgresql.sql("SELECT executions FROM apikeys_dailyuse WHERE who = ''") == [(3,)]
    assert postgresql.sql("SELECT count(*) FROM executions_execution WHERE status NOT IN ('running', 'success')") == [
        (0,)
    ]
    assert eventually(lambda: post(service, "print('after')").status_code == 200, 60)
