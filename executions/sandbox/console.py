"""What passes between a submission that runs and whoever looks on: events one way, input and the end the other."""

import os
import threading
from collections import deque
from dataclasses import dataclass

from executions.sandbox.results import Image, Run


@dataclass(frozen=True, slots=True)
class Began:
    """There is a container, and the program is about to run."""


@dataclass(frozen=True, slots=True)
class Printed:
    """The program itself has printed `text` to its `stream`, "stdout" or "stderr"."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The program has shown an image, which is kept: in its own run or, when that has ended, under the next test."""

    image: Image


@dataclass(frozen=True, slots=True)
class Asked:
    """The program waits for input. All that it printed before has been told."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run is over: the program's own first, then that of each test, in their order."""

    run: Run


Event = Began | Printed | Shown | Asked | Ended


class Console:
    """Stands between two threads: the one that runs a submission, and the one that tells of it.

    Never holds up the first: what nobody has fetched yet is kept, and no run has more to tell than is kept of its
    output. The one who ran closes it.
    """

    def __init__(self, is_interactive: bool = False) -> None:
        self.is_interactive = is_interactive
        self.is_stopped = False
        """Whether nobody wants the submission any more."""
        self.is_waiting = False
        """Whether the program waits for input that nobody has sent."""
        self.has_given_up = False
        """Whether nobody has come in time, so that the program is ended."""
        self._events: deque[Event] = deque()
        self._input: deque[bytes] = deque()  # b"" is its end
        self._takes_input = is_interactive
        self._is_closed = False
        # One lock for all of the state above; whoever adds an event or closes notifies.
        self._changed = threading.Condition()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    # For whoever looks on

    def next_event(self, timeout_seconds: float) -> Event | None:
        """Return the next event, None if there is none in time or ever again: see `is_over`."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closed, timeout_seconds)
            return self._events.popleft() if self._events else None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to tell, or to come."""
        return self._is_closed and not self._events

    def feed(self, text: str, is_end: bool = False) -> bool:
        """Have `text` read by the program, and then the end of its stdin; return whether it still takes any."""
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
        """Have the submission ended. Returns at once."""
        with self._changed:
            self.is_stopped = True
            if not self._is_closed:
                os.eventfd_write(self._wake, 1)

    # For whoever runs the submission

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is input, or the submission is to end."""
        return self._wake

    def put(self, event: Event) -> None:
        """Tell an event. What was printed piece by piece, and is not fetched yet, becomes one piece."""
        with self._changed:
            if isinstance(event, Asked):
                self.is_waiting = not self._input
            if isinstance(event, Ended):  # no test takes any, either
                self._takes_input = self.is_waiting = False
                self._input.clear()
            last = self._events[-1] if self._events else None
            if isinstance(event, Printed) and isinstance(last, Printed) and event.stream == last.stream:
                self._events[-1] = Printed(event.stream, last.text + event.text)
            elif not (isinstance(event, Asked) and isinstance(last, Asked)):
                self._events.append(event)
            self._changed.notify_all()

    def go_on(self) -> None:
        """Tell that the program waits no more, whoever has answered it."""
        with self._changed:
            self.is_waiting = False

    def give_up(self) -> bool:
        """Take no more input, unless there is some that the program has not been given; return whether so."""
        with self._changed:
            if self._input:
                return False
            self.has_given_up = True
            self._takes_input = self.is_waiting = False
            return True

    def take_input(self) -> list[bytes]:
        """Return what was fed since, in pieces; an empty one is the end."""
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
        """Tell that nothing more will come."""
        with self._changed:
            self._takes_input = False
            if not self._is_closed:
                self._is_closed = True
                os.close(self._wake)
            self._changed.notify_all()
