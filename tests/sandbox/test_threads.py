"""An unexpected error ends no essential thread. test_pool.py tests the pool's threads."""

import threading
from collections.abc import Iterator

from executions.sandbox.checks.canary import Canary
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import ContainerEvent, Engine
from executions.sandbox.engine.reaper import Undertaker
from executions.sandbox.timing import Timing
from tests.waiting import eventually


class UnexpectedError(Exception):
    """An unexpected error."""


class FailingEngine(Engine):
    """Fails at its first call."""

    def __init__(self) -> None:
        self.errors = [UnexpectedError()]
        self.removed: list[str] = []

    def _fail_once(self) -> None:
        if self.errors:
            raise self.errors.pop()

    def events(self, labels: list[str]) -> Iterator[ContainerEvent]:
        self._fail_once()
        yield ContainerEvent("id", "oom")
        yield ContainerEvent("id", "die", 137)

    def remove(self, container_id: str) -> bool:
        self._fail_once()
        self.removed.append(container_id)
        return True

    def close(self) -> None:
        pass


def test_death_watch_survives_an_error() -> None:
    engine = FailingEngine()
    watch = DeathWatch([], None, lambda: engine, Timing(retry_events_seconds=0.01))
    watch.start()
    assert eventually(lambda: watch.killed_for_memory("id"))
    watch.close()
    assert not engine.errors


def test_undertaker_survives_an_error() -> None:
    engine = FailingEngine()
    undertaker = Undertaker(lambda: engine)
    undertaker.start()
    undertaker.remove("left to the reaper")
    undertaker.remove("next")
    assert eventually(lambda: engine.removed == ["next"])
    undertaker.close()


def test_canary_survives_an_error() -> None:
    launched = threading.Semaphore(0)

    def launch() -> Container:
        launched.release()
        raise UnexpectedError

    canary = Canary(launch, lambda: True, lambda reason: None, every_seconds=0.01)
    canary.start()
    assert launched.acquire(timeout=5)
    assert launched.acquire(timeout=5)
    canary.close()
