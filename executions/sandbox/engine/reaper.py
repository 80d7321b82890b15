"""The second line against leftovers. The first is that a container ends with its owner's connection."""

import contextlib
import logging
import queue
import threading
from collections import Counter
from collections.abc import Iterator

from executions.sandbox.counters import ORPHANS, STRAYS
from executions.sandbox.engine.engine import ContainerSummary, Engine, EngineError
from executions.sandbox.engine.options import OWNER_LABEL
from executions.sandbox.engine.owner import Owner

REMOVALS_TO_BE_STUCK = 3
"""After so many removals a container that is still there is told to whoever watches us."""

log = logging.getLogger(__name__)


def orphans(engine: Engine) -> Iterator[ContainerSummary]:
    """Yield our containers whose owner does not live any more. Another project's never carry our label."""
    alive: dict[str, bool] = {}
    for container in engine.containers():
        label = container.labels.get(OWNER_LABEL, "")
        if label not in alive:
            owner = Owner.parse(label)
            alive[label] = owner is not None and owner.is_alive(engine)
        if not alive[label]:
            yield container


def reap_orphans(engine: Engine) -> int:
    """Remove all orphans; return how many were removed."""
    removed = 0
    for container in orphans(engine):
        try:
            if engine.remove(container.id):
                log.warning("removed orphan %s (%s)", container.name, container.state)
                ORPHANS.inc()
                removed += 1
        except EngineError as error:  # it is no danger to those that we start
            log.error("orphan %s stays: %s", container.name, error)
    return removed


class Reaper:
    """Removes the containers of a living owner that the owner has let go but that did not end by themselves."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._suspects: set[str] = set()
        self._removals: Counter[str] = Counter()

    @property
    def stuck(self) -> int:
        """How many containers are there though they were removed more than once."""
        return sum(count >= REMOVALS_TO_BE_STUCK for count in self._removals.values())

    def reap(self, engine: Engine, held: set[str]) -> int:
        """Remove every container of the owner that is not `held` (names) now and was not at the last call.

        One call's grace lets a container that has just been let go, or is just being created, settle by itself.
        An engine that was killed may list for ever what it does not have: that is neither removed nor stuck.
        Return how many were removed.
        """
        ours = [each for each in engine.containers() if each.labels.get(OWNER_LABEL) == self._owner]
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


class Undertaker:
    """Removes, in a thread of its own, containers that do not end when they are let go.

    A storm of processes can starve the supervisor; only the engine ends such a container, and that takes it seconds.
    """

    def __init__(self) -> None:
        self._condemned: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def start(self) -> None:
        """Begin to work. Returns at once."""
        threading.Thread(target=self._work, name="undertaker", daemon=True).start()

    def remove(self, container_id: str) -> None:
        """Have the container removed. Returns at once."""
        self._condemned.put(container_id)

    def close(self) -> None:
        """Stop, once all that are condemned are removed."""
        self._condemned.put(None)

    def _work(self) -> None:
        with contextlib.closing(Engine()) as engine:
            while container_id := self._condemned.get():
                try:
                    engine.remove(container_id)
                except EngineError as error:
                    log.error("left to the reaper: %s", error)
                except Exception:  # one that dies would leave all of them to the reaper, seconds later
                    log.exception("undertaker failed")
