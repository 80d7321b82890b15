"""Programs and containers when the owner, the image, the engine or a container fails."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest

from executions.owner import Owner
from executions.sandbox.checks.attacks import PROBES
from executions.sandbox.console import Console
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, OWNER_LABEL, container_options
from executions.sandbox.results import RunLost, RunStatus, SandboxUnavailable, Submission
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.timing import Timing
from tests.sandbox.conftest import READY_SECONDS, Launch, containers_of
from tests.waiting import eventually

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

HELLO = Submission("print('ok')", "", (), timeout_seconds=5)


class CarelessEngine(Engine):
    """An engine that creates containers with `changes` to their options."""

    def __init__(self, changes: dict[str, Any]) -> None:
        super().__init__()
        self._changes = changes

    def create(self, name: str, options: dict[str, Any]) -> str:
        host_config = {**options["HostConfig"], **self._changes.get("HostConfig", {})}
        return super().create(name, {**options, **self._changes, "HostConfig": host_config})


class SilentEngine(Engine):
    """An engine that answers no ping while `is_silent` is set."""

    def __init__(self, is_silent: threading.Event) -> None:
        super().__init__()
        self._is_silent = is_silent

    def ping(self) -> None:
        if self._is_silent.is_set():
            raise EngineError("a test")
        super().ping()


class SlowEngine(Engine):
    """An engine that takes its time to remove a container; `removed` has the ids of those that it has removed."""

    def __init__(self, removed: list[str]) -> None:
        super().__init__()
        self._removed = removed

    def remove(self, container_id: str) -> bool:
        time.sleep(0.5)
        is_removed = super().remove(container_id)
        self._removed.append(container_id)
        return is_removed


def only_container_of(engine: Engine, sandbox: Sandbox) -> str:
    """Wait until the sandbox has exactly one idle container; return its ID."""
    assert eventually(lambda: sandbox.health().idle == 1 and len(containers_of(engine, sandbox)) == 1, 20)
    [container_id] = containers_of(engine, sandbox)
    return container_id


def states_of_containers(engine: Engine, pid: int) -> dict[str, str]:
    """Return the states of the containers that the process `pid` owns, by ID."""
    return {each.id: each.state for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-")}


@wall("lease", "auto_remove")
@pytest.mark.timeout(120)
def test_no_container_outlives_a_killed_owner(engine: Engine) -> None:
    command = [sys.executable, "-m", "tests.sandbox.owner_process"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "running\n"
            assert len(states_of_containers(engine, owner.pid)) >= 10
        finally:  # also so that a failed test does not wait for it
            owner.send_signal(signal.SIGKILL)
            owner.wait()
    left = states_of_containers(engine, owner.pid)
    # A container that was created but not yet started has no supervisor that could notice.
    running = {container_id for container_id, state in left.items() if state != "created"}
    try:
        assert eventually(lambda: not running & states_of_containers(engine, owner.pid).keys(), seconds=30)
    finally:
        for container_id in left:
            engine.remove(container_id)


@wall("early_end")
def test_removed_container_is_a_lost_run_and_the_next_program_runs(sandbox: Sandbox, engine: Engine) -> None:
    with sandbox.pool.container() as container:
        engine.remove(container.id)
        with pytest.raises(RunLost):
            container.run("print('ok')", "", None, timeout_seconds=5)
        assert not container.is_usable
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


def test_failing_log_driver_leaves_no_container(engine: Engine) -> None:
    """The engine's default driver may fail, too: the container is created and cannot start."""
    options = container_options(engine.image_id(image_name()), str(Owner.of_this_process()))
    options["HostConfig"]["LogConfig"] = {"Type": "syslog", "Config": {"syslog-address": "tcp://127.0.0.1:1"}}
    name = f"{NAME_PREFIX}{uuid.uuid4()}"
    with pytest.raises(EngineError, match="logging driver"):
        Container.launch(engine, name, options, lambda _: Cause.OTHER)
    assert name not in {each.name for each in engine.containers()}


def test_removed_idle_containers_are_never_given_out(launch_sandbox: Launch, engine: Engine) -> None:
    """`docker rm -f` and a restart of the engine do this."""
    sandbox = launch_sandbox(pool_size=3)
    assert sandbox.wait_until_ready(READY_SECONDS)
    assert eventually(lambda: sandbox.health().idle == 3 and len(containers_of(engine, sandbox)) == 3, 20)
    for container_id in containers_of(engine, sandbox):
        engine.remove(container_id)
    assert sandbox.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: sandbox.health().idle == 3, 20)


def test_missing_image_closes_the_sandbox_without_a_pull(launch_sandbox: Launch, engine: Engine) -> None:
    sandbox = launch_sandbox(image="code-exec-guest:missing")
    assert eventually(lambda: "code-exec-guest:missing" in sandbox.health().reason, 10)
    assert not sandbox.health().ready
    assert sandbox.health().engine == "connected"
    started = time.monotonic()
    with pytest.raises(SandboxUnavailable):
        sandbox.execute(HELLO)
    assert time.monotonic() - started < 1


@wall("gate")
@pytest.mark.timeout(120)
def test_image_without_our_supervisor_closes_the_sandbox(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(image="python:3.13-slim")
    assert eventually(lambda: "probes failed: starts" in sandbox.health().reason, 60)
    with pytest.raises(SandboxUnavailable, match="probes failed"):
        sandbox.execute(HELLO)


@wall("gate")
def test_missing_runtime_closes_the_sandbox(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(runtime="no-such-runtime")
    assert eventually(lambda: "probes failed" in sandbox.health().reason, 30)
    assert not sandbox.health().ready


def test_missing_engine_closes_the_sandbox(launch_sandbox: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    sandbox = launch_sandbox()
    assert eventually(lambda: sandbox.health().reason != "starting", 10)
    assert (sandbox.health().ready, sandbox.health().engine) == (False, "unreachable")
    with pytest.raises(SandboxUnavailable):
        sandbox.execute(HELLO)


@wall("gate")
def test_unsound_sandbox_never_opens(launch_sandbox: Launch) -> None:
    """The gate stays shut if any option is too weak, whatever the reason."""
    changes = {"User": "0:0", "HostConfig": {"ReadonlyRootfs": False}}
    unsound = launch_sandbox(connect=lambda: CarelessEngine(changes), probes=PROBES)
    assert eventually(lambda: "probes failed" in unsound.health().reason, 30)
    assert "runs as nobody" in unsound.health().reason
    assert "writes nowhere" in unsound.health().reason


@wall("gate")
@pytest.mark.timeout(120)
def test_gate_that_shuts_refuses_callers_in_line_too(launch_sandbox: Launch, engine: Engine) -> None:
    is_silent = threading.Event()
    sandbox = launch_sandbox(connect=lambda: SilentEngine(is_silent), pool_size=1, max_concurrent=1, queue_seconds=30)
    assert sandbox.wait_until_ready(READY_SECONDS)
    with ThreadPoolExecutor(1) as executor, sandbox.pool.container():
        in_line = executor.submit(sandbox.execute, HELLO)
        assert eventually(lambda: sandbox.health().waiting == 1)
        is_silent.set()
        assert eventually(in_line.done, 10)  # at once: another worker may have its turn
        with pytest.raises(SandboxUnavailable, match="a test"):
            in_line.result()
    launched_meanwhile = only_container_of(engine, sandbox)
    is_silent.clear()
    assert sandbox.wait_until_ready(READY_SECONDS)
    # It was launched while the state of the engine was unknown.
    assert eventually(lambda: launched_meanwhile not in containers_of(engine, sandbox))
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


@pytest.mark.timeout(120)
def test_engine_that_changes_under_us_is_detected(launch_sandbox: Launch, caplog: pytest.LogCaptureFixture) -> None:
    changes: dict[str, Any] = {}
    timing = Timing(canary_seconds=0.1, retry_probes_seconds=1)
    about_files = [probe for probe in PROBES if probe.name.startswith(("runs as", "writes nowhere", "fills no disk"))]
    sandbox = launch_sandbox(timing, lambda: CarelessEngine(changes), probes=about_files)
    assert sandbox.wait_until_ready(READY_SECONDS)
    changes["HostConfig"] = {"Tmpfs": {}}
    assert eventually(lambda: "code is not run: probes failed" in caplog.text, 60)
    changes.clear()
    assert eventually(lambda: sandbox.health().ready, 60)


def has_frozen(container: str) -> bool:
    """Freeze the container, and return whether the kernel did: it may fail while a CPU quota stops the processes."""
    with contextlib.closing(docker.APIClient()) as client:
        try:
            client.pause(container)
        except docker.errors.APIError as error:
            if "unable to freeze" not in str(error):
                raise
            return False
    return True


@wall("deadline", "hosts_deadline")
def test_frozen_container_is_not_waited_for(launch_sandbox: Launch, engine: Engine) -> None:
    sandbox = launch_sandbox(pool_size=1)
    assert sandbox.wait_until_ready(READY_SECONDS)
    frozen = only_container_of(engine, sandbox)
    with ThreadPoolExecutor(1) as thread:
        began = time.monotonic()
        answer = thread.submit(sandbox.execute, Submission("import time\ntime.sleep(9)", "", (), timeout_seconds=2))
        assert eventually(lambda: sandbox.health().in_use == 1)
        assert eventually(lambda: has_frozen(frozen), 1.5)
        assert answer.result().main.status is RunStatus.TIMEOUT
    assert time.monotonic() - began < 2 + 3
    assert eventually(lambda: frozen not in containers_of(engine, sandbox), 30)
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


def test_closing_waits_until_the_container_of_a_stopped_run_is_removed(launch_sandbox: Launch, engine: Engine) -> None:
    removed: list[str] = []
    sandbox = launch_sandbox(connect=lambda: SlowEngine(removed), pool_size=1)
    assert sandbox.wait_until_ready(READY_SECONDS)
    stopped = only_container_of(engine, sandbox)
    removed.clear()
    with contextlib.closing(Console()) as console:
        console.stop()
        run = sandbox.execute(Submission("while True: pass", "", (), timeout_seconds=5), console).main
    assert run.status is RunStatus.CANCELLED
    sandbox.close(drain_seconds=0)
    assert stopped in removed


@pytest.mark.alone  # measures the CPU time of a program that starves its own supervisor
@pytest.mark.timeout(120)
def test_starved_supervisor_costs_only_its_container(launch_sandbox: Launch, engine: Engine) -> None:
    sandbox = launch_sandbox(pool_size=1)
    assert sandbox.wait_until_ready(READY_SECONDS)
    starved = only_container_of(engine, sandbox)
    storm = "import os, time\nprint('begin', flush=True)\ntime.sleep(0.2)\n"
    storm += "while True:\n    try: os.fork()\n    except OSError: pass"
    run = sandbox.execute(Submission(storm, "", (), timeout_seconds=1)).main
    assert run.status is RunStatus.TIMEOUT
    assert run.stdout in ("begin\n", "")  # "": too starved to read it
    assert run.wall_seconds < 1 + 3
    assert 0.1 < run.cpu_seconds < 1  # the run is charged, although the host ended it
    assert sandbox.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: starved not in containers_of(engine, sandbox), 30)
