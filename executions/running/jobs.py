"""Runs background executions on a bounded number of threads."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apikeys.limits import Unavailable
from executions.configuration import LONGEST_WAIT
from executions.line import Line
from executions.models import Execution
from executions.records.record import fail_all
from executions.sandbox.results import Party
from executions.threads import Loop

MOST_WAITING = 1000
"""How many executions of a process may wait. They take hardly any memory: their programs are in the database."""

PAUSE_SECONDS = 1.0
"""Between two attempts of a job, while the sandbox or the database is busy or unavailable."""

LOOK_SECONDS = 1.0

STOPPED = "Nothing ran: the service was stopped before this program's turn."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An accepted execution, by its primary key, and what runs it."""

    party: Party
    pk: int
    run: Callable[[], None]


def most_threads() -> int:
    """Return how many jobs may run at once. They take at most half of the sandbox's line."""
    return max(1, min(settings.SANDBOX_MAX_CONCURRENT, settings.SANDBOX_QUEUE_LENGTH // 2))


@dataclass(slots=True)
class Reservation:
    """Room in the line, and the job that is to take it, if any."""

    job: Job | None = None


class Jobs:
    """The jobs of one process. `len` is how many wait for a thread.

    At most `most_threads()` run at once. A job that cannot begin tries again after `pause_seconds`, for at most
    `longest_wait`.

    Keys take turns, then the callers of a key, as in the sandbox's line. One thread always runs; others start when
    there are jobs, and end when there are none.
    """

    def __init__(
        self,
        most_waiting: int = MOST_WAITING,
        most_threads: Callable[[], int] = most_threads,
        pause_seconds: float = PAUSE_SECONDS,
        longest_wait: timedelta = LONGEST_WAIT,
    ) -> None:
        self.longest_wait = longest_wait
        self._most_waiting = most_waiting
        self._most_threads = most_threads
        self._pause_seconds = pause_seconds
        self._line: Line[Job] = Line()
        self._reserved = 0
        self._threads = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._loop = Loop("jobs", self._work_or_wait)
        self._closing = threading.Event()

    def __len__(self) -> int:
        return len(self._line)

    @property
    def is_closing(self) -> bool:
        """Whether jobs that have not begun will never begin."""
        return self._closing.is_set()

    def start(self) -> None:
        """Start to run jobs. Returns at once."""
        self._loop.start()

    @contextmanager
    def reserve(self) -> Iterator[Reservation]:
        """Reserve room in the line for a job that the caller may set. Raises Unavailable if the line is full."""
        with self._lock:
            if self.is_closing or len(self._line) + self._reserved >= self._most_waiting:
                raise Unavailable("too many executions wait in the background")
            self._reserved += 1
        reservation = Reservation()
        try:
            yield reservation
        finally:
            with self._lock:
                self._reserved -= 1
                if reservation.job is not None:
                    self._line.append(reservation.job)
                    self._changed.notify_all()
            if reservation.job is not None:
                self._start_thread()

    def run_next(self) -> bool:
        """Run the next job; return whether there was one."""
        with self._lock:
            job = self._line.pop()
        if job is None:
            return False
        job.run()
        return True

    def pause(self) -> None:
        """Wait, within a job, until it may try again or no more jobs may begin."""
        self._closing.wait(self._pause_seconds)

    def close(self, drain_seconds: float) -> None:
        """Let jobs begin for `drain_seconds`, then record that the others did not run."""
        with self._lock:
            self._changed.wait_for(lambda: not len(self._line), drain_seconds)
            self._closing.set()
            self._loop.close()
            rest = [job.pk for job in iter(self._line.pop, None)]
            self._changed.notify_all()
        if rest:
            log.warning("%d executions in the background were not begun", len(rest))
            self._give_up(rest)

    def join(self, seconds: float) -> None:
        """Wait for the jobs that have begun."""
        with self._lock:
            self._changed.wait_for(lambda: not self._threads, seconds)
        self._loop.join(seconds)

    def _give_up(self, executions: list[int]) -> None:
        try:
            fail_all(executions, Execution.Status.REFUSED, STOPPED)
        except (DatabaseError, InterfaceError) as error:  # another process finds them: records/servers.py
            log.error("that they did not run was not recorded: %s", error)
        finally:
            connection.close()

    def _start_thread(self) -> None:
        """Start one more thread, if the loop runs, and there are not enough of them."""
        if not self._loop.is_alive:
            return
        with self._lock:
            if self._threads >= self._most_threads() - 1:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="job", daemon=True).start()
        except (RuntimeError, MemoryError) as error:  # the loop will get to it
            log.error("no thread for a job: %s", error)
            self._end_thread()

    def _end_thread(self) -> None:
        with self._lock:
            self._threads -= 1
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            while self._work_once():
                pass
        finally:
            self._end_thread()

    def _work_or_wait(self) -> None:
        if not self._work_once():
            with self._lock:
                self._changed.wait_for(lambda: len(self._line) or self.is_closing, LOOK_SECONDS)

    def _work_once(self) -> bool:
        """Run the next job in a thread of ours; return whether there was one."""
        try:
            return self.run_next()
        except Exception:  # the outermost boundary of a thread: whatever it is, the record says that the run was lost
            log.exception("a job failed")
            return True
        finally:
            connection.close()
            with self._lock:
                self._changed.notify_all()
