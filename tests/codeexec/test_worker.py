"""Clients that keep the server waiting, at a real gunicorn that serves a stub."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from codeexec import gunicorn
from codeexec.worker import STALLED_SECONDS

THREADS = 2
START_SECONDS = 20
LINGER_SECONDS = 2  # gunicorn's own

Address = tuple[str, int]


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
        process = subprocess.Popen([*command, "wsgiref.simple_server:demo_app"], pass_fds=[descriptor])
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


@pytest.mark.parametrize(
    "sent", [b"G", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"]
)
def test_clients_that_stall_keep_no_thread(server: Address, sent: bytes) -> None:
    clients = open_clients(server, THREADS, sent)
    assert answers_within(server, STALLED_SECONDS + LINGER_SECONDS + 1)
    for client in clients:
        client.close()


def test_a_connection_is_kept_for_the_next_request(server: Address) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK")
