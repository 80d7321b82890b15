"""The whole service is killed or told to stop while programs run."""

import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import OWNER_LABEL, container_options
from executions.sandbox.engine.owner import Owner
from tests.service import Service
from tests.waiting import eventually

pytestmark = pytest.mark.docker

RUNS = 10
GONE_SECONDS = 30
HOST = "host-of-faults"


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Service]:
    """Return a service with a warm container for each program.

    Its containers name another host as their owner's, so a service that starts meanwhile for another test leaves its
    orphans alone.
    """
    service = Service(tmp_path, SANDBOX_POOL_SIZE=str(RUNS), SANDBOX_MAX_CONCURRENT=str(RUNS))
    service.command = ["unshare", "--uts", "sh", "-c", f'hostname {HOST} && exec "$@"', "sh", *service.command]
    with service:
        assert eventually(lambda: service.health()["pool"]["idle"] == RUNS, 60), service.health()
        yield service


def containers_of(pid: int) -> list[str]:
    """Return the running containers of the process `pid`."""
    engine = Engine()
    try:
        ours = [each for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-")]
        return [each.name for each in ours if each.state == "running"]
    finally:
        engine.close()


def leave_containers(pid: int) -> tuple[set[str], str]:
    """Create the containers that a dead service may leave, and one of somebody else; return their IDs."""
    engine = Engine()
    try:
        options = container_options(
            engine.image_id(image_name()), str(replace(Owner.of_this_process(), pid=pid, host=HOST))
        )
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


@pytest.mark.timeout(180)
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
    leftovers, other = leave_containers(worker)
    crowded.start()
    assert not leftovers & all_containers()
    assert other in all_containers()
    docker("rm", "-f", other)
    assert crowded.query("select status, count(*) from executions_execution group by status") == [
        ("internal_error", RUNS)
    ]
    assert crowded.query("select sum(executions), sum(cpu_seconds) from apikeys_dailyuse") in ([(0, 0)], [(None, None)])
    assert crowded.execute("print('ok')")["output"] == "ok\n"


@pytest.mark.timeout(180)
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
