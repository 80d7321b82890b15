"""Requests that wait for an execution to end, in whichever process it runs."""

import threading
import time
from collections.abc import Callable

from django.db import close_old_connections

from executions.bounds import MOST_POLLS
from executions.models import Execution
from executions.sandbox.timing import Deadline

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.5
"""Between two looks at the record. Most programs end within the first ones."""


class Polls:
    """The requests of one process that wait: at most `most` of them. Others return at once."""

    def __init__(self, most: int = MOST_POLLS, sleep: Callable[[float], None] = time.sleep) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._sleep = sleep

    def wait(self, execution: Execution, seconds: float, is_over: Callable[[], bool]) -> None:
        """Return when `execution` has ended, or earlier: after `seconds`, if it `is_over`, or if too many wait."""
        if not self._free.acquire(blocking=False):
            return
        try:
            deadline, pause_seconds = Deadline.after(seconds), FIRST_PAUSE_SECONDS
            while _is_running(execution) and (left := deadline.remaining_seconds()) and not is_over():
                self._sleep(min(pause_seconds, left))
                pause_seconds = min(1.5 * pause_seconds, LONGEST_PAUSE_SECONDS)
        finally:
            self._free.release()


def _is_running(execution: Execution) -> bool:
    is_running = Execution.objects.filter(pk=execution.pk, status=Execution.Status.RUNNING).exists()
    close_old_connections()  # returns a pooled one
    return is_running
