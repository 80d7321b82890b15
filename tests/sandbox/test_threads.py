"""An unexpected error ends no essential thread. test_pool.py tests the pool's threads."""

import threading
from collections.abc import Iterator

from executions.sandbox.checks.attacks import PROBES
from executions.sandbox.checks.canary import Canary
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import Cause, DeathWatch
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
    assert eventually(lambda: watch.cause("id") is Cause.MEMORY)
    watch.close()
    assert not engine.errors


class StreamingEngine(FailingEngine):
    """Sends events for ever; `is_left` is set when nobody listens to them any more."""

    def __init__(self) -> None:
        self.is_left = threading.Event()

    def events(self, labels: list[str]) -> Iterator[ContainerEvent]:
        try:
            while True:
                yield ContainerEvent("id", "die", 0)
        finally:
            self.is_left.set()


def test_closed_death_watch_ends_while_the_engine_still_sends_events() -> None:
    engine = StreamingEngine()
    watch = DeathWatch([], None, lambda: engine)
    watch.start()
    assert eventually(lambda: watch.cause("id") is Cause.OTHER)
    assert not engine.is_left.is_set()
    watch.close()
    assert engine.is_left.wait(5)


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

    canary = Canary(launch, lambda: True, lambda reason: None, PROBES, every_seconds=0.01)
    canary.start()
    assert launched.acquire(timeout=5)
    assert launched.acquire(timeout=5)
    canary.close()
