"""Background threads that must not die: an unexpected error is logged, and the thread goes on."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Loop:
    """A daemon thread that calls `step` until it is closed, and pauses for `pause_seconds` after each call."""

    def __init__(self, name: str, step: Callable[[], None], pause_seconds: float = 0.0) -> None:
        self._step = step
        self._pause_seconds = pause_seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_closing(self) -> bool:
        """Whether the loop ends after the current step."""
        return self._closing.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, unless it was started before. Returns at once."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait, within a step, until the time is over or the loop is closed."""
        self._closing.wait(seconds)

    def close(self) -> None:
        """End the loop after the current step. Returns at once."""
        self._closing.set()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the thread to end."""
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self.is_closing:
            try:
                self._step()
            except Exception:  # the outermost boundary of a thread: if it died, nobody would notice
                log.exception("%s failed", self._thread.name)
            self.wait(self._pause_seconds)
