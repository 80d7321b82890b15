"""Hundreds of clients that never finish a request or never read a response, and bodies that would fill the memory."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

import pytest
import requests

from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(360)]

MANY = 300
SECONDS = 10
DRIP = b" " * 36_000
"""What a dripping client sends in a second: a little more than the slowest speed that is allowed."""

PROMISED_SECONDS = 0.5
"""In which 99 % of all health checks are answered (docs/decisions/0023-slow-clients.md)."""
PROXY_SECONDS = 4  # how long the health check waits
MOST_GROWTH_MB = 100
MOST_BYTES_FOR_A_BYTE = 16  # of a valid request: Python takes four for each character of a string with an emoji
SCRIPT = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, static_files: None) -> Iterator[Service]:
    settings = {"SANDBOX_POOL_SIZE": "2", "SANDBOX_REUSE": "always"}  # these tests are not about containers
    with Service(tmp_path_factory.mktemp("service"), **settings) as service:
        yield service


def head_of(service: Service, length: int) -> bytes:
    lines = "POST /execute HTTP/1.1", "Host: localhost", f"X-API-Key: {service.api_key}", f"Origin: {ORIGIN}"
    return "\r\n".join((*lines, "Content-Type: application/json", f"Content-Length: {length}", "", "")).encode()


@contextmanager
def slow_clients(service: Service, sent: bytes, drip: bytes = b"") -> Iterator[None]:
    """Keep MANY clients connected that send `sent`, and then `drip` each second, and read nothing."""
    over = threading.Event()

    def stay() -> None:
        while not over.is_set():
            with suppress(OSError), socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(5)
                client.connect(("127.0.0.1", service.port))
                client.sendall(sent)
                while not over.wait(1):
                    client.sendall(drip)
                    client.send(b"", socket.MSG_DONTWAIT)

    with ThreadPoolExecutor(MANY) as threads:
        for _ in range(MANY):
            threads.submit(stay)
        try:
            time.sleep(2)
            yield
        finally:
            over.set()


@pytest.mark.alone  # a time is promised, which other tests would take
@pytest.mark.parametrize("kind", ["silent", "half a head", "dripping", "dripping without a key", "not reading"])
def test_slow_clients_delay_no_other_requests(service: Service, kind: str) -> None:
    """`/health` took up to twenty seconds when a thread waited for each of them."""
    half = b"POST /execute HTTP/1.1\r\nHost: localhost\r\n"
    sent, drip = {
        "silent": (b"", b""),
        "half a head": (half, b""),
        "dripping": (head_of(service, 2_000_000), DRIP),
        "dripping without a key": (half + b"Content-Length: 2000000\r\n\r\n", DRIP),
        "not reading": (f"GET {SCRIPT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), b""),
    }[kind]
    assert len(requests.get(f"{service.url}{SCRIPT}", timeout=5).content) > 1_000_000
    with slow_clients(service, sent, drip):
        assert_health_is_prompt(service, kind)


def assert_health_is_prompt(service: Service, kind: str) -> None:
    """Ask for it from an address of our own, as a proxy does, and run programs meanwhile."""
    seconds: list[float] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(seconds) < 100:
        began = time.monotonic()
        assert status_of_health(service) == 200
        seconds.append(time.monotonic() - began)
        assert service.post("print(1)").status_code == 200
    *_, late = quantiles(seconds, n=100)
    print(f"{kind}: median {median(seconds):.3f} s, 99 % {late:.3f} s, worst {max(seconds):.3f} s of {len(seconds)}")
    assert late < PROMISED_SECONDS


def status_of_health(service: Service) -> int:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=PROXY_SECONDS, source_address=("127.0.0.2", 0))
    with closing(connection):
        connection.request("GET", "/health")
        return connection.getresponse().status


FLOOD = """
import asyncio, sys

async def ask(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\\r")[0]))

async def main(port, many):
    await asyncio.gather(*(ask(port) for _ in range(many)))

asyncio.run(main(*map(int, sys.argv[1:])))
"""


@pytest.mark.alone
def test_a_flood_of_health_checks_delays_no_others(service: Service) -> None:
    """In one line with them, each waited for about a second."""
    flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(service.port), str(MANY)])
    try:
        time.sleep(2)
        assert_health_is_prompt(service, "flood")
        assert flood.poll() is None
    finally:
        flood.kill()
        flood.wait()


def rss_mb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def posted_at_once(post: Callable[[], int], count: int, worker: int) -> tuple[set[int], int]:
    """Call `post` in so many threads; return the statuses, and by how many MB the memory of `worker` grew meanwhile."""
    before = highest = rss_mb(worker)
    with ThreadPoolExecutor(count) as threads:
        posts = [threads.submit(post) for _ in range(count)]
        while not all(each.done() for each in posts):
            highest = max(highest, rss_mb(worker))
            time.sleep(0.01)
    print(f"{before} MB before, {highest} MB at most")
    return {each.result() for each in posts}, highest - before


@pytest.mark.parametrize("pad", ["x", "🐍"])
def test_ten_large_requests_that_run_take_little_memory(tmp_path: Path, pad: str) -> None:
    """In compose.yaml the service has 256 MB. Ten took 190, because a snake makes each character take four bytes."""
    with Service(tmp_path, SANDBOX_POOL_SIZE="2", SANDBOX_MAX_CONCURRENT="16", SANDBOX_REUSE="always") as service:
        cases = [{"stdin": pad + "x" * 40_000}] * 40
        body = json.dumps({"code": "import time\ntime.sleep(4)", "test_cases": cases}, ensure_ascii=False).encode()
        worker = service.worker_pid()
        assert service.post("print(1)").status_code == 200

        def post() -> int:
            headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
            return requests.post(f"{service.url}/execute", body, headers=headers, timeout=60).status_code

        statuses, growth_mb = posted_at_once(post, 10, worker)
        assert statuses == {200, 503}  # those that found no room
        assert growth_mb < MOST_GROWTH_MB


@pytest.mark.parametrize("pairs", [85_000, 0], ids=["small objects", "valid"])
def test_six_large_bodies_at_once_take_little_memory(service: Service, pairs: int) -> None:
    bomb = '{"code":"1","test_cases":[%s]}' % ",".join(f'{{"{number}":{{"{number}":[]}}}}' for number in range(pairs))  # noqa: UP031
    valid = json.dumps({"code": "1", "test_cases": [{"stdin": "🐍" + "x" * 40_000}] * 40}, ensure_ascii=False)
    body = (bomb if pairs else valid).encode()
    assert len(body) > 1_600_000
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
    worker = service.worker_pid()

    def post() -> int:
        """Send the body, if it is not valid until there is room for it."""
        while True:
            status = requests.post(f"{service.url}/execute", body, headers=headers, timeout=60).status_code
            if status != 503 or not pairs:
                return status

    statuses, growth_mb = posted_at_once(post, 6, worker)
    assert statuses <= ({400} if pairs else {200, 503})
    assert growth_mb < (MOST_GROWTH_MB if pairs else MOST_BYTES_FOR_A_BYTE * 6 * len(body) / 1_000_000)
