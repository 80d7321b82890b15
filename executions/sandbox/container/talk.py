"""A run that somebody watches: its frames as they come, while the person may answer it, or leave."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from executions.sandbox.console import Asked, Console
from executions.sandbox.container.slot import Slot
from executions.sandbox.container.stream import Frame, FrameStream
from executions.sandbox.deadline import Deadline
from guest import protocol

SILENCE_SECONDS = 3.0
"""A supervisor says each second that its program still waits. One that is silent for so long is starved."""

ON_THE_WAY_SECONDS = 0.1
"""The supervisor's clock stands from before it says so until after we have answered: by this much, for each wait."""

STOP_SECONDS = 0.7
"""How long a container may take to say what a run that was stopped has cost."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a program may wait for one input, and for all together."""

    seconds: float
    seconds_in_all: float


@dataclass(frozen=True, slots=True)
class Talk:
    """What one submission's runs need to be watched: the console, and the slot that a waiting program gives up."""

    console: Console
    patience: Patience
    without_slot: Callable[[], AbstractContextManager[Slot]]

    def frames(self, stream: FrameStream, deadline: Deadline, is_main: bool) -> Iterator[Frame]:
        """Yield what the supervisor tells of a run, all but its waits; feed the run, and end it when told to.

        Raises TimeoutError at the deadline, which is put off by the time for which the program waits.
        """
        seconds_left = self.patience.seconds_in_all
        while True:
            frame = stream.receive_or_wake(deadline, self.console.fileno())
            if frame == (protocol.WAIT, protocol.WAITS) and is_main and self.console.is_interactive:
                began = time.monotonic()
                yield from self._wait_for_a_person(stream, min(self.patience.seconds, seconds_left))
                waited_seconds = time.monotonic() - began
                seconds_left -= waited_seconds
                deadline = Deadline(deadline.at + waited_seconds + ON_THE_WAY_SECONDS)
            elif frame == (protocol.WAIT, protocol.GOES_ON):
                self.console.go_on()
            elif frame is not None and frame[0] != protocol.WAIT:
                yield frame
            elif frame is None and self._pass_on(stream, is_main):
                deadline = Deadline.after(STOP_SECONDS)

    def _wait_for_a_person(self, stream: FrameStream, seconds: float) -> Iterator[Frame]:
        """Yield what comes until the program goes on, there is something for it, or nobody has come in time."""
        self.console.put(Asked())
        ends = Deadline.after(seconds)
        with self.without_slot() as slot:
            while True:
                silence_ends = Deadline.after(SILENCE_SECONDS)
                try:
                    frame = stream.receive_or_wake(min(ends, silence_ends), self.console.fileno())
                except TimeoutError:
                    if silence_ends < ends:
                        raise
                    if self.console.give_up():
                        stream.send(protocol.pack_frame(protocol.GIVE_UP))
                        return
                    continue  # to what has come at the last moment
                if frame is None:
                    if not self.console.is_stopped:
                        slot.take_back()
                    return
                if frame == (protocol.WAIT, protocol.GOES_ON):
                    self.console.go_on()
                    return
                if frame[0] != protocol.WAIT:
                    yield frame

    def _pass_on(self, stream: FrameStream, is_main: bool) -> bool:
        """Send the run what is for it; return whether it is to end."""
        for text in self.console.take_input():
            if is_main:
                stream.send(protocol.pack_frame(protocol.INPUT, text))
        if self.console.is_stopped:
            stream.end_sending()
        return self.console.is_stopped
