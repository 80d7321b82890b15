"""How many programs run at once: each running program has a slot."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from executions.sandbox.container.talk import Slot
from executions.sandbox.results import NOBODY, Party
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.spare_cpu import SpareCpu

LEAST_SPARE_CPU = 0.2
"""More programs than the processors can serve may run at once while this share of their time is idle."""


FEWEST_TO_RESERVE = 3
"""With fewer slots than this, none is reserved: one endless loop would stop a class behind one address."""


class Slots:
    """The slots of a pool, whose lock protects them.

    At most `max_concurrent` programs run at once, as many as there is memory for, and at most `busy_concurrent` while
    the processors have no time left. A program that waits for input lends its slot to others. The last quarter, at
    least one of three, is reserved for parties without one, so that nobody's long programs keep all others out. NOBODY
    may use all slots.
    """

    def __init__(self, lock: threading.Lock, settings: SandboxSettings, spare_cpu: SpareCpu) -> None:
        self.in_use = 0
        self._lent = 0  # by programs that wait for input
        self._returning = 0  # of these, how many wait for their slot
        self._held: Counter[tuple[str, str]] = Counter()  # by the key and caller of a party
        self._free_since = 0.0
        self._lock = lock
        self._changed = threading.Condition(lock)
        self._settings = settings
        self._busy = min(settings.busy_concurrent, settings.max_concurrent)
        self._spare_cpu = spare_cpu

    def count_free(self) -> int:
        """Return how many more programs may start now, which takes a look at the processors."""
        return self._limit() - self.in_use - self._returning

    def _limit(self) -> int:
        is_busy = self.in_use + self._returning >= self._busy - reserved(self._busy)
        has_spare = is_busy and self._spare_cpu.share() >= LEAST_SPARE_CPU
        return self._settings.max_concurrent if has_spare else self._busy

    def are_open_to(self, party: Party) -> bool:
        """Return whether one more program of `party` may start now."""
        limit = self._limit()
        kept = reserved(limit) if self._held[party.caller] and party != NOBODY else 0
        return limit - self.in_use - self._returning > kept

    def take(self, party: Party) -> None:
        """Take a slot for a program of `party`."""
        self.in_use += 1
        self._held[party.caller] += 1

    def release(self, party: Party) -> None:
        """Give the slot of a program of `party` back."""
        self.in_use -= 1
        self._held[party.caller] -= 1
        if not self._held[party.caller]:
            del self._held[party.caller]
        self._free_since = time.monotonic()
        self._changed.notify_all()

    def are_free_for(self, seconds: float) -> bool:
        """Return whether nothing has run for `seconds`."""
        return not self.in_use and time.monotonic() - self._free_since >= seconds

    def wait_until_all_are_free(self, timeout_seconds: float) -> None:
        """Wait until nothing runs, and no program waits for input."""
        self._changed.wait_for(lambda: self.in_use + self._lent == 0, timeout_seconds)

    @contextlib.contextmanager
    def lend(self, party: Party) -> Iterator[Slot]:
        """Lend the slot of a running program of `party` to others; it is taken back at the end, or earlier.

        Takes the lock.
        """
        slot = Slot(partial(self._take_back, party))
        with self._lock:
            self._lent += 1
            self.release(party)
        try:
            yield slot
        finally:
            if not slot.is_held:
                with self._lock:
                    self.take(party)
                    self._lent -= 1

    def _take_back(self, party: Party) -> None:
        """Wait for a slot, ahead of all callers in line. After `queue_seconds` take one beyond the limit: the program
        has its container already, and the others run only for seconds."""
        with self._lock:
            self._returning += 1
            self._changed.wait_for(lambda: self.in_use < self._limit(), self._settings.queue_seconds)
            self._returning -= 1
            self.take(party)
            self._lent -= 1


def reserved(limit: int) -> int:
    """Return how many of `limit` slots are reserved for parties without one."""
    return max(1, limit // 4) if limit >= FEWEST_TO_RESERVE else 0
