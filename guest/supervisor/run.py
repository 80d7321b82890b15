"""One run, from its task to the end of its last process."""

from __future__ import annotations

import os
import select
import time

from guest import protocol
from guest.supervisor.feed import Feed
from guest.supervisor.host import STDIN
from guest.supervisor.images import Images
from guest.supervisor.outputs import Outputs
from guest.supervisor.processes import Processes

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.cgroup import Cgroup
    from guest.supervisor.child import Child
    from guest.supervisor.collected import Collected
    from guest.supervisor.host import Host
    from guest.supervisor.mailbox import Mailbox, TestPart, Trace
    from guest.supervisor.waiting import Waiting
    from guest.supervisor.watch import Watch

OUTPUT_TICK_SECONDS = 0.02
"""Output is read at most this often, so that many short lines wake us only once."""

LOOK_SECONDS = 0.05
"""Refused forks are checked at least this often: in a fork storm we may get no CPU time later to report them."""

LOOK_AT_LOCKS_SECONDS = 0.5
"""How often to count file locks. We wait 10 ms for the kernel each time; a run can add 2 MB of locks in between."""

LOOK_FOR_WAIT_SECONDS = 0.02
"""How often to check whether an interactive run waits. While it waits, input wakes us."""

ASK_SECONDS = 0.5
"""How long before its deadline to ask the program where it is: more than a period of the CPU limit, so that it gets to
answer. After half of its time, if that is later."""

NEVER = float("inf")

LEAST_DELAY_SECONDS = 0.1
"""A deadline moves by no less than this, so that it does not move for ever."""


class Run:
    """Feeds the child, passes on its output, and ends it at its deadline or when it floods."""

    def __init__(
        self,
        child: Child,
        request: tuple[float, int, int, bool, int],
        host: Host,
        cgroup: Cgroup,
        watch: Watch,
        wakeup: int,
        part: TestPart,
        trace: Trace,
    ) -> None:
        timeout_seconds, feed_bytes, self._task_kind, is_interactive, names_bytes = request
        self._child = child
        self._host = host
        self._cgroup = cgroup
        self._watch = watch
        self._wakeup = wakeup
        self._part = part
        self._trace = trace
        # The names come before what is for the child.
        self._collected = self._take_names(names_bytes) if names_bytes else None
        self._feed = Feed(child, host, feed_bytes, is_interactive)
        self._outputs = Outputs(child, host)
        self._images = Images(host)
        self._processes = Processes(child.pid, cgroup)
        self._waiting = self._begin_waiting() if is_interactive else None
        self._drawn_bytes = 0
        self._flags: set[str] = set()
        self._stops = 0  # how often the child has stopped itself
        self._ended_for: str | None = None  # the status, if we end the run for another reason than a flood
        self._started = time.monotonic()
        self._deadline = self._started + timeout_seconds
        self._lead_seconds = min(ASK_SECONDS, timeout_seconds / 2)
        self._asks_at = self._deadline - self._lead_seconds
        self._longest_delay_seconds = timeout_seconds
        self._moved_seconds = 0.0  # how far the deadline has moved because others had the processors

    def _begin_waiting(self) -> Waiting:
        from guest.supervisor import waiting  # few runs need it, and under load no container has loaded it

        return waiting.Waiting(self._child.stdin, self._processes)

    def _take_names(self, names_bytes: int) -> Collected:
        from guest.supervisor import collected  # few runs need it

        return collected.Collected(self._host, names_bytes)

    def perform(self, mailbox: Mailbox) -> None:
        """Perform the run and send its result. None of its processes is left then."""
        oom_kills = self._cgroup.oom_kills()
        self._watch.begin()
        self._supervise(mailbox)
        wall_seconds = time.monotonic() - self._started
        if self._waiting is not None:
            wall_seconds -= self._waiting.seconds
        for flag in self._watch.look_at_waiting_calls():
            self._send_flag(flag)
        self._processes.kill_all()
        self._send_flag(self._watch.look_at_forks())
        self._outputs.drain()
        self._send_drawing()
        self._images.send_new()
        if self._collected is not None and self._ended_for != "cancelled":
            self._collected.send()
        self._child.close()
        self._host.discard(self._feed.unfed_bytes)
        status = self._status(self._cgroup.oom_kills() > oom_kills)
        if status in ("error", "timeout"):
            self._host.send(protocol.DETAIL, mailbox.detail)  # unread
        elif self._stops and self._task_kind in protocol.KINDS_WITH_PART:
            self._send_value()
        if self._task_kind == protocol.TRACED or self._task_kind in protocol.SUITES:
            for piece in self._trace.pieces():
                self._host.send(protocol.TRACE, piece)  # unread
        mailbox.renew()
        self._part.renew()
        self._trace.renew()
        self._send_result(status, wall_seconds)

    def _send_value(self) -> None:
        value = self._part.value()
        if value is not None:
            self._host.send(protocol.VALUE, value)  # unread

    def _send_drawing(self) -> None:
        """Send what a watched run has written about its strokes since the last look."""
        if self._task_kind == protocol.WATCHED:
            for piece in self._trace.pieces(self._drawn_bytes):
                self._drawn_bytes += len(piece)
                self._host.send(protocol.DRAWING, piece)  # unread

    def _send_result(self, status: str, wall_seconds: float) -> None:
        result = protocol.pack_result(
            status,
            self._processes.exit_code(),
            self._processes.signal_number(),
            wall_seconds,
            self._processes.delayed_seconds,
            self._processes.cpu_seconds,
            self._processes.memory_peak_kb,
            self._outputs.is_truncated,
            self._host.frames_sent,
        )
        self._host.send_frame(result)

    def _supervise(self, mailbox: Mailbox) -> None:
        """Feed and read the child until it ends, reaches its deadline or floods."""
        next_read = 0.0
        next_look_at_locks = self._started + LOOK_AT_LOCKS_SECONDS
        look_seconds = LOOK_SECONDS
        while self._processes.child_status is None and self._ended_for is None and not self._outputs.is_flooded:
            if self._waiting is not None:
                look_seconds = self._look_at_waiting(self._waiting)
            now = time.monotonic()
            if now >= self._deadline and not self._extend_deadline():
                self._ended_for = "timeout"
                return
            if now >= self._asks_at and mailbox.answers and not (self._waiting and self._waiting.is_on):
                self._asks_at = NEVER
                self._processes.ask_child()
            if now >= next_look_at_locks:
                next_look_at_locks = now + LOOK_AT_LOCKS_SECONDS
                if self._watch.locks.are_too_many():
                    self._ended_for = "memory_limit"
                    return
            self._send_flag(self._watch.look_at_forks())
            self._send_drawing()
            self._images.send_new()
            until = min(self._deadline, now + look_seconds, next_read if now < next_read else self._deadline)
            # One millisecond more: poll rounds down, and would spin during the last one.
            ready = self._poll(with_outputs=now >= next_read).poll((until - now) * 1000 + 1)
            for descriptor, event in ready:
                self._handle(descriptor, event)
                if descriptor in self._outputs:
                    next_read = time.monotonic() + OUTPUT_TICK_SECONDS

    def _poll(self, with_outputs: bool) -> select.poll:
        """Return a poll of all that can happen next."""
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if self._watch.listener is not None:
            poll.register(self._watch.listener, select.POLLIN)
        self._feed.register(poll)
        if with_outputs:
            for descriptor in self._outputs.unfinished:
                poll.register(descriptor, select.POLLIN)
        return poll

    def _handle(self, descriptor: int, event: int) -> None:
        if descriptor == self._wakeup:
            try:
                os.read(self._wakeup, 4096)
            except BlockingIOError:  # under gVisor a program can open it, and be the first to read
                pass
            for _ in self._processes.reap():
                self._note_stop()
        elif descriptor in self._outputs:
            self._outputs.read(descriptor)
        elif descriptor == self._watch.listener:
            self._send_flag(self._watch.look_at_call())
        elif descriptor == STDIN and event & select.POLLHUP:
            self._cancel()
        elif descriptor == STDIN and not self._feed.unfed_bytes:
            self._take_input()
        else:
            self._feed.move()

    def _send_flag(self, flag: str | None) -> None:
        """Send each flag once in a run, and at once: in a fork storm we may get no CPU time to send a result."""
        if flag is not None and flag not in self._flags:
            self._flags.add(flag)
            self._host.send(protocol.FLAG, flag.encode())

    def _look_at_waiting(self, waiting: Waiting) -> float:
        """Check whether the run waits for input, and tell the host; return the seconds until the next check."""
        waited_seconds = waiting.seconds
        word = waiting.look(-1 if self._feed.unfed_bytes else self._child.stdin)
        if waiting.seconds > waited_seconds:
            self._move_deadline(waiting.seconds - waited_seconds)
        if word == protocol.WAITS:
            self._outputs.read_all()  # send its output before the WAIT frame
        if word is not None:
            self._host.send(protocol.WAIT, word)
        return LOOK_SECONDS if waiting.is_on else LOOK_FOR_WAIT_SECONDS

    def _extend_deadline(self) -> bool:
        """Move the deadline by what other work on the machine has kept from the run since its start; return whether."""
        self._processes.measure_delay()
        delayed_seconds = min(self._processes.delayed_seconds, self._longest_delay_seconds)
        if delayed_seconds < self._moved_seconds + LEAST_DELAY_SECONDS:
            return False
        if not self._moved_seconds:
            self._host.send(protocol.LATER)
        self._move_deadline(delayed_seconds - self._moved_seconds)
        self._moved_seconds = delayed_seconds
        return True

    def _move_deadline(self, seconds: float) -> None:
        self._deadline += seconds
        self._asks_at = self._deadline - self._lead_seconds

    def _take_input(self) -> None:
        """Handle an INPUT or GIVE_UP frame."""
        if self._waiting is None:
            os._exit(0)  # the host must not send anything now
        kind, size = self._host.receive_prefix(protocol.INPUT, protocol.GIVE_UP)
        if kind == protocol.GIVE_UP:
            self._ended_for = "timeout"
        else:
            self._feed.take(size)

    def _cancel(self) -> None:
        """End the run: the host has closed our stdin."""
        self._host.stop_blocking()  # if it is dead, our last frames must not wait for it
        self._feed.cancel()
        self._ended_for = "cancelled"

    def _note_stop(self) -> None:
        """Report that a test's own part begins or ends: the child stops itself at each."""
        self._stops += 1
        if self._task_kind not in protocol.TESTS:
            return
        if self._stops == 1:
            self._outputs.begin_again()
            self._host.send(protocol.TEST)
            if self._task_kind in protocol.KINDS_WITH_PART:
                self._take_part()
        elif self._stops == 2:
            self._host.send(protocol.TESTED)

    def _take_part(self) -> None:
        """Take the test's own part from the host into shared memory, unread, while the child is stopped. Nothing comes
        before it, because the child has read all of its stdin before it ran the submission."""
        if not self._host.is_readable(max(0.0, self._deadline - time.monotonic())):
            self._ended_for = "timeout"
            return
        _, size = self._host.receive_prefix(protocol.TEST_PART)
        self._host.receive_into(self._part.room_for(size))

    def _status(self, has_memory_kill: bool) -> str:
        """Return how the run ended. Our own kill takes precedence, then an OOM kill, then the exit status: a program
        can exit with any code, and may exit with 0 after one of its processes was killed for memory."""
        if self._ended_for is not None:
            return self._ended_for
        if self._outputs.is_flooded:
            return "output_limit"
        if has_memory_kill:
            return "memory_limit"
        return "success" if self._processes.child_status == 0 else "error"
