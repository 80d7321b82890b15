"""Two services and a backup share a PostgreSQL server that accepts few connections."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.servers import PostgreSQL
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]

CONNECTIONS = 6
MOST = 20
"""What two services may take, three that are reserved for superusers, and five to spare."""
CLIENTS = 32
# Without that of the last backup, which the server may not have ended yet.
TAKEN = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'code' AND application_name <> 'pg_dump'"


class SmallPostgreSQL(PostgreSQL):
    """A server that accepts few connections."""

    def command(self) -> list[str]:
        return [*super().command(), f"--max_connections={MOST}"]


@pytest.fixture(scope="module")
def small() -> Iterator[PostgreSQL]:
    with SmallPostgreSQL() as server:
        yield server


def test_two_services_leave_connections_for_a_backup(small: PostgreSQL, tmp_path: Path) -> None:
    settings = {"DATABASE_CONNECTIONS": str(CONNECTIONS), "SANDBOX_QUEUE_LENGTH": "64", "SANDBOX_QUEUE_SECONDS": "30"}
    first = Service(tmp_path, DATABASE_URL=small.url, **settings)
    services = [first, first.sibling()]
    first.migrate()
    used: list[int] = []

    def post(number: int) -> tuple[int, str]:
        headers = {"X-API-Key": first.api_key, "Origin": ORIGIN}
        stream = {"Accept": "text/event-stream"} if number % 4 == 3 else {}
        body = {"code": "import time; time.sleep(0.3); print('done')"}
        url = f"{services[number % 2].url}/execute"
        response = requests.post(url, json=body, headers=headers | stream, timeout=60)
        return response.status_code, "done" if "done" in response.text else response.text

    def back_up() -> int:
        used.append(int(str(small.sql(TAKEN)[0][0])))
        address = ["--host=127.0.0.1", f"--port={small.port}", "--username=code", "code"]
        return subprocess.run(["pg_dump", *address], stdout=subprocess.DEVNULL).returncode

    with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as clients:
        for service in services:
            stack.callback(service.stop)
            service.start()
        answers = [clients.submit(post, number) for number in range(3 * CLIENTS)]
        while not all(answer.done() for answer in answers):
            assert back_up() == 0
        failures = [line for each in services for line in each.log().splitlines() if '"level": "error"' in line]
        assert Counter(answer.result() for answer in answers) == {(200, "done"): 3 * CLIENTS}, failures
        assert max(used) <= 2 * CONNECTIONS + 1  # and the one that asks
        recorded = "SELECT status, count(*) FROM executions_execution GROUP BY status"
        assert eventually(lambda: small.sql(recorded) == [("success", 3 * CLIENTS)], 30)
        for service in services:
            assert "too many" not in service.log()
            assert "in use" not in service.log()
