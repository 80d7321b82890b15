"""gVisor, the second wall: programs run under gVisor if it is configured, or not at all."""

import re
import socket
import uuid
from pathlib import Path

import pytest

from executions.owner import Owner
from executions.sandbox.checks.attacks import probes_for
from executions.sandbox.checks.probes import run_probes
from executions.sandbox.container.container import Container
from executions.sandbox.container.stream import FrameStream
from executions.sandbox.engine.deaths import Cause, DeathWatch
from executions.sandbox.engine.engine import ContainerEvent, Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.results import RunStatus, SandboxUnavailable, Submission
from executions.sandbox.settings import is_gvisor
from guest import protocol
from tests.sandbox.answering import answering
from tests.sandbox.conftest import Launch
from tests.sandbox.gvisor_differences import DIFFERENCES
from tests.waiting import eventually

pytestmark = pytest.mark.docker

DOCUMENT = (Path(__file__).parents[2] / "docs/gvisor.md").read_text()


def test_missing_gvisor_closes_the_sandbox(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(runtime="runsc-missing")
    assert eventually(lambda: "probes failed: starts" in sandbox.health().reason, 30), sandbox.health()
    assert not sandbox.health().ready
    with pytest.raises(SandboxUnavailable):
        sandbox.execute(Submission("print('ok')", "", (), timeout_seconds=5))


@pytest.fixture
def failures(engine: Engine) -> dict[str, str]:
    """Return the failures of gVisor's probes in containers of the engine's own runtime."""
    image_id, owner = engine.image_id(image_name()), str(Owner.of_this_process())
    options = container_options(image_id, owner, "runc")

    def launch() -> Container:
        engine = Engine()
        try:
            return Container.launch(engine, f"{NAME_PREFIX}{uuid.uuid4()}", options, lambda _: Cause.OTHER)
        finally:
            engine.close()

    results = list(run_probes(engine, launch, container_options(image_id, owner, "runsc"), probes_for("runsc")))
    return {result.name: result.failure for result in results if result.failure is not None}


def test_fallback_to_the_hosts_kernel_is_detected_from_outside_and_inside(failures: dict[str, str]) -> None:
    assert "'Runtime': 'runc'" in failures["starts with the options asked for"]
    assert "#1 SMP" in failures["runs on gVisor's kernel"]
    assert "lets no signal reach the supervisor" in failures


@pytest.mark.parametrize(
    ("runtime", "events", "cause"),
    [
        ("runsc", [("oom", None), ("die", 137)], Cause.MEMORY),
        ("runsc", [("die", 137)], Cause.MEMORY),  # before the engine has seen why
        ("runsc", [("kill", None), ("die", 137)], Cause.OTHER),  # by `docker rm -f`
        ("runsc", [("die", 2)], Cause.COLLAPSE),
        ("runsc", [("die", 0)], Cause.OTHER),
        (None, [("oom", None), ("die", 137)], Cause.MEMORY),
        (None, [("die", 137)], Cause.OTHER),
        (None, [("die", 2)], Cause.OTHER),
    ],
)
def test_end_of_a_container_is_known_from_the_engines_events(
    runtime: str | None, events: list[tuple[str, int | None]], cause: Cause
) -> None:
    deaths = DeathWatch([], runtime)
    for action, exit_code in events:
        deaths.note(ContainerEvent("id", action, exit_code))
    assert deaths.cause("id") is cause


@pytest.mark.parametrize(
    ("cause", "status"), [(Cause.MEMORY, RunStatus.MEMORY_LIMIT), (Cause.COLLAPSE, RunStatus.ERROR)]
)
def test_crashed_gvisor_kernel_is_the_programs_own_end(cause: Cause, status: RunStatus) -> None:
    ours, theirs = socket.socketpair()
    container = Container("name", "id", FrameStream(ours), lambda _: cause)
    frame = protocol.pack_frame(protocol.STDOUT, b"so far")
    with answering(theirs, bytes([1, 0, 0, 0]) + len(frame).to_bytes(4, "big") + frame):
        run = container.run("", "", None, timeout_seconds=5)
    assert (run.status, run.stdout, container.is_usable) == (status, "so far", False)
    assert run.signal == (None if cause is Cause.MEMORY else "SIGKILL")
    container.close()
    theirs.close()


def test_gvisor_is_recognised_by_the_name_of_its_runtime() -> None:
    assert [is_gvisor(name) for name in ("runsc", "runsc-kvm", "runc", "kata", None)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_document_lists_the_known_differences() -> None:
    listed = re.findall(r"^\| `([^`]+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert dict(listed) == {pattern.replace("[[]", "["): reason for pattern, reason in DIFFERENCES.items()}


def test_each_known_difference_names_an_existing_test() -> None:
    """A pattern that matches nothing would hide that its test is gone."""
    for pattern in DIFFERENCES:
        module, name = pattern.split("::")
        function = re.match(r"\w+", name)
        assert function, pattern
        assert f"def {function[0]}" in (Path(__file__).parent / module).read_text(), pattern
