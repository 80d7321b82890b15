"""Sentry gets the location of an error, and nothing that a client sent."""

import gzip
import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


class Sentry(ThreadingHTTPServer):
    """Receives envelopes as Sentry does, and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.envelopes: list[str] = []
        self.dsn = f"http://publickey@127.0.0.1:{self.server_port}/1"

    def events(self) -> list[dict[str, Any]]:
        """Return the events in all envelopes. Each has three lines: its header, an item's header and the item."""
        return [json.loads(envelope.splitlines()[2]) for envelope in self.envelopes]


class Receiver(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.envelopes.append((gzip.decompress(body) if packed else body).decode())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def reporting(sentry: Sentry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("reporting"), SENTRY_DSN=sentry.dsn, SANDBOX_POOL_SIZE="1") as service:
        yield service


def drop(service: Service, table: str) -> None:
    """Break the service by dropping a table."""
    connection = sqlite3.connect(service.database)
    connection.execute(f"DROP TABLE {table}")
    connection.close()


def test_an_error_is_reported_without_request_data(sentry: Sentry, reporting: Service) -> None:
    assert reporting.execute("print('CANARY')", input_data="CANARY")["output"] == "CANARY\n"
    drop(reporting, "executions_executionflag")
    drop(reporting, "executions_execution")
    answer = reporting.post("print('CANARY')", input_data="CANARY", learner="CANARY")
    assert answer.status_code == 503
    assert eventually(lambda: bool(sentry.events()), 60)
    logged = sentry.events()[0]
    assert logged["logger"] == "web.errors"
    assert logged["logentry"] == {"message": "database or cache failed"}
    assert logged["tags"]["request_id"] == answer.headers["X-Request-ID"]
    frames = logged["exception"]["values"][-1]["stacktrace"]["frames"]
    assert "executions/records/record.py" in {frame["filename"] for frame in frames}

    drop(reporting, "django_session")
    cookie = {"Cookie": "sessionid=canarycanarycanarycanarycanary12"}
    crashed = requests.get(f"{reporting.url}/admin/?q=CANARY", headers=cookie, timeout=10)
    assert crashed.status_code == 500
    request_id = crashed.headers["X-Request-ID"]
    assert eventually(lambda: request_id in {event["tags"].get("request_id") for event in sentry.events()}, 60)

    everything = "".join(sentry.envelopes)
    for secret in ("CANARY", "canary", reporting.api_key, reporting.environment["SECRET_KEY"], "publickey@"):
        assert secret not in everything
