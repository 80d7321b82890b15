"""Results that the database would not take when they came: kept in memory, and recorded when it is back."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

RETRY_SECONDS = 1.0
LONGEST_LINE = 1000
"""While the database is away nothing new begins, so that only those wait that ran at that moment."""

NEVER = (DataError, IntegrityError)
"""What a database raises that would not take a record at another time, either."""

log = logging.getLogger(__name__)


class LateRecords:
    """Records, in a thread of its own, one after another of those that wait; what fails goes to the end of the line.

    What still waits when the process ends is lost: the next start finds the execution `running` and settles it as
    interrupted, uncharged. A file beside the database would survive that, but would have to be guarded like the
    database, programs and all, for a moment that needs two faults at once.
    """

    def __init__(self) -> None:
        self._line: deque[tuple[str, Callable[[], None]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="late-records", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def add(self, execution_id: str, record: Callable[[], None]) -> bool:
        """Have `record` called until the database takes it, or says that it never will. Return whether it will be."""
        with self._changed:
            if not self._thread.is_alive() or len(self._line) >= LONGEST_LINE:
                return False
            self._line.append((execution_id, record))
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
                execution_id, record = self._line[0]
            is_settled = self._try(execution_id, record)
            with self._changed:
                if is_settled:
                    self._line.popleft()
                    self._changed.notify_all()
                else:
                    self._line.rotate(-1)  # one that fails for a reason of its own must not keep the others
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)

    def _try(self, execution_id: str, record: Callable[[], None]) -> bool:
        """Return whether there is nothing more to be done about `record`."""
        try:
            record()
        except NEVER as error:
            log.error("the result of %s is not on record: %s", execution_id, reason(error))
        except (DatabaseError, InterfaceError) as error:
            log.warning("the late record of %s has to wait: %s", execution_id, reason(error))
            return False
        except Exception:  # one that is broken must not keep the others
            log.exception("the result of %s is not on record", execution_id)
        finally:
            connection.close()
        return True


def reason(error: Exception) -> str:
    """Return what a database says, without the row and the statement that may follow: there are programs in those."""
    return str(error).partition("\n")[0]


late_records = LateRecords()
"""Those of this process."""
