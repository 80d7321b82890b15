"""What the engine saw of the end of containers whose supervisor could not tell it any more.

A removed container cannot be inspected, and ours remove themselves; the engine's events are what remains.
"""

import logging
import threading
import time
from collections import OrderedDict

from executions.sandbox.engine.engine import ContainerEvent, Engine, EngineError
from executions.sandbox.engine.gvisor import COLLAPSED_EXIT_CODE, KILLED_EXIT_CODE, death_seconds, is_gvisor

REMEMBERED = 1000
RETRY_SECONDS = 1.0

LATE_OOM_SECONDS = 1.0
"""How long the engine may take to tell that a container which is dead was killed for memory."""

log = logging.getLogger(__name__)


class _Death:
    """What is known of one container's end."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        self.exit_code: int | None = None


class DeathWatch:
    """Follows the engine's events about containers with `labels`, under `runtime`, in a thread of its own."""

    def __init__(self, labels: list[str], runtime: str | None) -> None:
        self._labels = labels
        self._is_gvisor = is_gvisor(runtime)
        self._wait_seconds = death_seconds(runtime)
        self._deaths: OrderedDict[str, _Death] = OrderedDict()  # by container id, the oldest first
        self._changed = threading.Condition()
        self._engine = Engine()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="death-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch. Returns at once; does nothing when started already."""
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Stop watching. The thread ends when the engine next speaks, or with the process."""
        self._closed = True
        self._engine.close()

    def killed_for_memory(self, container_id: str) -> bool:
        """Return whether the container ran out of memory. Waits a moment for the engine to tell of its end."""
        death = self._death(container_id)
        if "oom" in death.actions:
            return True
        # gVisor ends whole, and now and then before the engine has seen why. What the engine has not killed itself, the
        # host's kernel has.
        return self._is_gvisor and death.exit_code == KILLED_EXIT_CODE and "kill" not in death.actions

    def collapsed(self, container_id: str) -> bool:
        """Return whether the container's own kernel, gVisor's, could not go on. Waits likewise."""
        return self._is_gvisor and self._death(container_id).exit_code == COLLAPSED_EXIT_CODE

    def _death(self, container_id: str) -> _Death:
        with self._changed:
            self._changed.wait_for(
                lambda: container_id in self._deaths and "die" in self._deaths[container_id].actions, self._wait_seconds
            )
            death = self._deaths.get(container_id, _Death())
            # When the supervisor itself was chosen, the engine may tell of the kill after the end.
            if death.exit_code == KILLED_EXIT_CODE:
                self._changed.wait_for(lambda: not death.actions.isdisjoint({"oom", "kill"}), LATE_OOM_SECONDS)
            return death

    def _watch(self) -> None:
        while not self._closed:
            try:
                for event in self._engine.events(self._labels):
                    self._note(event)
            except EngineError as error:
                if not self._closed:
                    log.warning("events interrupted: %s", error)
            except Exception:  # a watch that dies would make every later kill for memory a fault of ours
                log.exception("death watch failed")
            time.sleep(RETRY_SECONDS)

    def _note(self, event: ContainerEvent) -> None:
        with self._changed:
            death = self._deaths.setdefault(event.container_id, _Death())
            death.actions.add(event.action)
            if event.exit_code is not None:
                death.exit_code = event.exit_code
            while len(self._deaths) > REMEMBERED:
                self._deaths.popitem(last=False)
            self._changed.notify_all()
