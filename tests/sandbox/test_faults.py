"""What happens to programs and containers when a part fails: the owner, the image, the engine."""

import contextlib
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest

from executions.sandbox.checks import canary
from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, OWNER_LABEL, container_options
from executions.sandbox.engine.owner import Owner
from executions.sandbox.profiles import Profile
from executions.sandbox.results import RunLost, RunStatus, SandboxUnavailable, Submission
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import READY_SECONDS, Launch
from tests.waiting import eventually

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

HELLO = Submission("print('ok')", "", (), timeout_seconds=5)


def containers_of(engine: Engine, pid: int) -> dict[str, str]:
    """Return the containers that the process `pid` owns, and the state of each, by their ids."""
    return {each.id: each.state for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-")}


@wall("lease", "auto_remove")
@pytest.mark.timeout(120)
def test_no_container_outlives_a_killed_owner(engine: Engine) -> None:
    command = [sys.executable, "-m", "tests.sandbox.owner_process"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "running\n"
        assert len(containers_of(engine, owner.pid)) >= 10
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    left = containers_of(engine, owner.pid)
    # What was between its creation and its start at that moment has no supervisor yet that could notice.
    running = {container_id for container_id, state in left.items() if state != "created"}
    try:
        assert eventually(lambda: not running & containers_of(engine, owner.pid).keys(), seconds=30)
    finally:
        for container_id in left:
            engine.remove(container_id)


@wall("early_end")
def test_a_removed_container_is_a_lost_run_and_the_next_one_runs(sandbox: Sandbox, engine: Engine) -> None:
    with sandbox._pool.container() as container:
        engine.remove(container.id)
        with pytest.raises(RunLost):
            container.run("print('ok')", "", None, timeout_seconds=5)
        assert not container.is_usable
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


def test_a_log_driver_that_fails_leaves_no_container(engine: Engine) -> None:
    """As a default of the engine's that nobody looked at: the container is made, and cannot be started."""
    options = container_options(engine.image_id(image_name()), str(Owner.of_this_process()))
    options["HostConfig"]["LogConfig"] = {"Type": "syslog", "Config": {"syslog-address": "tcp://127.0.0.1:1"}}
    name = f"{NAME_PREFIX}{uuid.uuid4()}"
    with pytest.raises(EngineError, match="logging driver"):
        Container.launch(engine, name, options, lambda _: False)
    assert name not in {each.name for each in engine.containers()}


def test_idle_containers_that_were_removed_are_never_given_out(launch_sandbox: Launch, engine: Engine) -> None:
    """As `docker rm -f` or a restart of the engine does it."""
    sandbox = launch_sandbox(pool_size=3)
    assert sandbox.wait_until_ready(READY_SECONDS)
    assert eventually(lambda: sandbox.health().idle == 3, 20)
    for container in list(sandbox._pool._idle):
        engine.remove(container.id)
    assert sandbox.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: sandbox.health().idle == 3, 20)


def test_a_missing_image_closes_the_sandbox_without_a_pull(launch_sandbox: Launch, engine: Engine) -> None:
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
def test_an_image_without_our_supervisor_closes_the_sandbox(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(image="python:3.13-slim")
    assert eventually(lambda: "probes failed: starts" in sandbox.health().reason, 60)
    with pytest.raises(SandboxUnavailable, match="probes failed"):
        sandbox.execute(HELLO)


@wall("gate")
def test_a_runtime_that_is_missing_closes_the_sandbox(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(runtime="no-such-runtime")
    assert eventually(lambda: "probes failed" in sandbox.health().reason, 30)
    assert not sandbox.health().ready


def test_no_engine_closes_the_sandbox(launch_sandbox: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    sandbox = launch_sandbox()
    assert eventually(lambda: sandbox.health().reason != "starting", 10)
    assert (sandbox.health().ready, sandbox.health().engine) == (False, "unreachable")
    with pytest.raises(SandboxUnavailable):
        sandbox.execute(HELLO)


@wall("gate")
def test_an_unsound_sandbox_never_opens(launch_sandbox: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate closes when one option is weaker than it must be, whatever the reason."""
    from executions.sandbox import sandbox
    from executions.sandbox.engine import options

    def weaker(*arguments: object) -> dict[str, object]:
        made = options.container_options(*arguments)  # type: ignore[arg-type]
        made["HostConfig"]["ReadonlyRootfs"] = False
        made["User"] = "0:0"
        return made

    monkeypatch.setattr(sandbox, "container_options", weaker)
    unsound = launch_sandbox()
    assert eventually(lambda: "probes failed" in unsound.health().reason, 30)
    assert "runs as nobody" in unsound.health().reason
    assert "writes nowhere" in unsound.health().reason


@wall("gate")
@pytest.mark.timeout(120)
def test_a_gate_that_shuts_holds_those_in_line_too(launch_sandbox: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = launch_sandbox(pool_size=1, max_concurrent=1, queue_seconds=30)
    assert sandbox.wait_until_ready(READY_SECONDS)
    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setattr(sandbox, "_try_to_open", lambda engine: None)
        with sandbox._pool.container():
            in_line = executor.submit(sandbox.execute, HELLO)
            assert eventually(lambda: sandbox.health().waiting == 1)
            sandbox._shut("probes failed: a test")
        with pytest.raises(SandboxUnavailable, match="a test"):
            in_line.result(READY_SECONDS)
        assert eventually(lambda: sandbox.health().idle == 1, 20)
        [made_meanwhile] = sandbox._pool._idle
    assert sandbox.wait_until_ready(READY_SECONDS)
    assert made_meanwhile.is_closed  # by an engine of which nobody knew what it does
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


@pytest.mark.timeout(120)
def test_an_engine_that_changes_under_us_is_found_out(
    launch_sandbox: Launch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(canary, "EVERY_SECONDS", 0.1)
    sandbox = launch_sandbox()
    assert sandbox.wait_until_ready(READY_SECONDS)
    sandbox._options[Profile.PLAIN]["HostConfig"]["Tmpfs"] = {}
    assert eventually(lambda: "code is not run: probes failed" in caplog.text, 60)
    # Now asked for anew, as the engine is.
    assert eventually(lambda: sandbox.health().ready, 60)


@wall("deadline", "hosts_deadline")
def test_a_container_that_stands_still_is_not_waited_for(launch_sandbox: Launch, engine: Engine) -> None:
    sandbox = launch_sandbox(pool_size=1)
    assert sandbox.wait_until_ready(READY_SECONDS)
    assert eventually(lambda: sandbox.health().idle == 1, 20)
    [frozen] = sandbox._pool._idle
    with ThreadPoolExecutor(1) as thread:
        began = time.monotonic()
        # At rest: the kernel may fail to stop one that its CPU quota keeps stopping.
        answer = thread.submit(sandbox.execute, Submission("import time\ntime.sleep(9)", "", (), timeout_seconds=2))
        assert eventually(lambda: sandbox.health().in_use == 1)
        with contextlib.closing(docker.APIClient()) as client:
            client.pause(frozen.id)
        assert answer.result().main.status is RunStatus.TIMEOUT
    assert time.monotonic() - began < 2 + 3
    assert eventually(lambda: frozen.id not in {each.id for each in engine.containers()}, 30)
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


@pytest.mark.timeout(120)
def test_a_starved_supervisor_costs_its_container_and_no_more(launch_sandbox: Launch, engine: Engine) -> None:
    sandbox = launch_sandbox(pool_size=1)
    assert sandbox.wait_until_ready(READY_SECONDS)
    assert eventually(lambda: sandbox.health().idle == 1, 20)
    [starved] = sandbox._pool._idle
    storm = "import os, time\nprint('begin', flush=True)\ntime.sleep(0.2)\n"
    storm += "while True:\n    try: os.fork()\n    except OSError: pass"
    run = sandbox.execute(Submission(storm, "", (), timeout_seconds=1)).main
    assert run.status is RunStatus.TIMEOUT
    assert run.stdout in ("begin\n", "")  # "": so starved that nobody came to read it
    assert run.wall_seconds < 1 + 3
    assert 0.1 < run.cpu_seconds < 1  # it is charged, whoever ended it
    assert sandbox.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: starved.id not in {each.id for each in engine.containers()}, 30)
