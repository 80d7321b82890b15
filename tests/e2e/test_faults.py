"""The whole service in bad moments: killed, told to stop, and with more clients than it can serve."""

import signal
import threading

import pytest
import requests

from executions.sandbox.engine import Engine
from executions.sandbox.options import OWNER_LABEL
from tests.service import Service
from tests.waiting import eventually

pytestmark = pytest.mark.docker

RUNS = 10


def containers_of(pid: int) -> list[str]:
    """Return the running containers of the process `pid`."""
    engine = Engine()
    try:
        ours = [each for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-")]
        return [each.name for each in ours if each.state == "running"]
    finally:
        engine.close()


def start_runs(service: Service, code: str, results: list[requests.Response | None]) -> list[threading.Thread]:
    """Send ten programs at once; wait until all are on record as running."""

    def send() -> None:
        try:
            response = requests.post(
                f"{service.url}/execute",
                json={"code": code, "timeout": 10},
                headers={"X-API-Key": service.api_key, "Origin": "https://pylearn.net"},
                timeout=60,
            )
            results.append(response)
        except requests.ConnectionError:
            results.append(None)

    threads = [threading.Thread(target=send) for _ in range(RUNS)]
    for thread in threads:
        thread.start()
    in_use = f"{service.url}/health"
    assert eventually(lambda: requests.get(in_use, timeout=5).json()["pool"]["in_use"] == RUNS, 30)
    return threads


@pytest.mark.timeout(120)
def test_kill_9_leaves_no_container_and_no_running_row(own_service: Service) -> None:
    results: list[requests.Response | None] = []
    threads = start_runs(own_service, "while True: pass", results)
    worker = own_service.worker_pid()
    assert len(containers_of(worker)) >= RUNS
    own_service.stop(signal.SIGKILL)
    assert eventually(lambda: not containers_of(worker), seconds=2)
    for thread in threads:
        thread.join()
    assert own_service.query("select count(*) from executions_execution where status = 'running'") == [(RUNS,)]
    own_service.start()
    assert own_service.query("select status, count(*) from executions_execution group by status") == [
        ("internal_error", RUNS)
    ]
    assert own_service.execute("print('ok')")["output"] == "ok\n"


@pytest.mark.timeout(120)
def test_sigterm_lets_running_programs_finish(own_service: Service) -> None:
    results: list[requests.Response | None] = []
    threads = start_runs(own_service, "import time\ntime.sleep(3)\nprint('finished')", results)
    worker = own_service.worker_pid()
    own_service.stop(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert [response.json()["output"] for response in results if response is not None] == ["finished\n"] * RUNS
    rows = own_service.query("select status, output from executions_execution")
    assert rows == [("success", "finished\n")] * RUNS
    assert eventually(lambda: not containers_of(worker), seconds=2)
