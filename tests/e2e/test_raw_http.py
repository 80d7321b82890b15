"""Requests that no HTTP library would send: the server answers or refuses them."""

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

BODY = b'{"code": "print(1)"}'


def exchange(service: Service, request: bytes, is_all: bool = True) -> bytes:
    """Send `request` and return the whole response.

    `is_all` ends our side of the connection: the service then takes us for gone, and runs no program.
    """
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as client:
        client.sendall(request)
        if is_all:
            with contextlib.suppress(OSError):  # the server has already answered and disconnected
                client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(65536):
            answer += part
        return answer


def status(answer: bytes) -> int:
    """Return the status of the only response, or 0 if there is none."""
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    return int(answer.split(b" ")[1]) if answer else 0


def execute(service: Service, *fields: bytes, body: bytes = BODY, key_field: bytes = b"X-API-Key") -> bytes:
    """Return a request to run a program, with additional header fields."""
    usual = [
        b"Host: localhost",
        b"Connection: close",
        b"Content-Type: application/json",
        b"Origin: " + ORIGIN.encode(),
        key_field + b": " + service.api_key.encode(),
    ]
    return b"\r\n".join([b"POST /execute HTTP/1.1", *usual, *fields, b"", body])


def test_a_well_formed_request_succeeds(service: Service) -> None:
    assert status(exchange(service, execute(service, b"Content-Length: %d" % len(BODY)), is_all=False)) == 200


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([b"Content-Length: 5"], BODY),
        ([b"Content-Length: 0"], BODY),
        ([], BODY),
        ([b"Content-Length: 500"], BODY),
        ([b"Content-Length: -5"], BODY),
        ([b"Content-Length: five"], BODY),
        ([b"Content-Length: 20, 20"], BODY),
        ([b"Content-Length: 20", b"Content-Length: 21"], BODY),
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], b"14\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ([b"Transfer-Encoding: gzip, chunked"], b"14\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ([b"Content-Length: 20", b" folded: yes"], BODY),
        ([b"Content-Length: 20", b"X-Long: " + b"x" * 20_000], BODY),
        ([b"Content-Length: 20", *(b"X-%d: x" % number for number in range(500))], BODY),
        ([b"Content-Length: 20", b"Bad Name: x"], BODY),
        ([b"Content-Length: 20", b"X: a\0b"], BODY),
    ],
    ids=(
        *("too small", "none at all", "no length", "never completed", "negative", "no number", "twice in one", "twice"),
        *("two lengths", "gzip and chunked", "bad chunk", "folded", "long field", "many fields", "bad name", "nul"),
    ),
)
def test_malformed_requests_run_nothing(service: Service, fields: list[bytes], body: bytes) -> None:
    [(before,)] = service.query("SELECT count(*) FROM executions_execution")
    said = len(service.log())
    assert status(exchange(service, execute(service, *fields, body=body))) in (0, 400, 411, 431, 501)
    assert service.query("SELECT count(*) FROM executions_execution") == [(before,)]
    assert '"level": "error"' not in service.log()[said:]
    assert "Traceback" not in service.log()[said:]


def test_every_line_of_the_log_is_json_from_the_first(service: Service) -> None:
    """Also those of the server before it has loaded the service, and of requests that reach no view."""
    exchange(service, b"nonsense\r\n\r\n")
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert lines[0]["event"].startswith("Starting gunicorn")
    assert "refused a malformed request: bad_request" in {line["event"] for line in lines}
    assert [line for line in lines if line.get("request") == "GET /health"] == []  # ours, before it was healthy


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service that listens on all addresses, and whose admin opens for one that nobody has."""
    settings = {"BIND_ADDRESS": "0.0.0.0", "ADMIN_ALLOWED_IPS": "192.0.2.1", "SANDBOX_POOL_SIZE": "1"}
    with Service(tmp_path_factory.mktemp("open"), **settings) as service:
        yield service


def test_only_this_machine_may_connect_unless_the_settings_say_otherwise(
    service: Service, open_service: Service
) -> None:
    """127.0.0.2 is an address of this machine, but not the one that the service listens on by default."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", service.port), timeout=5)
    with socket.create_connection(("127.0.0.2", open_service.port), timeout=5):
        pass


def test_an_oversized_chunked_body_is_refused(service: Service) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answer = exchange(service, execute(service, b"Transfer-Encoding: chunked", body=chunk * 40 + b"0\r\n\r\n"))
    assert status(answer) in (400, 411, 413)


def test_a_key_in_a_header_with_underscores_is_ignored(service: Service) -> None:
    """WSGI has the same name for both: `X_API_Key` must not get past a proxy that removes `X-API-Key`."""
    request = execute(service, b"Content-Length: %d" % len(BODY), key_field=b"X_API_Key")
    assert status(exchange(service, request)) in (400, 403)


@pytest.mark.parametrize("field", [b"SCRIPT_NAME: /x", b"SCRIPT_NAME: /health", b"PATH_INFO: /admin/"])
def test_a_client_cannot_change_the_path(service: Service, field: bytes) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + field + b"\r\n\r\n"
    assert status(exchange(service, request)) == 200


PATHS = (
    *("/../admin/", "//admin/", "/%2e%2e/admin/", "/admin%2f", "/execute/../admin/", "/health/../admin/login/"),
    *("/./admin/", "/admin/.", "/admin/%00", "/%61dmin/", "/;/admin/", "http://localhost/admin/", "/admin/login/"),
)


def test_no_spelling_of_the_path_reaches_the_admin(open_service: Service) -> None:
    """The client's address may not open the admin, and its forged headers do not help."""
    forged = b"X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"
    for path in PATHS:
        request = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + forged
        assert status(exchange(open_service, request + b"\r\n")) in (400, 404), path
