"""More clients than the service has room for, slow and disconnected clients, and a flood from one key."""

import json
import resource
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from statistics import median

import pytest
import requests

from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

SLOTS, LINE, LINE_SECONDS = 2, 4, 20
SLEEP_SECONDS = 1
LONG_SLEEP_SECONDS = 9
SLEEP = f"import time; time.sleep({SLEEP_SECONDS}); print('done')"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {
        "SANDBOX_POOL_SIZE": str(SLOTS),
        "SANDBOX_MAX_CONCURRENT": str(SLOTS),
        "SANDBOX_QUEUE_LENGTH": str(LINE),
        "SANDBOX_QUEUE_SECONDS": str(LINE_SECONDS),
    }
    with Service(tmp_path_factory.mktemp("service"), **settings) as service:
        yield service


@pytest.fixture(autouse=True)
def _at_rest(service: Service) -> None:
    at_rest = {"idle": SLOTS, "in_use": 0, "waiting": 0}
    assert eventually(lambda: service.health()["pool"] == at_rest, 120), service.health()


def post(service: Service, code: str, key: str) -> requests.Response:
    headers = {"X-API-Key": key, "Origin": ORIGIN}
    return requests.post(f"{service.url}/execute", json={"code": code}, headers=headers, timeout=60)


def request_of(service: Service, code: str, accept: str = "application/json") -> bytes:
    body = json.dumps({"code": code, "timeout": 10}).encode()
    return head_of(service, f"Content-Length: {len(body)}\r\nAccept: {accept}") + body


def head_of(service: Service, length: str) -> bytes:
    lines = "POST /execute HTTP/1.1", "Host: localhost", f"X-API-Key: {service.api_key}", f"Origin: {ORIGIN}"
    return "\r\n".join((*lines, "Content-Type: application/json", length, "", "")).encode()


def connect(service: Service, sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    client.sendall(sent)
    return client


def test_requests_over_capacity_get_a_503(service: Service) -> None:
    count = 2 * SLOTS + LINE + 50
    began = time.monotonic()
    with ThreadPoolExecutor(count) as clients:
        found = list(clients.map(lambda _: post(service, f"# in the crowd\n{SLEEP}", service.api_key), range(count)))
    took_seconds = time.monotonic() - began
    served = [response for response in found if response.status_code == 200]
    refused = [response for response in found if response.status_code == 503]
    assert len(served) + len(refused) == count
    assert SLOTS <= len(served) <= SLOTS * took_seconds / SLEEP_SECONDS
    assert all(response.json()["output"] == "done\n" for response in served)
    assert all(int(response.headers["Retry-After"]) >= 1 for response in refused)
    rows = "SELECT status, count(*) FROM executions_execution WHERE code LIKE '# in the crowd%' GROUP BY status"
    assert dict(service.query(rows)) == {"success": len(served), "refused": len(refused)}


def test_refusals_and_health_checks_do_not_wait_in_line(service: Service) -> None:
    """Compare with the time that a wrong key takes, from one client, while all slots and places in line are taken."""

    def place() -> tuple[int, int]:
        pool = service.health()["pool"]
        return pool["in_use"], pool["waiting"]

    taken = [connect(service, request_of(service, "import time; time.sleep(9)")) for _ in range(SLOTS + LINE)]
    assert eventually(lambda: place() == (SLOTS, LINE), 60), service.health()
    seconds: dict[str, list[float]] = {"line": [], "key": [], "health": []}
    with requests.Session() as session:

        def measure(what: str, status: int, send: Callable[[], requests.Response]) -> None:
            began = time.monotonic()
            assert send().status_code == status
            seconds[what].append(time.monotonic() - began)

        def execute(key: str) -> requests.Response:
            headers = {"X-API-Key": key, "Origin": ORIGIN}
            return session.post(f"{service.url}/execute", json={"code": "print(1)"}, headers=headers, timeout=60)

        for _ in range(20):
            measure("line", 503, lambda: execute(service.api_key))
            measure("key", 403, lambda: execute("nobody's"))
            measure("health", 200, lambda: session.get(f"{service.url}/health", timeout=60))
    assert place() == (SLOTS, LINE)  # still full
    for client in taken:
        client.close()
    line, key, health = (median(seconds[what]) for what in ("line", "key", "health"))
    print(f"refused for the line in {line:.4f} s, for the key in {key:.4f} s, health in {health:.4f} s")
    assert line < 10 * key
    assert health < 5 * key


def test_a_flooding_key_leaves_slots_for_other_keys(service: Service) -> None:
    other = service.manage("create_key", "Other", "--kind", "secret", "--origin", ORIGIN).splitlines()[-1]
    set_max_concurrent(service, 3)
    over = threading.Event()

    def flood() -> set[int]:
        codes = set()
        while not over.is_set():
            codes.add(post(service, SLEEP, service.api_key).status_code)
            time.sleep(0.02)
        return codes

    with ThreadPoolExecutor(10) as clients:
        floods = [clients.submit(flood) for _ in range(10)]
        try:
            assert eventually(lambda: service.health()["pool"]["waiting"] == 1, 60)
            assert [post(service, "print(1)", other).status_code for _ in range(3)] == [200] * 3
        finally:
            over.set()
        assert set.union(*(each.result() for each in floods)) == {200, 429}
    set_max_concurrent(service, 1000)


@pytest.mark.parametrize("slots", [3, 4])
def test_sleeping_programs_of_one_address_leave_a_slot_for_others(tmp_path: Path, slots: int) -> None:
    """On a small machine, too: others waited until one of them had ended, or got a 503."""
    settings = {
        "SANDBOX_POOL_SIZE": str(slots),
        "SANDBOX_MAX_CONCURRENT": str(slots),
        "SANDBOX_REUSE": "always",
        "TRUSTED_PROXY_COUNT": "1",
    }
    sleeper = f"import time; time.sleep({LONG_SLEEP_SECONDS})"
    with Service(tmp_path, **settings) as service:
        began = time.monotonic()
        sleepers = [connect(service, request_of(service, sleeper)) for _ in range(24)]
        assert eventually(lambda: service.health()["pool"]["waiting"] == 24 - slots + 1, 30), service.health()
        other = {"X-API-Key": service.api_key, "Origin": ORIGIN, "X-Forwarded-For": "192.0.2.7"}
        for _ in range(3):
            answer = requests.post(f"{service.url}/execute", json={"code": "print(1)"}, headers=other, timeout=60)
            assert (answer.status_code, answer.json()["output"]) == (200, "1\n")
        assert time.monotonic() - began < LONG_SLEEP_SECONDS  # none of the sleepers had ended
        for client in sleepers:
            client.close()


def set_max_concurrent(service: Service, count: int) -> None:
    connection = sqlite3.connect(service.database)
    with connection:
        connection.execute("UPDATE apikeys_apikey SET max_concurrent = ? WHERE prefix = 'API_KEY'", (count,))
    connection.close()


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_no_program_runs_for_a_disconnected_client(service: Service, accept: str) -> None:
    with ThreadPoolExecutor(SLOTS) as clients:
        sleep = "import time; time.sleep(4)"
        running = [clients.submit(post, service, sleep, service.api_key) for _ in range(SLOTS)]
        assert eventually(lambda: service.health()["pool"]["in_use"] == SLOTS)
        client = connect(service, request_of(service, f"print('for nobody', '{accept}')", accept))
        assert eventually(lambda: service.health()["pool"]["waiting"] == 1)
        client.close()
        assert {each.result().status_code for each in running} == {200}
    status = f"SELECT status FROM executions_execution WHERE code LIKE '%for nobody%{accept}%'"
    assert eventually(lambda: service.query(status) == [("refused",)]), service.query(status)


def test_slow_bodies_delay_no_other_requests(service: Service) -> None:
    slow = [connect(service, head_of(service, "Content-Length: 1000") + b"{") for _ in range(SLOTS + LINE)]
    for _ in range(3):
        for client in slow:
            client.sendall(b" ")
        response = post(service, "print('ok')", service.api_key)
        assert (response.status_code, response.json()["output"]) == (200, "ok\n")
    for client in slow:
        assert b"400 Bad Request" in client.recv(1000)
        client.close()


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("Transfer-Encoding: chunked", b"411"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", b"400"),
        ("Content-Length: -1", b"400"),
        ("Content-Length: 5\r\nContent-Length: 6", b"400"),
        ("Content-Length: 5\r\n folded", b"400"),
        ("Content-Length: 9999999", b"413"),
        ("X-Long: " + "x" * 9000, b"431"),
    ],
)
def test_invalid_lengths_are_refused(service: Service, length: str, status: bytes) -> None:
    with connect(service, head_of(service, length) + b"5\r\n12345\r\n0\r\n\r\n" + b" " * 3_000_000) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 " + status)


def test_exhausted_descriptors_make_clients_wait_without_a_crash(service: Service) -> None:
    worker = service.worker_pid()
    most = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    open_now = {int(each.name) for each in Path(f"/proc/{worker}/fd").iterdir()}
    free = (number for number in count() if number not in open_now)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (next(islice(free, 3, None)), most[1]))  # three are left
    try:
        idle = [connect(service, b"") for _ in range(30)]
        assert eventually(lambda: "cannot accept a client yet" in service.log(), 30)
        statuses = set()
        for client in idle[:10]:
            client.sendall(request_of(service, "print('ok')"))
            client.settimeout(0.3)
            try:
                statuses.add(client.recv(1000)[9:12])
            except TimeoutError:
                pass
        assert statuses <= {b"200", b"503", b""}  # or the server closed the connection
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, most)
    for client in idle:
        client.close()
    assert eventually(lambda: post(service, "print('ok')", service.api_key).status_code == 200, 60)
    assert service.worker_pid() == worker
