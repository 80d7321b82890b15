"""Removes leftover containers, of which there are few: a container ends with its owner's connection.

Strays belong to this sandbox, which does not hold them any more. Orphans belong to processes that are known to be dead;
the caller knows which (docs/decisions/0033-heartbeats.md), and the engine is never asked. A container that was never
started has no connection that could end, and its owner may be forgotten: once it is old, nobody needs it.
"""

import logging
import queue
import time
from collections import Counter
from collections.abc import Callable, Collection

from executions.sandbox.counters import ORPHANS, STRAYS
from executions.sandbox.engine.engine import ContainerSummary, Engine, EngineError
from executions.sandbox.engine.options import OWNER_LABEL, SANDBOX_LABEL
from executions.sandbox.timing import DEFAULT_TIMING
from executions.threads import Loop

REMOVALS_TO_BE_STUCK = 3
"""A container that still exists after this many removals is reported."""

log = logging.getLogger(__name__)


def orphans(engine: Engine, dead_owners: Collection[str]) -> list[ContainerSummary]:
    """Return our containers whose owner's label is one of `dead_owners`."""
    return _owned_by(dead_owners, engine.containers())


def reap_orphans(engine: Engine, dead_owners: Collection[str]) -> list[ContainerSummary]:
    """Remove all orphans; return those that were removed. One that cannot be removed is logged."""
    return _remove_orphans(engine, orphans(engine, dead_owners))


def _owned_by(owners: Collection[str], containers: list[ContainerSummary]) -> list[ContainerSummary]:
    return [each for each in containers if each.labels.get(OWNER_LABEL) in owners]


def _remove_orphans(engine: Engine, found: list[ContainerSummary]) -> list[ContainerSummary]:
    removed = []
    for container in found:
        try:
            if engine.remove(container.id):
                log.warning("removed orphan %s (%s)", container.name, container.state)
                ORPHANS.inc()
                removed.append(container)
        except EngineError as error:  # it does not affect the containers that we start
            log.error("orphan %s stays: %s", container.name, error)
    return removed


class Reaper:
    """Removes what a sandbox has closed but did not end by itself, orphans, and what was never started.

    Any sandbox removes the last kind after `abandoned_seconds`; a launch needs some of that time.
    """

    def __init__(self, sandbox_id: str, abandoned_seconds: float = DEFAULT_TIMING.abandoned_seconds) -> None:
        self._sandbox_id = sandbox_id
        self._abandoned_seconds = abandoned_seconds
        self._not_started: dict[str, float] = {}  # by container id: when we first saw it
        self._suspects: set[str] = set()
        self._removals: Counter[str] = Counter()

    @property
    def stuck(self) -> int:
        """How many containers still exist although they were removed more than once."""
        return sum(count >= REMOVALS_TO_BE_STUCK for count in self._removals.values())

    def reap(self, engine: Engine, held: set[str], dead_owners: Collection[str] = ()) -> int:
        """Remove strays, orphans of `dead_owners` and abandoned containers; return how many strays were removed.

        A stray is a container of the sandbox that is not `held` (names) now and was not at the last call.
        One call's grace gives a container that was just closed, or is being created, time to settle by itself.
        An engine that was killed may keep listing containers that are gone; these count as neither removed nor stuck.
        """
        containers = engine.containers()
        removed = self._remove_strays(engine, containers, held)
        _remove_orphans(engine, [*_owned_by(dead_owners, containers), *self._abandoned(containers)])
        return removed

    def _remove_strays(self, engine: Engine, containers: list[ContainerSummary], held: set[str]) -> int:
        ours = [each for each in containers if each.labels.get(SANDBOX_LABEL) == self._sandbox_id]
        strays = {each.id for each in ours if each.name not in held}
        overdue = self._suspects & strays
        self._removals = Counter({container_id: self._removals[container_id] for container_id in overdue})
        self._suspects = strays
        removed = 0
        for container_id in overdue:
            try:
                if not engine.remove(container_id):
                    continue
                log.warning("removed stray container %.12s", container_id)
                STRAYS.inc()
                removed += 1
            except EngineError as error:
                log.error("stray container stays: %s", error)
            self._removals[container_id] += 1
            if self._removals[container_id] == REMOVALS_TO_BE_STUCK:
                log.error("container %.12s cannot be ended", container_id)
        return removed

    def _abandoned(self, containers: list[ContainerSummary]) -> list[ContainerSummary]:
        now = time.monotonic()
        created = [each for each in containers if each.state == "created"]
        self._not_started = {each.id: self._not_started.get(each.id, now) for each in created}
        return [each for each in created if now - self._not_started[each.id] >= self._abandoned_seconds]


class Undertaker(Loop):
    """Removes containers that do not end when they are closed.

    A fork storm can starve the supervisor; then only the engine can end the container, which takes seconds.
    """

    def __init__(self, connect: Callable[[], Engine] = Engine) -> None:
        super().__init__("undertaker", self._remove_next)
        self._engine = connect()
        self._condemned: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def remove(self, container_id: str) -> None:
        """Have the container removed. Returns at once."""
        self._condemned.put(container_id)

    def close(self) -> None:
        """Stop, once all condemned containers are removed. Returns at once."""
        self._condemned.put(None)

    def _remove_next(self) -> None:
        container_id = self._condemned.get()
        if container_id is None:
            self._engine.close()
            super().close()
            return
        try:
            self._engine.remove(container_id)
        except EngineError as error:
            log.error("left to the reaper: %s", error)
