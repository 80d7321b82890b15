"""No slip of ours ends a thread that others rely on. Those of the pool are in test_pool.py."""

import threading
from collections.abc import Iterator

import pytest

from executions.sandbox.checks import canary
from executions.sandbox.checks.canary import Canary
from executions.sandbox.container.container import Container
from executions.sandbox.engine import deaths, reaper
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import ContainerEvent, Engine
from executions.sandbox.engine.reaper import Undertaker
from tests.waiting import eventually


class Slip(Exception):
    """What nobody expects."""


class SlippingEngine(Engine):
    """Slips the first time that it is asked for anything."""

    def __init__(self) -> None:
        self.slips = [Slip()]
        self.removed: list[str] = []

    def _slip(self) -> None:
        if self.slips:
            raise self.slips.pop()

    def events(self, labels: list[str]) -> Iterator[ContainerEvent]:
        self._slip()
        yield ContainerEvent("id", "oom")
        yield ContainerEvent("id", "die", 137)

    def remove(self, container_id: str) -> bool:
        self._slip()
        self.removed.append(container_id)
        return True

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SlippingEngine:
    engine = SlippingEngine()
    for module in (deaths, reaper):
        monkeypatch.setattr(module, "Engine", lambda: engine)
    return engine


def test_kills_for_memory_are_still_seen(engine: SlippingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deaths, "RETRY_SECONDS", 0.01)
    watch = DeathWatch([], None)
    watch.start()
    assert eventually(lambda: watch.killed_for_memory("id"))
    watch.close()
    assert not engine.slips


def test_containers_that_do_not_end_are_still_removed(engine: SlippingEngine) -> None:
    undertaker = Undertaker()
    undertaker.start()
    undertaker.remove("left to the reaper")
    undertaker.remove("next")
    assert eventually(lambda: engine.removed == ["next"])
    undertaker.close()


def test_probes_are_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "EVERY_SECONDS", 0.01)
    launched = threading.Semaphore(0)

    def launch() -> Container:
        launched.release()
        raise Slip

    bird = Canary(launch, lambda: True, lambda reason: None)
    bird.start()
    assert launched.acquire(timeout=5)
    assert launched.acquire(timeout=5)
    bird.close()
