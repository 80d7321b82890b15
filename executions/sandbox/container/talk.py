"""A run with a watcher: passes its frames on, sends it input, and ends it when the watcher stops it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from executions.sandbox.console import Asked, Console
from executions.sandbox.container.stream import Frame, FrameStream
from executions.sandbox.timing import Allowance, Deadline
from guest import protocol

SILENCE_SECONDS = 3.0
"""A supervisor reports each second that its program still waits. If it is silent for this long, it gets no CPU time."""

ON_THE_WAY_SECONDS = 0.1
"""The supervisor stops its clock a little before its report and starts it a little after our answer, at each wait."""

STOP_SECONDS = 0.7
"""How long a container may take to report the result of a run that was stopped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a program may wait for one input, and in total."""

    seconds: float
    seconds_in_all: float


class Slot:
    """The permission to run, which a program that waits for input has lent to others.

    `wait_for_slot` returns when the program may run again.
    """

    def __init__(self, wait_for_slot: Callable[[], None]) -> None:
        self._wait_for_slot = wait_for_slot
        self.is_held = False

    def take_back(self) -> None:
        """Get the slot back before the program goes on. Does nothing if it is already held."""
        if not self.is_held:
            self._wait_for_slot()
            self.is_held = True


@dataclass(frozen=True, slots=True)
class Talk:
    """The console of a submission, the limits of its waits, and how to lend its slot to others meanwhile."""

    console: Console
    patience: Patience
    without_slot: Callable[[], AbstractContextManager[Slot]]

    def frames(self, stream: FrameStream, allowance: Allowance, is_main: bool) -> Iterator[Frame]:
        """Yield all frames of a run except WAIT; send it input, and end it when the console is stopped.

        Raises TimeoutError at the deadline of `allowance`, which moves by the time that the program waits.
        """
        seconds_left = self.patience.seconds_in_all
        while True:
            frame = stream.receive_or_wake(allowance.deadline, self.console.fileno())
            if frame == (protocol.WAIT, protocol.WAITS) and is_main and self.console.is_interactive:
                began = time.monotonic()
                yield from self._wait_for_input(stream, min(self.patience.seconds, seconds_left))
                waited_seconds = time.monotonic() - began
                seconds_left -= waited_seconds
                allowance.move(waited_seconds + ON_THE_WAY_SECONDS)
            elif frame == (protocol.WAIT, protocol.GOES_ON):
                self.console.end_waiting()
            elif frame is not None and frame[0] != protocol.WAIT:
                yield frame
            elif frame is None and self._pass_on(stream, is_main):
                allowance.end_within(STOP_SECONDS)

    def _wait_for_input(self, stream: FrameStream, seconds: float) -> Iterator[Frame]:
        """Yield frames until the program goes on, input comes, or the wait is over."""
        self.console.put(Asked())
        ends = Deadline.after(seconds)
        with self.without_slot() as slot:
            while True:
                if not self.console.may_wait:  # the supervisor reports each second, so this is seen soon
                    ends = Deadline.after(0)
                silence_ends = Deadline.after(SILENCE_SECONDS)
                try:
                    frame = stream.receive_or_wake(min(ends, silence_ends), self.console.fileno())
                except TimeoutError:
                    if silence_ends < ends:
                        raise
                    if self.console.give_up():
                        stream.send(protocol.pack_frame(protocol.GIVE_UP))
                        return
                    frame = None  # input came at the last moment
                if frame is None:
                    if not self.console.is_stopped:
                        slot.take_back()
                    return
                if frame == (protocol.WAIT, protocol.GOES_ON):
                    self.console.end_waiting()
                    return
                if frame[0] != protocol.WAIT:
                    yield frame

    def _pass_on(self, stream: FrameStream, is_main: bool) -> bool:
        """Send input to the run; return whether the run is to end."""
        for text in self.console.take_input():
            if is_main:
                stream.send(protocol.pack_frame(protocol.INPUT, text))
        if self.console.is_stopped:
            stream.end_sending()
        return self.console.is_stopped
