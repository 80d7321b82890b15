"""The whole service is killed or told to stop while programs run."""

import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from executions.records.servers import LIFE_SECONDS
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import OWNER_LABEL, container_options
from tests.service import Service
from tests.waiting import eventually

pytestmark = pytest.mark.docker

RUNS = 10
SLOTS = 14
"""So many that one address may have RUNS."""
GONE_SECONDS = 60


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Service]:
    """Return a service with a warm container for each program."""
    with Service(tmp_path, SANDBOX_POOL_SIZE=str(RUNS), SANDBOX_MAX_CONCURRENT=str(SLOTS)) as service:
        assert eventually(lambda: service.health()["pool"]["idle"] == RUNS, 120), service.health()
        yield service


def containers_of(pid: int) -> list[str]:
    """Return the running containers of the process `pid`."""
    engine = Engine()
    try:
        ours = [each for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-")]
        return [each.name for each in ours if each.state == "running"]
    finally:
        engine.close()


def leave_containers(owner: str) -> tuple[set[str], str]:
    """Create the containers that a dead service may leave, and one of somebody else; return their IDs."""
    engine = Engine()
    try:
        options = container_options(engine.image_id(image_name()), owner)
        kept = {**options, "HostConfig": {**options["HostConfig"], "AutoRemove": False}}
        created, running, exited = (engine.create(f"code_exec_{uuid.uuid4()}", kept) for _ in range(3))
        for container_id in (running, exited):
            engine.start(container_id)
        other = engine.create(f"code_exec_{uuid.uuid4()}", {**options, "Labels": {}})
        docker("kill", exited)
        states = [engine.inspect(each)["State"]["Status"] for each in (created, running, exited)]
        assert states == ["created", "running", "exited"]
        return {created, running, exited}, other
    finally:
        engine.close()


def all_containers() -> set[str]:
    return set(docker("ps", "-aq", "--no-trunc").split())


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def start_runs(service: Service, code: str, results: list[requests.Response | None]) -> list[threading.Thread]:
    """Send ten programs at once, and wait until all of them are running."""

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


@pytest.mark.timeout(360)
def test_sigkill_leaves_no_container_and_no_running_record(crowded: Service) -> None:
    results: list[requests.Response | None] = []
    threads = start_runs(crowded, "import time\ntime.sleep(9)", results)
    worker = crowded.worker_pid()
    assert len(containers_of(worker)) >= RUNS
    crowded.stop(signal.SIGKILL)
    assert eventually(lambda: not containers_of(worker), GONE_SECONDS)
    for thread in threads:
        thread.join()
    assert crowded.query("select count(*) from executions_execution where status = 'running'") == [(RUNS,)]
    [(owner,)] = crowded.query("select owner from executions_server")
    assert owner.startswith(f"{worker}-")
    leftovers, other = leave_containers(owner)
    crowded.start()
    statuses = "select status, count(*) from executions_execution group by status"
    assert eventually(lambda: crowded.query(statuses) == [("internal_error", RUNS)], 2 * LIFE_SECONDS)
    assert leftovers <= all_containers()  # its process may be alive, and not reach the database
    crowded.change(f"update executions_server set seen = datetime('now', '-8 minutes') where owner = '{owner}'")
    assert eventually(lambda: not leftovers & all_containers(), 2 * LIFE_SECONDS)
    assert other in all_containers()
    docker("rm", "-f", other)
    assert crowded.query("select sum(executions), sum(cpu_seconds) from apikeys_dailyuse") in ([(0, 0)], [(None, None)])
    assert crowded.execute("print('ok')")["output"] == "ok\n"


@pytest.mark.timeout(360)
def test_sigterm_lets_running_programs_finish(crowded: Service) -> None:
    results: list[requests.Response | None] = []
    threads = start_runs(crowded, "import time\ntime.sleep(8)\nprint('finished')", results)
    worker = crowded.worker_pid()
    crowded.stop(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert [response.json()["output"] for response in results if response is not None] == ["finished\n"] * RUNS
    rows = crowded.query("select status, output from executions_execution")
    assert rows == [("success", "finished\n")] * RUNS
    assert eventually(lambda: not containers_of(worker), GONE_SECONDS)
