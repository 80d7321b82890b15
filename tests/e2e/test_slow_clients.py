"""Hundreds of clients that never finish a request or never read a response, and bodies that would fill the memory."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import pytest
import requests

from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(360)]

MANY = 300
SECONDS = 10
DRIP = b" " * 36_000
"""What a dripping client sends in a second: a little more than the slowest speed that is allowed."""

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
    seconds: list[float] = []
    with slow_clients(service, sent, drip):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            began = time.monotonic()
            assert requests.get(f"{service.url}/health", timeout=PROXY_SECONDS).status_code == 200
            seconds.append(time.monotonic() - began)
            assert service.post("print(1)").status_code == 200
            time.sleep(0.1)
    print(f"{kind}: median {median(seconds):.3f} s, worst {max(seconds):.3f} s of {len(seconds)}")
    assert median(seconds) < 0.5


def rss_mb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.mark.parametrize("pairs", [85_000, 0], ids=["small objects", "valid"])
def test_six_large_bodies_at_once_take_little_memory(service: Service, pairs: int) -> None:
    bomb = '{"code":"1","test_cases":[%s]}' % ",".join(f'{{"{number}":{{"{number}":[]}}}}' for number in range(pairs))  # noqa: UP031
    valid = json.dumps({"code": "1", "test_cases": [{"stdin": "🐍" + "x" * 40_000}] * 40}, ensure_ascii=False)
    body = (bomb if pairs else valid).encode()
    assert len(body) > 1_600_000
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
    worker = service.worker_pid()
    before = highest = rss_mb(worker)

    def post() -> int:
        return requests.post(f"{service.url}/execute", body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(6) as threads:
        posts = [threads.submit(post) for _ in range(6)]
        while not all(each.done() for each in posts):
            highest = max(highest, rss_mb(worker))
            time.sleep(0.01)
    print(f"{before} MB before, {highest} MB at most")
    assert {each.result() for each in posts} <= ({400} if pairs else {200, 503})
    assert highest - before < (MOST_GROWTH_MB if pairs else MOST_BYTES_FOR_A_BYTE * 6 * len(body) / 1_000_000)
