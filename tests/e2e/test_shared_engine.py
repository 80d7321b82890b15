"""Services on different hosts use one engine, one database and one Redis, and restart in turn under load.

The engine is one of the test's own, which knows none of the containers that services run in.
"""

import itertools
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from executions.records.servers import LIFE_SECONDS
from tests.engine import OwnEngine
from tests.servers import PostgreSQL, Redis
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(480)]

CLIENTS = 4
RESTARTS = 4
HOSTS = ("0123456789ab", "fedcba987654")
"""Names as of containers on other engines, which this one does not know."""


@pytest.fixture(scope="module")
def own_engine() -> Iterator[OwnEngine]:
    with OwnEngine() as own_engine:
        yield own_engine


@pytest.fixture
def services(tmp_path: Path, postgresql: PostgreSQL, redis: Redis, own_engine: OwnEngine) -> Iterator[list[Service]]:
    """Return two services, each on a host of its own."""
    first = Service(tmp_path, DATABASE_URL=postgresql.url, REDIS_URL=redis.url, DOCKER_HOST=own_engine.url)
    services = [first, first.sibling()]
    first.migrate()
    with ExitStack() as stack:
        for service, host in zip(services, HOSTS, strict=True):
            service.command = ["unshare", "--uts", "sh", "-c", f'hostname {host} && exec "$@"', "sh", *service.command]
            stack.callback(service.stop)
            service.start()
        yield services


class Load:
    """Clients that send programs of half a second to any service that serves, until `stop`."""

    def __init__(self, services: list[Service]) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()
        self._services = services
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._threads.submit(self._send, number) for number in range(CLIENTS)]

    def _send(self, number: int) -> None:
        for count in itertools.count():
            if self._stopping.is_set():
                return
            service = self._services[(number + count) % len(self._services)]
            headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}
            body = {"code": "import time; time.sleep(0.5); print('done')"}
            try:
                response = requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60)
            except requests.ConnectionError:  # it restarts; a proxy would not have asked it
                continue
            answer = response.json()
            self.answers[response.status_code, answer.get("output") or answer.get("code")] += 1

    def stop(self) -> None:
        """Stop, and raise what a client raised."""
        self._stopping.set()
        for client in self._clients:
            client.result()
        self._threads.shutdown()


def test_services_of_different_hosts_lose_nothing_when_they_restart_in_turn(
    services: list[Service], postgresql: PostgreSQL
) -> None:
    load = Load(services)
    for turn in range(RESTARTS):
        service = services[turn % len(services)]
        service.stop()
        service.start()
    load.stop()
    assert set(load.answers) <= {(200, "done\n"), (503, "unavailable")}, load.answers  # 503: it had not opened yet
    done = load.answers[200, "done\n"]
    assert done >= 20
    recorded = postgresql.sql("SELECT status, count(*) FROM executions_execution GROUP BY status")
    assert {status: count for status, count in recorded if status != "refused"} == {"success": done}
    for service in services:
        log = service.log()
        assert "removed" not in log
        assert "interrupted" not in log
        assert "lost" not in log


def test_a_living_service_closes_the_executions_of_one_that_was_killed(
    services: list[Service], postgresql: PostgreSQL
) -> None:
    killed, living = services
    with ThreadPoolExecutor(2) as clients:
        code = "import time; time.sleep(8); print('mine')"
        lost, kept = (clients.submit(service.post, code, timeout=10) for service in services)
        running = "SELECT count(*) FROM executions_execution WHERE status = 'running'"
        assert eventually(lambda: postgresql.sql(running) == [(2,)], 10)
        killed.stop(signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            lost.result()
        assert kept.result().json()["output"] == "mine\n"
    assert postgresql.sql(running) == [(1,)]
    assert eventually(lambda: postgresql.sql(running) == [(0,)], 3 * LIFE_SECONDS)
    statuses = postgresql.sql("SELECT status FROM executions_execution ORDER BY status")
    assert statuses == [("internal_error",), ("success",)]
    assert living.execute("print(1)")["output"] == "1\n"
