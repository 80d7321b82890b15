"""How a wait for input ends, whatever the container does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from executions.sandbox.console import Console
from executions.sandbox.container.container import Container
from executions.sandbox.container.stream import FrameStream
from executions.sandbox.container.talk import Patience, Slot, Talk
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.timing import Allowance, Deadline
from guest import protocol
from tests.sandbox.answering import answering
from tests.sandbox.test_stream import frame, frames_of_run


class LastMomentConsole(Console):
    """A console that gets input between the end of the time and the check for input."""

    def give_up(self) -> bool:
        self.feed("Ada\n")
        return super().give_up()


@contextmanager
def without_slot() -> Iterator[Slot]:
    yield Slot(lambda: None)


def sent_to(console: Console, patience: Patience) -> bytes:
    """Return the bytes sent to a container that reports a wait and then nothing."""
    ours, theirs = socket.socketpair()
    stream = FrameStream(ours)
    theirs.sendall(frame(protocol.WAIT, protocol.WAITS))
    with pytest.raises(TimeoutError):
        list(Talk(console, patience, without_slot).frames(stream, Allowance(Deadline.after(0.2)), is_main=True))
    stream.close()
    with theirs:
        return b"".join(iter(lambda: theirs.recv(4096), b""))


@pytest.mark.parametrize("patience", [Patience(0.1, 60), Patience(60, 0.1), Patience(60, 0)])
def test_unanswered_program_gets_no_late_input(patience: Patience) -> None:
    console = Console(is_interactive=True)
    assert sent_to(console, patience) == protocol.pack_frame(protocol.GIVE_UP)
    assert (console.has_given_up, console.is_waiting, console.feed("Ada\n")) == (True, False, False)
    console.close()


def test_program_that_may_no_longer_wait_ends_at_its_next_wait() -> None:
    console = Console(is_interactive=True)
    console.may_wait = False
    assert sent_to(console, Patience(60, 60)) == protocol.pack_frame(protocol.GIVE_UP)
    assert console.has_given_up
    console.close()


@pytest.mark.parametrize(
    ("patience", "may_wait"), [(Patience(0.1, 60), True), (Patience(60, 0), True), (Patience(60, 60), False)]
)
def test_answer_at_the_last_moment_counts(patience: Patience, may_wait: bool) -> None:
    """Also of a program that may not wait at all: it was asked for ever whether it would give up."""
    console = LastMomentConsole(is_interactive=True)
    console.may_wait = may_wait
    assert sent_to(console, patience) == protocol.pack_frame(protocol.INPUT, b"Ada\n")
    assert (console.has_given_up, console.feed("more\n")) == (False, True)
    console.close()


@pytest.mark.parametrize("is_interactive", [False, pytest.param(True, marks=pytest.mark.wall("spotless"))])
def test_interactive_run_burns_the_container(is_interactive: bool) -> None:
    """It may have waited for minutes. A run that is only watched burns nothing."""
    ours, theirs = socket.socketpair()
    console = Console(is_interactive)
    container = Container("code_exec_test", "id", FrameStream(ours), lambda _: Cause.OTHER)
    with theirs, answering(theirs, frames_of_run() + frame(protocol.READY, b""), is_all=False):
        container.run("", "", None, timeout_seconds=1, talk=Talk(console, Patience(1, 1), without_slot))
        assert container.check_clean() is not is_interactive
    container.close()
    console.close()
