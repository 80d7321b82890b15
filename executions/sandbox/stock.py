"""The containers of one profile that wait for a program, and the callers who wait for one of them."""

import time
from collections import deque

from executions.line import Line
from executions.sandbox.container.container import Container
from executions.sandbox.counters import ENDED_WARM
from executions.sandbox.ticket import Ticket
from executions.sandbox.timing import Timing


class Stock:
    """Containers of one profile, and their line. The pool's lock protects it.

    `fresh` containers have run nothing. `used` ones have run a submission that ended cleanly; each must still pass the
    check. Callers get fresh ones first.
    """

    def __init__(self, size: int, timing: Timing) -> None:
        self.size = size
        """How many fresh containers to keep."""
        self.fresh: deque[Container] = deque()
        self.used: deque[Container] = deque()
        self.line: Line[Ticket] = Line()
        self.launching = 0
        self.failures = 0
        """How many launches in a row have failed."""
        self._timing = timing
        self._lacked_at = self._moved_at = float("-inf")

    def __len__(self) -> int:
        return len(self.fresh) + len(self.used)

    @property
    def is_given_up(self) -> bool:
        """Whether no containers can be launched now."""
        return self.failures >= self._timing.failures_to_give_up

    @property
    def is_hopeless(self) -> bool:
        """Whether there are no containers, and none can be launched."""
        return self.is_given_up and not self

    def note_arrival(self) -> None:
        """Note that a caller is about to join the line."""
        if not self.fresh:
            self._lacked_at = time.monotonic()
        if not self.line:
            self._moved_at = time.monotonic()

    def is_pressed(self) -> bool:
        """Return whether callers wait, or one found no fresh container a moment ago."""
        return bool(self.line) or time.monotonic() - self._lacked_at < self._timing.pressure_seconds

    def stalled_seconds(self) -> float:
        """Return how long callers have waited since a used container was last handed out."""
        return time.monotonic() - self._moved_at if self.line else 0.0

    def take(self) -> Container | None:
        """Remove and return a container that waits, a fresh one if there is one."""
        while self.fresh:
            container = self.fresh.popleft()
            if container.is_waiting():
                return container
            ENDED_WARM.inc()
            container.close()
        while self.used:
            container = self.used.popleft()
            if not self.is_too_old(container):
                self._moved_at = time.monotonic()
                return container
            container.close()
        return None

    def is_too_old(self, container: Container) -> bool:
        """Return whether a container may serve no further submission because of its age."""
        return time.monotonic() - container.launched_at >= self._timing.retire_seconds

    def discard_dead(self) -> int:
        """Close the fresh containers that have ended; return how many."""
        dead = [container for container in self.fresh if not container.is_waiting()]
        for container in dead:
            self.fresh.remove(container)
            container.close()
        ENDED_WARM.inc(len(dead))
        return len(dead)

    def discard_used(self) -> None:
        """Close all used containers."""
        while self.used:
            self.used.popleft().close()

    def discard_all(self) -> None:
        """Close all containers."""
        self.discard_used()
        while self.fresh:
            self.fresh.popleft().close()
