"""Connects a running submission and its watcher: events go one way, input and a request to stop the other."""

import os
import threading
from collections import deque

import msgspec

from executions.sandbox.results import Image, Run
from executions.sandbox.strokes import Stroke


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The submission has a container, and its program is about to run."""


class Printed(msgspec.Struct, frozen=True, tag="printed"):
    """The program (not a test) has printed `text` to its `stream`, "stdout" or "stderr"."""

    stream: str
    text: str


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """The program has shown an image that is kept: in the main run or, once that has ended, in the next test."""

    image: Image


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """The program's turtles have drawn, in this order."""

    strokes: tuple[Stroke, ...]


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """The program waits for input. All its output so far has been sent."""


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A run has ended: the main run first, then that of each test, in order."""

    run: Run


Event = Began | Printed | Shown | Drawn | Asked | Ended


class Console:
    """Passes events, input and a request to stop between two threads: the runner of a submission and its watcher.

    Never blocks the runner: it keeps events until they are fetched, and the output of a run is bounded. The runner
    closes it.
    """

    def __init__(self, is_interactive: bool = False) -> None:
        self.is_interactive = is_interactive
        self.is_stopped = False
        """Whether the watcher has stopped the submission."""
        self.is_waiting = False
        """Whether the program waits for input that has not been sent."""
        self.may_wait = True
        """Whether the program may wait for input. If not, each wait ends in vain within a second or so."""
        self.has_given_up = False
        """Whether no input came in time, which ends the program."""
        self._events: deque[Event] = deque()
        self._input: deque[bytes] = deque()  # b"" is its end
        self._takes_input = is_interactive
        self._is_closed = False
        # One lock for all of the state above; adding an event and closing notify.
        self._changed = threading.Condition()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    # For the watcher

    def next_event(self, timeout_seconds: float) -> Event | None:
        """Return the next event, None if none comes in time. Once `is_over`, no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closed, timeout_seconds)
            return self._events.popleft() if self._events else None

    @property
    def is_over(self) -> bool:
        """Whether all events have been put and fetched."""
        return self._is_closed and not self._events

    def feed(self, text: str, is_end: bool = False) -> bool:
        """Send `text` to the program's stdin, and then its end if `is_end`; return whether it still accepts input."""
        with self._changed:
            if not self._takes_input:
                return False
            if text:
                self._input.append(text.encode())
            if is_end:
                self._input.append(b"")
            self._takes_input = not is_end
            self.is_waiting = False
            os.eventfd_write(self._wake, 1)
            return True

    def stop(self) -> None:
        """Stop the submission. Returns at once."""
        with self._changed:
            self.is_stopped = True
            if not self._is_closed:
                os.eventfd_write(self._wake, 1)

    # For the runner

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is input or a request to stop."""
        return self._wake

    def put(self, event: Event) -> None:
        """Add an event. Joins pieces of output that are not fetched yet."""
        with self._changed:
            if isinstance(event, Asked):
                self.is_waiting = not self._input
            if isinstance(event, Ended):  # tests accept no input either
                self._takes_input = self.is_waiting = False
                self._input.clear()
            last = self._events[-1] if self._events else None
            if isinstance(event, Printed) and isinstance(last, Printed) and event.stream == last.stream:
                self._events[-1] = Printed(event.stream, last.text + event.text)
            elif not (isinstance(event, Asked) and isinstance(last, Asked)):
                self._events.append(event)
            self._changed.notify_all()

    def end_waiting(self) -> None:
        """Note that the program no longer waits."""
        with self._changed:
            self.is_waiting = False

    def give_up(self) -> bool:
        """Stop accepting input unless some is queued; return whether the program must end."""
        with self._changed:
            if self._input:
                return False
            self.has_given_up = True
            self._takes_input = self.is_waiting = False
            return True

    def take_input(self) -> list[bytes]:
        """Return the pieces of input since the last call; an empty one is the end."""
        with self._changed:
            if not self._is_closed:
                try:
                    os.eventfd_read(self._wake)
                except BlockingIOError:
                    pass
            taken = list(self._input)
            self._input.clear()
            return taken

    def close(self) -> None:
        """Note that no more events will come."""
        with self._changed:
            self._takes_input = False
            if not self._is_closed:
                self._is_closed = True
                os.close(self._wake)
            self._changed.notify_all()
