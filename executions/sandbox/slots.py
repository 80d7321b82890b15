"""How many programs run at once: slots, of which each running program has one."""

import contextlib
import threading
import time
from collections.abc import Iterator

from executions.sandbox.container.talk import Slot
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.spare_cpu import SpareCpu

LEAST_SPARE_CPU = 0.2
"""More programs than the processors can serve may run at once while this share of their time is idle."""


class Slots:
    """The slots of a pool, whose lock protects them.

    `max_concurrent` programs may run at once, as many as there is memory for; while the processors have no time left,
    `busy_concurrent`. A program that waits for input lends its slot to others.
    """

    def __init__(self, lock: threading.Lock, settings: SandboxSettings, spare_cpu: SpareCpu) -> None:
        self.in_use = 0
        self._lent = 0  # by programs that wait for input
        self._returning = 0  # of these, how many wait for their slot
        self._free_since = 0.0
        self._lock = lock
        self._changed = threading.Condition(lock)
        self._settings = settings
        self._busy = min(settings.busy_concurrent, settings.max_concurrent)
        self._spare_cpu = spare_cpu

    @property
    def free(self) -> int:
        """How many more programs may start now."""
        return self._limit() - self.in_use - self._returning

    def _limit(self) -> int:
        is_busy = self.in_use + self._returning >= self._busy
        has_spare = is_busy and self._spare_cpu.share() >= LEAST_SPARE_CPU
        return self._settings.max_concurrent if has_spare else self._busy

    def take(self) -> None:
        """Take a slot."""
        self.in_use += 1

    def release(self) -> None:
        """Give a slot back."""
        self.in_use -= 1
        self._free_since = time.monotonic()
        self._changed.notify_all()

    def are_free_for(self, seconds: float) -> bool:
        """Return whether nothing has run for so long."""
        return not self.in_use and time.monotonic() - self._free_since >= seconds

    def wait_until_all_are_free(self, timeout_seconds: float) -> None:
        """Wait until nothing runs, and no program waits for input."""
        self._changed.wait_for(lambda: self.in_use + self._lent == 0, timeout_seconds)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Slot]:
        """Lend the slot of a running program to others; it is taken back at the end, or earlier. Takes the lock."""
        slot = Slot(self._take_back)
        with self._lock:
            self._lent += 1
            self.release()
        try:
            yield slot
        finally:
            if not slot.is_held:
                with self._lock:
                    self.in_use += 1
                    self._lent -= 1

    def _take_back(self) -> None:
        """Wait for a slot, ahead of all callers in line. After `queue_seconds` take one beyond the limit: the program
        has its container already, and the others run only for seconds."""
        with self._lock:
            self._returning += 1
            self._changed.wait_for(lambda: self.in_use < self._limit(), self._settings.queue_seconds)
            self._returning -= 1
            self.in_use += 1
            self._lent -= 1
