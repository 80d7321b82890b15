"""What a page gets while one engine call after another fails."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from executions.sandbox.engine.engine import CALL_SECONDS
from tests.fake_engine import Distortion, FakeEngine, Fault, How
from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]

LINE_SECONDS = 2
CASES = [
    [Fault("create", How.HANG)],
    [Fault("start", How.CUT_AFTER)],
    [Fault("attach", How.GARBAGE)],
    [Fault("start", How.ERROR), Fault("remove", How.ERROR)],
    [Fault("ping", How.ERROR)],
]
"""One fault for each call that programs need. tests/sandbox/test_engine_faults.py tests the others."""


@pytest.fixture
def fake_engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path) as fake:
        yield fake


def test_each_failing_engine_call_is_survived(fake_engine: FakeEngine, tmp_path: Path) -> None:
    settings = {"SANDBOX_POOL_SIZE": "1", "SANDBOX_MAX_CONCURRENT": "2", "SANDBOX_QUEUE_SECONDS": str(LINE_SECONDS)}
    at_rest = {"idle": 1, "in_use": 0, "waiting": 0}
    with Service(tmp_path, DOCKER_HOST=fake_engine.url, **settings) as service:
        statuses: list[int] = []

        def post() -> requests.Response:
            response = service.post("print('ok')", timeout=1)
            statuses.append(response.status_code)
            return response

        for faults in CASES:
            assert eventually(lambda: service.health()["pool"] == at_rest, 120), service.health()
            fake_engine.plan(*faults)
            for _ in range(3):
                began = time.monotonic()
                assert post().status_code in (200, 503), faults
                assert time.monotonic() - began < CALL_SECONDS, faults  # callers do not wait for the engine
            assert eventually(lambda: all(fake_engine.fired(fault.call) for fault in faults), 30), faults  # noqa: B023
            if faults[0].how is not How.HANG:  # three hanging calls take long
                assert eventually(lambda: not service.is_healthy(), 120), faults
                # Until the gate shuts, a container that ran a program before may still serve.
                assert eventually(lambda: post().status_code == 503, 30), faults
                assert [post().status_code for _ in range(5)] == [503] * 5
            if faults != CASES[-1]:
                fake_engine.mend()
                assert eventually(service.is_healthy, 120), faults
        # The gate opens again only after a container has been inspected.
        fake_engine.plan(Fault("inspect", How.EMPTY))
        assert eventually(lambda: fake_engine.fired("inspect") >= 2, 30), service.log()[-6000:]
        assert post().status_code == 503
        fake_engine.mend()
        assert eventually(service.is_healthy, 120), service.log()[-6000:]
        # Faults in the middle of a run.
        assert eventually(lambda: service.health()["pool"] == at_rest, 120), service.health()
        fake_engine.distortion = Distortion(lambda data: b"")
        assert post().json()["status"] == "timeout"
        fake_engine.distortion = Distortion(lambda data: b"nonsense")
        assert eventually(lambda: post().status_code == 503, 20)
        fake_engine.mend()
        assert eventually(lambda: service.health()["pool"] == at_rest, 120), service.log()[-6000:]
        recorded = dict(service.query("SELECT status, count(*) FROM executions_execution GROUP BY status"))
        assert set(recorded) <= {"success", "timeout", "refused", "internal_error"}
        charged = recorded["success"] + recorded["timeout"]
        assert service.query("SELECT executions FROM apikeys_dailyuse WHERE who = ''") == [(charged,)]
        assert fake_engine.calls["pull"] == 0
        assert charged == statuses.count(200)
