"""Slow clients of a real gunicorn that serves a stub."""

import http.client
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils.module_loading import import_string
from structlog.contextvars import bind_contextvars, get_contextvars

from codeexec import gunicorn, hurried_socket
from codeexec.crowd import MOST_HELD_BYTES
from codeexec.gunicorn_worker import BoundedThreadWorker
from codeexec.hurried_socket import HurriedSocket
from codeexec.malformed import refuse

pytestmark = pytest.mark.server

THREADS = 6
START_SECONDS = 20
LINGER_SECONDS = 2  # gunicorn's own
STALLED_SECONDS = 2  # not the service's own, for which the tests would wait
SLOWEST_BYTES_A_SECOND = 64 * 1024
BUSY_SECONDS = 4
MANY = 300
LONG = 3 * SLOWEST_BYTES_A_SECOND
LONGEST_ANSWER_SECONDS = STALLED_SECONDS + LONG / SLOWEST_BYTES_A_SECOND
BUFFER_BYTES = 4096  # of each side of a connection: a larger buffer would hold a whole response

Address = tuple[str, int]
Ask = Callable[[str], socket.socket]


class QuickSocket(HurriedSocket):
    stalled_seconds = STALLED_SECONDS
    slowest_bytes_a_second = SLOWEST_BYTES_A_SECOND
    most_unsent_bytes = 2 * LONG


class QuickWorker(BoundedThreadWorker):
    socket_class = QuickSocket


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Serve the stub: return the length of the request body, or a long response of one of three kinds."""
    match environ["PATH_INFO"]:
        case "/long":
            start_response("200 OK", [("Content-Length", str(LONG))])
            return [b"x" * LONG]
        case "/file":
            start_response("200 OK", [("Content-Length", str(LONG))])
            path = Path(environ["QUERY_STRING"])
            answer: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"))
            return answer
        case "/busy":
            time.sleep(BUSY_SECONDS)
        case "/health":
            time.sleep(float(environ["QUERY_STRING"] or 0))
        case "/refuse":
            start_response("403 Forbidden", [("Content-Length", "0")])
            return []
        case "/ids":
            ids = repr(get_contextvars()).encode()
            bind_contextvars(execution_id="of this request")
            start_response("200 OK", [("Content-Length", str(len(ids)))])
            return [ids]
        case "/flood" | "/slow" as path:
            start_response("200 OK", [])
            return stream(path)
    length = b"%d\n" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Length", str(len(length)))])
    return [length]


def stream(path: str) -> Iterator[bytes]:
    """Yield pieces, endlessly or with long pauses, and log the end."""
    try:
        for _ in range(STALLED_SECONDS + 2) if path == "/slow" else iter(int, 1):
            time.sleep(1 if path == "/slow" else 0)
            yield b"x" * 100
    finally:
        print(f"{path} was closed", file=sys.stderr, flush=True)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker") / "log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[Address]:
    with (
        socket.create_server(
            ("127.0.0.1", 0)
        ) as listener,  # gunicorn inherits the socket, so no other process can take the port
        log.open("wb") as output,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        descriptor = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-k", f"{__name__}.QuickWorker", "--threads", str(THREADS)]
        command += f"--bind fd://{descriptor} --keep-alive 5 --graceful-timeout 1".split()
        command += "--no-control-socket --log-level error".split()
        command.append("tests.codeexec.test_worker:application")
        process = subprocess.Popen(command, pass_fds=[descriptor], stderr=output)
        address = listener.getsockname()
        try:
            assert answers_within(address, START_SECONDS)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def answers_within(address: Address, seconds: float, path: str = "/", source: str = "127.0.0.1") -> bool:
    """Return whether an ordinary request gets its response in time."""
    with socket.create_connection(address, source_address=(source, 0)) as client:
        client.settimeout(seconds)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        try:
            return client.recv(100).startswith(b"HTTP/1.1 200 OK")
        except TimeoutError:
            return False


def open_clients(address: Address, count: int, sent: bytes) -> list[socket.socket]:
    clients = [socket.create_connection(address) for _ in range(count)]
    for client in clients:
        client.sendall(sent)
    return clients


def test_the_service_uses_the_worker_with_the_documented_limits() -> None:
    assert import_string(gunicorn.worker_class) is BoundedThreadWorker
    assert BoundedThreadWorker.socket_class is HurriedSocket
    assert HurriedSocket.stalled_seconds == hurried_socket.STALLED_SECONDS == 5
    assert HurriedSocket.slowest_bytes_a_second == hurried_socket.SLOWEST_BYTES_A_SECOND == 32 * 1024


def test_no_peer_of_gunicorn_may_change_the_path_or_the_scheme() -> None:
    assert gunicorn.forwarded_allow_ips == ""


def test_a_client_that_does_not_close_delays_nobody(server: Address) -> None:
    [client] = open_clients(server, 1, b"GET / HTTP/1.0\r\n\r\n")
    time.sleep(0.2)  # it has its response and does not close
    assert answers_within(server, LINGER_SECONDS / 2)
    client.close()


def test_stalling_clients_keep_no_thread(server: Address) -> None:
    kinds = b"G", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
    clients = [client for sent in kinds for client in open_clients(server, THREADS // len(kinds), sent)]
    assert answers_within(server, STALLED_SECONDS + LINGER_SECONDS + 1)
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12"],
    ids=["silent", "half a head", "half a body"],
)
def test_hundreds_of_unfinished_requests_delay_nobody(server: Address, sent: bytes) -> None:
    clients = open_clients(server, MANY, sent)
    for _ in range(10):
        assert answers_within(server, STALLED_SECONDS / 2)
    for client in clients:
        client.close()


def test_silent_clients_of_one_address_are_closed_from_the_oldest_on(server: Address) -> None:
    clients = open_clients(server, 2 * MANY, b"")
    assert answers_within(server, STALLED_SECONDS)
    oldest, newest = clients[0], clients[-1]
    oldest.settimeout(STALLED_SECONDS)
    assert oldest.recv(1) == b""
    newest.settimeout(0.5)
    with pytest.raises(TimeoutError):
        newest.recv(1)
    for client in clients:
        client.close()


@pytest.mark.wall("health_threads")
def test_health_answers_while_all_threads_are_busy(server: Address) -> None:
    with ExitStack() as stack:
        for client in open_clients(server, 3 * THREADS, b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            stack.enter_context(client)
        time.sleep(BUSY_SECONDS / 4)
        assert answers_within(server, BUSY_SECONDS / 4, "/health")
    assert answers_within(server, 4 * BUSY_SECONDS)


@pytest.mark.wall("health_turns")
def test_health_checks_of_one_address_delay_those_of_another_by_one(server: Address) -> None:
    with ExitStack() as stack:
        flood = open_clients(server, 40, b"GET /health?0.1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for client in flood:
            stack.enter_context(client)
        for _ in range(3):
            assert answers_within(server, 20, "/health", source="127.0.0.2")
        answered = select.select(flood, [], [], 0)[0]
        assert len(answered) < len(flood) // 2
        for client in flood:
            client.settimeout(20)
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_body_is_sent_after_one_continue(server: Address) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"12345")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_at_once_are_answered_in_order(server: Address) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        bodies = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
        client.sendall(b"".join(bodies % (size, b"x" * size) for size in (1, 20, 3)))
        answer = b""
        while answer.count(b"\r\n\r\n") < 3 or not answer.endswith(b"3\n"):
            answer += client.recv(65536)
        assert [part.split(b"\n")[0] for part in answer.split(b"\r\n\r\n")[1:]] == [b"1", b"20", b"3"]


def test_long_body_beyond_the_room_is_refused(server: Address) -> None:
    """Nobody reads these bodies: each request is refused where the application reads, and the connection is closed."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"
    clients = open_clients(server, 20, head)
    for client in clients:
        client.sendall(b"x" * 1_900_000)
    assert answers_within(server, STALLED_SECONDS)
    time.sleep(0.5)
    ended = 0
    for client in clients:
        client.settimeout(0.05)
        try:
            ended += client.recv(1) == b""
        except ConnectionResetError:
            ended += 1
        except TimeoutError:
            pass
        client.close()
    assert ended >= 20 - MOST_HELD_BYTES // 1_900_000 - 1


def drip(clients: list[socket.socket]) -> list[socket.socket]:
    """Send a byte from each client. Return those that are still connected."""
    connected = []
    for client in clients:
        try:
            client.sendall(b"x")
            connected.append(client)
        except OSError:
            client.close()
    return connected


def test_slowly_sending_clients_keep_no_thread(server: Address) -> None:
    """They never pause for long, but the request as a whole is late."""
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


@pytest.mark.parametrize("size", [60_000, 70_000, 2 * 1024 * 1024])
def test_a_body_that_nobody_read_leaves_the_connection_for_the_next_request(server: Address, size: int) -> None:
    connection = http.client.HTTPConnection(*server, timeout=5)
    connection.request("POST", "/refuse", b"x" * size)
    with connection.getresponse() as refused:
        assert (refused.status, refused.headers["Connection"]) == (403, "keep-alive")
        refused.read()
    sock = connection.sock
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    assert connection.sock is sock
    connection.close()


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 2097153\r\n", b"Content-Length: 9999999999\r\n", b"Transfer-Encoding: chunked\r\n"],
    ids=["too large", "ten digits", "chunked"],
)
def test_the_answer_to_a_body_that_is_not_received_says_that_the_connection_closes(
    server: Address, head: bytes
) -> None:
    """A client would otherwise send its next request into a closed connection."""
    with socket.create_connection(server) as client:
        client.settimeout(5)
        client.sendall(b"POST /refuse HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n" + b"x" * 100_000)
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1


LONG_FIELD = b"X-Long: " + b"x" * 8_180 + b"\r\n"


@pytest.mark.parametrize(
    ("request_line", "fields", "status", "code"),
    [
        (b"GET / HTTP/1.1", b"Bad Name: x\r\n", 400, "bad_request"),
        (b"nonsense", b"", 400, "bad_request"),
        (b"GET /" + b"x" * 5_000 + b" HTTP/1.1", b"", 414, "uri_too_long"),
        (b"GET / HTTP/1.1", b"X-Long: " + b"x" * 8_191 + b"\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1", 5 * LONG_FIELD, 431, "headers_too_large"),
        (b"GET / HTTP/1.1", b"X: x\r\n" * 200, 431, "headers_too_large"),
        (b"POST / HTTP/1.1", b"Transfer-Encoding: secret\r\n", 411, "length_required"),
    ],
    ids=("bad name", "nonsense", "long address", "long field", "endless", "many fields", "bad coding"),
)
def test_what_reaches_no_view_gets_an_error_that_every_page_can_read(
    server: Address, log: Path, request_line: bytes, fields: bytes, status: int, code: str
) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        client.sendall(request_line + b"\r\nHost: a\r\nX-API-Key: SECRET\r\n" + fields + b"\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = json.loads(answer.read())
        assert client.recv(1) == b""
    assert (answer.status, body["code"]) == (status, code)
    assert body.keys() == {"detail", "code"}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (answer.headers["Connection"], answer.headers["Content-Type"]) == ("close", "application/json")
    assert UUID(answer.headers["X-Request-ID"])
    assert "SECRET" not in log.read_text()


def test_a_fault_of_ours_outside_of_django_shows_nothing_internal() -> None:
    head, _, body = refuse(ValueError("SECRET")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["code"] == "server_error"
    assert b"SECRET" not in head + body


def test_a_field_of_8190_bytes_is_accepted(server: Address) -> None:
    with socket.create_connection(server) as client:
        client.settimeout(5)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + LONG_FIELD + b"\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_a_request_begins_without_the_ids_of_those_before_it(server: Address) -> None:
    """Also where no middleware removes them: gunicorn logs in the same thread, and a stream ends after its view."""
    for _ in range(2 * THREADS):
        connection = http.client.HTTPConnection(*server, timeout=5)
        connection.request("GET", "/ids")
        assert connection.getresponse().read() == b"{}"
        connection.close()


@pytest.fixture
def paths(tmp_path: Path) -> tuple[str, ...]:
    """Return the paths of responses that are longer than the buffers of a connection."""
    file = tmp_path / "long"
    file.write_bytes(b"x" * LONG)
    return "/long", f"/file?{file}", "/flood"


@pytest.fixture
def ask(server: Address) -> Iterator[Ask]:
    """Return a function that sends a request and reads little of the response at a time."""
    with ExitStack() as stack:

        def ask(path: str) -> socket.socket:
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            client.settimeout(2 * LONGEST_ANSWER_SECONDS)
            client.connect(server)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return client

        yield ask


def take_drops(clients: dict[socket.socket, int]) -> None:
    """Read a little of each response, and count it. Close clients whose response has ended."""
    for client in clients:
        if client.fileno() == -1:
            continue
        try:
            drop = client.recv(500)
        except ConnectionResetError:
            drop = b""
        clients[client] += len(drop)
        if not drop:
            client.close()


@pytest.mark.wall("unread_responses")
def test_responses_that_nobody_reads_take_no_thread(server: Address, ask: Ask, paths: tuple[str, ...]) -> None:
    for path in paths[:2] * THREADS:
        ask(path)
    assert answers_within(server, STALLED_SECONDS / 2)


def test_clients_that_do_not_read_keep_no_thread(server: Address, log: Path, ask: Ask, paths: tuple[str, ...]) -> None:
    clients = {ask(path): 0 for path in paths * (THREADS // len(paths))}
    assert answers_within(server, 2 * (STALLED_SECONDS + LINGER_SECONDS))
    time.sleep(LONGEST_ANSWER_SECONDS + 1)  # by now every client has run out of time
    while any(client.fileno() != -1 for client in clients) and max(clients.values()) < LONG:
        take_drops(clients)
    assert all(taken < LONG for taken in clients.values())  # a client that still had a thread would receive everything
    assert "/flood was closed" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_slowly_reading_clients_keep_no_thread(server: Address, log: Path, ask: Ask, paths: tuple[str, ...]) -> None:
    """They never pause for long, but reading the response as a whole takes too long."""
    clients = {ask(path): 0 for path in paths * (THREADS // len(paths))}
    began = time.monotonic()
    while any(client.fileno() != -1 for client in clients) and time.monotonic() - began < 3 * LONGEST_ANSWER_SECONDS:
        take_drops(clients)
        time.sleep(0.2)
    assert all(client.fileno() == -1 for client in clients)
    assert all(0 < taken < LONG for taken in clients.values())
    assert answers_within(server, STALLED_SECONDS)
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("path", ["/long", "/file"])
def test_a_long_response_may_take_longer(ask: Ask, paths: tuple[str, ...], path: str) -> None:
    client = ask(next(each for each in paths if each.startswith(path)))
    began, taken = time.monotonic(), 0
    while taken < LONG:
        taken += len(client.recv(SLOWEST_BYTES_A_SECOND // 10))
        time.sleep(max(0, 0.9 * taken / SLOWEST_BYTES_A_SECOND - (time.monotonic() - began)))
    assert time.monotonic() - began > STALLED_SECONDS


def test_a_stream_may_pause(ask: Ask) -> None:
    client = ask("/slow")
    answer = b""
    while not answer.endswith(b"\r\n0\r\n\r\n"):
        piece = client.recv(4096)
        assert piece
        answer += piece
    assert answer.count(b"x") == 100 * (STALLED_SECONDS + 2)
