"""What is made of the engine's word about the end of a container."""

import threading

import pytest

from executions.sandbox.engine import deaths as deaths_module
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import ContainerEvent


@pytest.mark.parametrize(
    ("late", "killed"),
    [
        (ContainerEvent("id", "oom"), True),
        (ContainerEvent("id", "kill"), False),
        (ContainerEvent("other", "oom"), False),
    ],
)
def test_the_engine_may_tell_of_a_kill_after_the_end(
    monkeypatch: pytest.MonkeyPatch, late: ContainerEvent, killed: bool
) -> None:
    monkeypatch.setattr(deaths_module, "LATE_OOM_SECONDS", 30.0 if late.container_id == "id" else 0.5)
    watch = DeathWatch([], None)
    watch._note(ContainerEvent("id", "die", 137))
    engine = threading.Timer(0.2, watch._note, [late])
    engine.start()
    assert watch.killed_for_memory("id") is killed
    engine.join()


def test_nobody_waits_for_word_of_a_kill_where_there_was_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deaths_module, "LATE_OOM_SECONDS", 3600.0)
    watch = DeathWatch([], None)
    watch._note(ContainerEvent("id", "die", 1))
    assert not watch.killed_for_memory("id")
