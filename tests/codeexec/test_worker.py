"""Clients that keep the server waiting, at a real gunicorn that serves a stub."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codeexec import gunicorn
from codeexec.worker import SLOWEST_BYTES_A_SECOND, STALLED_SECONDS

THREADS = 6
START_SECONDS = 20
LINGER_SECONDS = 2  # gunicorn's own

Address = tuple[str, int]


def length_of_body(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """Be the application that is served: read the whole request, and say how much it was."""
    answer = b"%d\n" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # gunicorn takes it over, so that nobody else can
        descriptor = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-k", gunicorn.worker_class, "--threads", str(THREADS)]
        command += [
            "--keep-alive",
            "5",
            "--graceful-timeout",
            "1",
            "--bind",
            f"fd://{descriptor}",
            "--no-control-socket",
            "--log-level",
            "error",
        ]
        process = subprocess.Popen([*command, "tests.codeexec.test_worker:length_of_body"], pass_fds=[descriptor])
        address = listener.getsockname()
        try:
            assert answers_within(address, START_SECONDS)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def answers_within(address: Address, seconds: float) -> bool:
    """Return whether a well-behaved request is answered in time."""
    with socket.create_connection(address) as client:
        client.settimeout(seconds)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        try:
            return client.recv(100).startswith(b"HTTP/1.1 200 OK")
        except TimeoutError:
            return False


def open_clients(address: Address, count: int, sent: bytes) -> list[socket.socket]:
    clients = [socket.create_connection(address) for _ in range(count)]
    for client in clients:
        client.sendall(sent)
    return clients


def test_clients_that_do_not_close_keep_nobody_waiting(server: Address) -> None:
    [client] = open_clients(server, 1, b"GET / HTTP/1.0\r\n\r\n")
    time.sleep(0.2)  # it is answered, and does not close
    assert answers_within(server, LINGER_SECONDS / 2)
    client.close()


def test_clients_that_stall_keep_no_thread(server: Address) -> None:
    kinds = b"G", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
    clients = [client for sent in kinds for client in open_clients(server, THREADS // len(kinds), sent)]
    assert answers_within(server, STALLED_SECONDS + LINGER_SECONDS + 1)
    for client in clients:
        client.close()


def drip(clients: list[socket.socket]) -> list[socket.socket]:
    """Send a byte for each client; return those that are still heard."""
    heard = []
    for client in clients:
        try:
            client.sendall(b"x")
            heard.append(client)
        except OSError:
            client.close()
    return heard


def test_clients_that_drip_keep_no_thread(server: Address) -> None:
    """They never pause for long; what counts is when the request is here."""
    kinds = b"GET / HTTP/1.1\r\nHost: ", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n"
    clients = [client for sent in kinds for client in open_clients(server, THREADS // len(kinds), sent)]
    began = time.monotonic()
    while clients and time.monotonic() - began < 4 * STALLED_SECONDS:
        clients = drip(clients)
        time.sleep(0.2)
    for client in clients:
        client.close()
    assert STALLED_SECONDS - 1 < time.monotonic() - began < 2 * STALLED_SECONDS + LINGER_SECONDS
    assert answers_within(server, STALLED_SECONDS)


def test_a_long_body_may_take_longer(server: Address) -> None:
    piece = b"x" * SLOWEST_BYTES_A_SECOND
    count = STALLED_SECONDS + 2
    with socket.create_connection(server) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(piece) * count}\r\n\r\n".encode())
        for _ in range(count):
            client.sendall(piece)
            time.sleep(0.9)
        client.settimeout(5)
        answer = client.recv(1000)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"%d\n" % (len(piece) * count))


def test_a_connection_is_kept_for_the_next_request(server: Address) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\n0\n"):
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK")
