"""Results that the database would not take when they came: kept in memory, and recorded when it is back."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

RETRY_SECONDS = 1.0
LONGEST_LINE = 1000
"""While the database is away nothing new begins, so that only those wait that ran at that moment."""

log = logging.getLogger(__name__)


class LateRecords:
    """Records, in a thread of its own, the first of those that wait until it succeeds, then the next.

    What still waits when the process ends is lost: the next start finds the execution `running` and settles it as
    interrupted, uncharged. A file beside the database would survive that, but would have to be guarded like the
    database, programs and all, for a moment that needs two faults at once.
    """

    def __init__(self) -> None:
        self._line: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="late-records", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def add(self, record: Callable[[], None]) -> bool:
        """Have `record` called until it raises no DatabaseError. Return whether it will be."""
        with self._changed:
            if not self._thread.is_alive() or len(self._line) >= LONGEST_LINE:
                return False
            self._line.append(record)
            self._changed.notify_all()
            return True

    def close(self, seconds: float) -> None:
        """Give those that wait `seconds`, and end."""
        with self._changed:
            self._changed.wait_for(lambda: not self._line, seconds)
            self._closing = True
            self._changed.notify_all()
            if self._line:
                log.error("%d results are not on record", len(self._line))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._line)
                if self._closing:
                    return
                record = self._line[0]
            if not self._try(record):
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)
                continue
            with self._changed:
                self._line.popleft()
                self._changed.notify_all()

    def _try(self, record: Callable[[], None]) -> bool:
        """Return whether there is nothing more to be done about `record`."""
        try:
            record()
        except (DatabaseError, InterfaceError) as error:
            log.warning("a late record has to wait: %s", error)
            return False
        except Exception:  # one that is broken must not keep the others
            log.exception("a result is not on record")
        finally:
            connection.close()
        return True


late_records = LateRecords()
"""Those of this process."""
