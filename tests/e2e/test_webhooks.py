"""Webhooks from processes of their own, over TLS: a whole service, a crash, and two processes with one database."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_background import Server
from tests.executions.test_webhooks import verify
from tests.receiver import NAME, Certificate, Receiver, certify
from tests.servers import PostgreSQL
from tests.service import ROOT, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(240)]

MAKE_SECRET = """
from django.utils import timezone
from apikeys.models import ApiKey
from apikeys.webhook_secrets import make_secret
key = ApiKey.objects.get(name="Server")
key.webhook_hosts = ["{host}"]
key.save()
print(make_secret(key, timezone.now()))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certify(tmp_path_factory.mktemp("authority"), "Test")


@pytest.fixture
def receiver(authority: Certificate) -> Iterator[Receiver]:
    with Receiver(certify(authority.key.parent, NAME, authority)) as receiver:
        yield receiver


@pytest.mark.docker
def test_a_service_sends_the_answer_until_it_is_received(
    tmp_path: Path, authority: Certificate, receiver: Receiver
) -> None:
    receiver.answers = [503]
    service = Service(tmp_path, AUTHORITY=str(authority.certificate))
    with service:
        server = Server.of(service)
        secret = service.manage("shell", "-v0", "-c", MAKE_SECRET.format(host=receiver.host)).splitlines()[-1]
        given = server.submit(service, code="print(6 * 7)", webhook=receiver.url("/results?course=1"))
        stored = server.get(service, given)
        assert eventually(lambda: len(receiver.received) == 2, 20)
        for each in receiver.received:
            verify(each, secret)
            assert each.path == "/results?course=1"
            assert each.headers["webhook-id"] == given
            assert json.loads(each.body)["data"] == stored
        assert stored["output"] == "42\n"
        first, second = receiver.received
        assert 5 <= second.at - first.at < 15
        assert eventually(lambda: service.query("SELECT state FROM executions_webhook") == [("delivered",)])
        attempts = service.query("SELECT number, status FROM executions_webhookattempt ORDER BY number")
        assert attempts == [(1, 503), (2, 204)]
        assert "attempt 1: failed: the response is a 503" in service.log()
        assert "whsec_" not in service.log()
        assert "course" not in service.log()


# Processes that do nothing else


@contextlib.contextmanager
def process(service: Service, *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.webhook_process", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, env=service.environment, stdin=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


def test_after_a_crash_another_process_makes_the_attempt(
    tmp_path: Path, authority: Certificate, receiver: Receiver
) -> None:
    def hang(handler: Any) -> None:
        time.sleep(60)

    receiver.answers = [hang]
    service = Service(tmp_path)
    service.migrate()
    with process(service, "first", authority.certificate, receiver.url(), 1) as first:
        assert eventually(lambda: len(receiver.received) == 1, 30)
        first.send_signal(signal.SIGKILL)
        first.wait()
    service.change("UPDATE executions_webhook SET next_attempt = '2000-01-01 00:00:00'")  # two minutes later
    with process(service, "second", authority.certificate):
        assert eventually(lambda: service.query("SELECT state FROM executions_webhook") == [("delivered",)], 30)
    assert [each.headers["sent-by"] for each in receiver.received] == ["first", "second"]
    assert receiver.received[0].body == receiver.received[1].body
    attempts = service.query("SELECT number, status, seconds IS NULL FROM executions_webhookattempt ORDER BY number")
    assert attempts == [(1, None, 1), (2, 204, 0)]


@pytest.mark.server
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_two_processes_make_each_attempt_once(
    tmp_path: Path, authority: Certificate, receiver: Receiver, postgresql: PostgreSQL, vendor: str
) -> None:
    def slowly(handler: Any) -> None:
        time.sleep(0.05)
        handler.send_response(204)
        handler.end_headers()

    count = 60
    receiver.answers = [503] * 5 + [slowly] * count
    service = Service(tmp_path, **({"DATABASE_URL": postgresql.url} if vendor == "postgresql" else {}))
    service.migrate()
    with (
        process(service, "first", authority.certificate, receiver.url(), count),
        process(service, "second", authority.certificate),
    ):
        assert eventually(lambda: len(receiver.received) >= count + 5, 60)
        time.sleep(0.5)
    assert sorted(receiver.attempts().values()) == [1] * (count - 5) + [2] * 5
    assert {each.headers["sent-by"] for each in receiver.received} == {"first", "second"}
