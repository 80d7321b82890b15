"""Results that could not be recorded at once: kept in memory, and recorded when the database is back."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, close_old_connections, connection

PAUSES_SECONDS = (0.1, 0.5)
"""Between the attempts to record a result while a learner waits for it."""

RETRY_SECONDS = 1.0
"""Between the attempts to record what had to wait."""

MOST_WAITING = 1000
"""How many results may wait. While the database is down no program starts, so only results of running ones wait."""

NEVER = (DataError, IntegrityError)
"""The errors with which a database refuses a record for good."""

log = logging.getLogger(__name__)


class LateRecords:
    """Records results: at once if the database accepts them, otherwise later, in a separate thread.

    A late result that fails again goes to the end of the queue. Results that still wait when the process ends are lost:
    a living process finds the execution `running` and marks it as interrupted, uncharged. A file would survive, but
    it would contain programs and need the same protection as the database, for the rare case of two faults at once.
    """

    def __init__(self, pauses_seconds: Sequence[float] = PAUSES_SECONDS, retry_seconds: float = RETRY_SECONDS) -> None:
        self._pauses_seconds = pauses_seconds
        self._retry_seconds = retry_seconds
        self._line: deque[tuple[str, Callable[[], None]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="late-records", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def record(self, execution_id: str, write: Callable[[], None]) -> None:
        """Call `write`, again after each pause, and leave it to the thread if the database still fails.

        Gives up at once if the database refuses the record for good.
        """
        for pause_seconds in (*self._pauses_seconds, None):
            if self._settle(execution_id, write):
                return
            if pause_seconds is not None:
                time.sleep(pause_seconds)
                close_old_connections()
        if not self.add(execution_id, write):
            log.error("the result of %s was not recorded: too many wait", execution_id)

    def add(self, execution_id: str, write: Callable[[], None]) -> bool:
        """Call `write` later, until the database accepts it or refuses it for good; False if there is no room."""
        with self._changed:
            if not self._thread.is_alive() or len(self._line) >= MOST_WAITING:
                return False
            self._line.append((execution_id, write))
            self._changed.notify_all()
            return True

    def close(self, seconds: float) -> None:
        """Wait up to `seconds` for the results that are left, and stop."""
        with self._changed:
            self._changed.wait_for(lambda: not self._line, seconds)
            self._closing = True
            self._changed.notify_all()
            if self._line:
                log.error("%d results were not recorded", len(self._line))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._line)
                if self._closing:
                    return
                execution_id, write = self._line[0]
            is_settled = self._try(execution_id, write)
            with self._changed:
                if is_settled:
                    self._line.popleft()
                    self._changed.notify_all()
                else:
                    self._line.rotate(-1)  # one that keeps failing must not block the others
                    self._changed.wait_for(lambda: self._closing, self._retry_seconds)

    def _try(self, execution_id: str, write: Callable[[], None]) -> bool:
        """Return whether `write` is settled, in the thread."""
        try:
            return self._settle(execution_id, write)
        except Exception:  # the thread's outermost call: a broken record must not stop the others
            log.exception("the result of %s was not recorded", execution_id)
            return True
        finally:
            connection.close()

    def _settle(self, execution_id: str, write: Callable[[], None]) -> bool:
        """Call `write`; return whether the database has accepted it, or refused it for good."""
        try:
            write()
        except NEVER as error:
            log.error("the result of %s was not recorded: %s", execution_id, reason(error))
        except (DatabaseError, InterfaceError) as error:
            log.warning("the record of %s has to wait: %s", execution_id, reason(error))
            return False
        return True


def reason(error: Exception) -> str:
    """Return a database's message without the row and the statement that may follow, which contain programs."""
    return str(error).partition("\n")[0]
