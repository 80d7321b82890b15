"""The engine's events show whether a container was killed for memory."""

import threading

import pytest

from executions.sandbox.engine.deaths import Cause, DeathWatch
from executions.sandbox.engine.engine import ContainerEvent
from executions.sandbox.timing import Timing


@pytest.mark.parametrize(
    ("late", "cause"),
    [
        (ContainerEvent("id", "oom"), Cause.MEMORY),
        (ContainerEvent("id", "kill"), Cause.OTHER),
        (ContainerEvent("other", "oom"), Cause.OTHER),
    ],
)
def test_kill_for_memory_reported_after_the_end_is_seen(late: ContainerEvent, cause: Cause) -> None:
    watch = DeathWatch([], None, timing=Timing(late_oom_seconds=30.0 if late.container_id == "id" else 0.5))
    watch.note(ContainerEvent("id", "die", 137))
    engine = threading.Timer(0.2, watch.note, [late])
    engine.start()
    assert watch.cause("id") is cause
    engine.join()


def test_container_that_was_not_killed_causes_no_wait_for_a_late_report() -> None:
    watch = DeathWatch([], None, timing=Timing(late_oom_seconds=3600.0))
    watch.note(ContainerEvent("id", "die", 1))
    assert watch.cause("id") is Cause.OTHER


def test_container_that_was_killed_did_not_end_for_the_memory_of_an_earlier_run() -> None:
    watch = DeathWatch([], None)
    for event in (ContainerEvent("id", "oom"), ContainerEvent("id", "kill"), ContainerEvent("id", "die", 137)):
        watch.note(event)
    assert watch.cause("id") is Cause.OTHER
