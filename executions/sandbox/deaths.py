"""What the engine saw of the end of containers whose supervisor could not tell it any more.

A removed container cannot be inspected, and ours remove themselves; the engine's events are what remains.
"""

import logging
import threading
import time
from collections import OrderedDict

from executions.sandbox.engine import Engine, EngineError

REMEMBERED = 1000
WAIT_SECONDS = 1.0
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class DeathWatch:
    """Follows the engine's events about containers with `labels` in a thread of its own."""

    def __init__(self, labels: list[str]) -> None:
        self._labels = labels
        self._actions: OrderedDict[str, set[str]] = OrderedDict()  # by container id, the oldest first
        self._changed = threading.Condition()
        self._engine = Engine()
        self._closed = False

    def start(self) -> None:
        """Begin to watch. Returns at once."""
        threading.Thread(target=self._watch, name="death-watch", daemon=True).start()

    def close(self) -> None:
        """Stop watching. The thread ends when the engine next speaks, or with the process."""
        self._closed = True
        self._engine.close()

    def killed_for_memory(self, container_id: str) -> bool:
        """Return whether the container ran out of memory. Waits a moment for the engine to tell of its end."""
        with self._changed:
            self._changed.wait_for(lambda: "die" in self._actions.get(container_id, ()), WAIT_SECONDS)
            return "oom" in self._actions.get(container_id, ())

    def _watch(self) -> None:
        while not self._closed:
            try:
                for event in self._engine.events(self._labels):
                    self._note(event.container_id, event.action)
            except EngineError as error:
                if not self._closed:
                    log.warning("events interrupted: %s", error)
            time.sleep(RETRY_SECONDS)

    def _note(self, container_id: str, action: str) -> None:
        with self._changed:
            self._actions.setdefault(container_id, set()).add(action)
            while len(self._actions) > REMEMBERED:
                self._actions.popitem(last=False)
            self._changed.notify_all()
