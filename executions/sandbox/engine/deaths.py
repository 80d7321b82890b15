"""How containers ended, as the engine saw it: for those whose supervisor can no longer report it.

The engine removes our containers when they end, and a removed one cannot be inspected; only events remain.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

from executions.sandbox.engine.engine import ContainerEvent, Engine, EngineError
from executions.sandbox.engine.gvisor import COLLAPSED_EXIT_CODE, KILLED_EXIT_CODE, death_seconds
from executions.sandbox.settings import is_gvisor
from executions.sandbox.timing import DEFAULT_TIMING, Timing
from executions.threads import Loop

REMEMBERED = 1000

log = logging.getLogger(__name__)


class Cause(Enum):
    """Why a container ended. `COLLAPSE`: its own kernel, gVisor's, crashed. `OTHER`: none of these is known."""

    MEMORY = auto()
    COLLAPSE = auto()
    OTHER = auto()


class _Death:
    """What is known about one container's end."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        self.exit_code: int | None = None


class DeathWatch(Loop):
    """Follows the engine's events about containers with `labels`, under `runtime`."""

    def __init__(
        self,
        labels: list[str],
        runtime: str | None,
        connect: Callable[[], Engine] = Engine,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        super().__init__("death-watch", self._follow, timing.retry_events_seconds)
        self._labels = labels
        self._is_gvisor = is_gvisor(runtime)
        self._wait_seconds = death_seconds(runtime)
        self._late_oom_seconds = timing.late_oom_seconds
        self._deaths: OrderedDict[str, _Death] = OrderedDict()  # by container id, the oldest first
        self._changed = threading.Condition()
        self._engine = connect()

    def close(self) -> None:
        """Stop. The thread ends at the engine's next event, or with the process."""
        super().close()
        self._engine.close()

    def cause(self, container_id: str) -> Cause:
        """Return why the container ended. Waits a moment for the engine to report its end."""
        death = self._death(container_id)
        if "oom" in death.actions and "kill" not in death.actions:  # that may have been an earlier run's
            return Cause.MEMORY
        if self._is_gvisor and death.exit_code == COLLAPSED_EXIT_CODE:
            return Cause.COLLAPSE
        # Under gVisor the whole container dies, sometimes before the engine has seen why. If the engine did not kill it
        # itself, the host's kernel did.
        if self._is_gvisor and death.exit_code == KILLED_EXIT_CODE and "kill" not in death.actions:
            return Cause.MEMORY
        return Cause.OTHER

    def note(self, event: ContainerEvent) -> None:
        """Remember an event."""
        with self._changed:
            death = self._deaths.setdefault(event.container_id, _Death())
            death.actions.add(event.action)
            if event.exit_code is not None:
                death.exit_code = event.exit_code
            while len(self._deaths) > REMEMBERED:
                self._deaths.popitem(last=False)
            self._changed.notify_all()

    def _death(self, container_id: str) -> _Death:
        with self._changed:
            self._changed.wait_for(
                lambda: container_id in self._deaths and "die" in self._deaths[container_id].actions, self._wait_seconds
            )
            death = self._deaths.get(container_id, _Death())
            # When the kernel kills the supervisor itself, the engine may report the kill after the end.
            if death.exit_code == KILLED_EXIT_CODE:
                self._changed.wait_for(lambda: not death.actions.isdisjoint({"oom", "kill"}), self._late_oom_seconds)
            return death

    def _follow(self) -> None:
        try:
            for event in self._engine.events(self._labels):
                if self.is_closing:
                    return
                self.note(event)
        except EngineError as error:
            if not self.is_closing:
                log.warning("events interrupted: %s", error)
