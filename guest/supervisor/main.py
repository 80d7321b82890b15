"""PID 1 of a container: holds a process with a loaded interpreter ready, feeds it one program, tells what it did.

Frames come on stdin and go to stdout (see `guest.protocol`). At the end of stdin the supervisor ends the run, says what
it cost to whoever may still listen, and exits: a container does not outlive the connection of its owner.

Every child is a fork of this process and so has a copy of its memory. What belongs to one run must therefore never
be in it: code and stdin go from our stdin to the child's inside the kernel, and output through one buffer that is
wiped, so that no test of a submission can look for what an earlier one brought.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself would load enum and all that it needs
import gc
import os
import select
import sys
import time

from guest import protocol
from guest.program import task
from guest.supervisor import confinement, forks, images, mailbox, scratch, watch
from guest.supervisor.child import Child

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    import resource
    from typing import NoReturn

    from guest.supervisor.waiting import Waiting

FLOOD_BYTES = 1024 * 1024
"""What a run may write to both streams together before it is ended."""

OUTPUT_TICK_SECONDS = 0.02
"""Output is read at most this often: a program that prints many short lines wakes us once for all of them."""

LOOK_SECONDS = 0.05
"""Refused forks are looked for at least this often: soon, nobody may come to run who could tell of them."""

REAPED_AT_ONCE = 100
"""Whoever makes processes as fast as they are collected gains no time by it."""

LOOK_FOR_WAIT_SECONDS = 0.02
"""How often to look whether an interactive run waits. While it does, input wakes us."""

IDLE_SECONDS_BEFORE_PRELOAD = 0.1
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")  # cgroup v2, v1

_buffer = bytearray(protocol.MAX_BODY_BYTES)
"""All that is ever read from our stdin or from a program goes through here."""

_frames_written = 0
"""How many frames the host has been told."""

_mailbox = mailbox.Mailbox()
"""Where a program's process leaves what is told of its error."""

# What lessons import, and what we need for some of them: loaded once here, free in every child.
PRELOADED = (
    "linecache traceback ast warnings abc array bisect calendar collections contextlib copy csv dataclasses datetime "
    "decimal enum fractions functools heapq inspect io itertools json math operator os pathlib pprint queue random re "
    "statistics string sys tempfile textwrap time types typing unittest guest.supervisor.waiting"
).split()


def main() -> NoReturn:
    """Serve runs until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python handles it, so a child could interrupt us with it
    watcher = watch.Watch(confinement.confine_supervisor())
    wakeup = _wake_on_child()
    if sys.argv[1:] == ["science"]:
        _load_science()
    gc.freeze()  # a collection in a child would otherwise write to, and so copy, every page
    child = Child.start()
    if child is None:
        task.run_task(_mailbox)
    _write([protocol.pack_frame(protocol.READY)])
    if _preload_while_idle():
        child.discard()
        child = Child.start()
    while child is not None:
        timeout_seconds, feed_bytes, is_test, is_interactive = _receive_request()
        supervision = _Supervision(child, timeout_seconds, feed_bytes, is_test, wakeup, watcher)
        if is_interactive:
            supervision.be_interactive()
        _write([supervision.result()])
        scratch.sweep()
        child = Child.start()
    task.run_task(_mailbox)


def _load_science() -> None:
    from guest.program import science

    forks.load_threading()
    science.load()
    scratch.sweep()  # matplotlib makes directories


def _wake_on_child() -> int:
    """Return a descriptor that becomes readable when a child stops or ends."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _preload_while_idle() -> bool:
    """Load what lessons import; stop as soon as a request arrives. Return whether all is loaded.

    Under load a container is taken as soon as it is ready, and loading more would cost the others' time.
    """
    if _is_readable(IDLE_SECONDS_BEFORE_PRELOAD):
        return False
    forks.load_threading()
    for name in PRELOADED:
        __import__(name)
        if _is_readable(0):
            return False
    gc.collect()
    gc.freeze()
    return True


class _Output:
    """One output stream of a run: its head goes to the host as it comes, the rest is counted."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self.begin()

    def begin(self) -> None:
        """Start anew, as if nothing had been written."""
        self._sent_bytes = 0
        self.truncated = False

    def add(self, data: memoryview) -> None:
        """Take what the stream gave."""
        head = data[: protocol.STREAM_KEPT_BYTES - self._sent_bytes]
        self._sent_bytes += len(head)
        self.truncated = self.truncated or len(head) < len(data)
        if head:
            _write([protocol.PREFIX.pack(self._kind, len(head)), head])


class _Supervision:
    """One run, from its task to the death of its last process."""

    def __init__(
        self,
        child: Child,
        timeout_seconds: float,
        feed_bytes: int,
        is_test: bool,
        wakeup: int,
        watcher: watch.Watch,
    ) -> None:
        self._child = child
        self._is_test = is_test
        self._wakeup = wakeup
        self._watch = watcher
        self._flags: set[str] = set()
        self._unfed_bytes = feed_bytes
        self._timeout_seconds = timeout_seconds
        self._outputs = {child.stdout: _Output(protocol.STDOUT), child.stderr: _Output(protocol.STDERR)}
        self._unfinished = set(self._outputs)
        self._images = images.Images(_buffer, _write)
        self._written_bytes = 0  # of both streams
        self._ended_for: str | None = None  # our own reason to end the run
        self._wait_status: int | None = None
        self._stops = 0  # of the child by itself
        self._cpu_seconds = 0.0
        self._memory_peak_kb = 0
        self._feeds_from_host = False  # waits for more of what the child is to get, rather than for the child
        self._deadline = 0.0
        self._waiting: Waiting | None = None  # of an interactive run

    def be_interactive(self) -> None:
        """Let the run be fed while it runs, and wait for a person."""
        from guest.supervisor import waiting  # few runs do, and under load no container has it

        self._waiting = waiting.Waiting(self._child.stdin)

    def result(self) -> bytes:
        """Carry out the run and return its result frame."""
        started = time.monotonic()
        self._deadline = started + self._timeout_seconds
        oom_kills = _oom_kills()
        self._watch.begin()
        self._supervise()
        wall_seconds = time.monotonic() - started
        if self._waiting is not None:
            wall_seconds -= self._waiting.seconds
            self._waiting.close()
        for seen in self._watch.look_at_waiting_calls():
            self._tell(seen)
        self._kill_all()
        self._tell(self._watch.look_at_forks())
        self._drain()
        self._images.look()
        self._child.close()
        _discard(self._unfed_bytes)
        status = self._status(_oom_kills() > oom_kills)
        _pass_on_detail(has_failed=status == "error")
        return protocol.pack_result(
            status,
            self._exit_code(),
            self._signal_number(),
            wall_seconds,
            self._cpu_seconds,
            self._memory_peak_kb,
            any(output.truncated for output in self._outputs.values()),
            _frames_written,
        )

    def _supervise(self) -> None:
        """Feed and read the child until it ends, its time is over or it floods."""
        next_read = 0.0
        look_seconds = LOOK_SECONDS
        while self._wait_status is None and self._ended_for is None:
            if self._waiting is not None:
                look_seconds = self._look_at_waiting(self._waiting)
            now = time.monotonic()
            if now >= self._deadline:
                self._ended_for = "timeout"
                return
            self._tell(self._watch.look_at_forks())
            self._images.look()
            until = min(self._deadline, now + look_seconds, next_read if now < next_read else self._deadline)
            # One millisecond more: poll rounds down, and would spin through the last one.
            ready = self._poll(with_outputs=now >= next_read).poll((until - now) * 1000 + 1)
            for descriptor, event in ready:
                self._handle(descriptor, event)
                if descriptor in self._outputs:
                    next_read = time.monotonic() + OUTPUT_TICK_SECONDS

    def _poll(self, with_outputs: bool) -> select.poll:
        """Return what to wait for in the present state."""
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if self._watch.listener is not None:
            poll.register(self._watch.listener, select.POLLIN)
        # Even without POLLIN it tells of its end.
        poll.register(0, select.POLLIN if self._feeds_from_host or not self._unfed_bytes else 0)
        if self._child.stdin >= 0 and self._unfed_bytes and not self._feeds_from_host:
            poll.register(self._child.stdin, select.POLLOUT)
        if with_outputs:
            for descriptor in self._unfinished:
                poll.register(descriptor, select.POLLIN)
        return poll

    def _handle(self, descriptor: int, event: int) -> None:
        if descriptor == self._wakeup:
            try:
                os.read(self._wakeup, 4096)
            except BlockingIOError:  # under gVisor a program can open it, and be the first to read
                pass
            self._reap()
        elif descriptor in self._outputs:
            self._read(descriptor)
        elif descriptor == self._watch.listener:
            self._tell(self._watch.look_at_call())
        elif descriptor == 0 and event & select.POLLHUP:
            self._let_go()
        elif descriptor == 0 and not self._unfed_bytes:
            self._take_input()
        else:
            self._feed()

    def _tell(self, seen: str | None) -> None:
        """Tell the host what the watch saw, once in a run, and at once: a storm may let us come to no result."""
        if seen is not None and seen not in self._flags:
            self._flags.add(seen)
            _write([protocol.pack_frame(protocol.FLAG, seen.encode())])

    def _look_at_waiting(self, waiting: Waiting) -> float:
        """See whether the run waits for a person, and tell the host; return after how long to look again."""
        waited_seconds = waiting.seconds
        word = waiting.look(-1 if self._unfed_bytes else self._child.stdin)
        self._deadline += waiting.seconds - waited_seconds
        if word == protocol.WAITS:
            for descriptor in self._outputs:  # what it has printed goes before
                self._read_all(descriptor)
        if word is not None:
            _write([protocol.pack_frame(protocol.WAIT, word)])
        return LOOK_SECONDS if waiting.is_on else LOOK_FOR_WAIT_SECONDS

    def _take_input(self) -> None:
        """Begin to feed what the host has sent since, or end the feeding or the run."""
        if self._waiting is None:
            os._exit(0)  # the owner speaks out of turn
        kind, self._unfed_bytes = _receive_prefix(protocol.INPUT, protocol.GIVE_UP)
        if kind == protocol.GIVE_UP:
            self._ended_for = "timeout"
        elif not self._unfed_bytes and self._child.stdin >= 0:
            self._end_feeding()

    def _let_go(self) -> None:
        """End the run: the owner has closed our stdin. If it is dead, no last word of ours may hold us up."""
        os.set_blocking(1, False)
        self._unfed_bytes = 0
        self._ended_for = "cancelled"

    def _feed(self) -> None:
        """Move what there is from our stdin to the child's, unread."""
        try:
            self._unfed_bytes -= os.splice(0, self._child.stdin, self._unfed_bytes, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            self._feeds_from_host = not _is_readable(0)
            return
        except BrokenPipeError:  # the program has closed its stdin
            self._end_feeding()
            return
        if not self._unfed_bytes:
            self._feeds_from_host = False
            if self._waiting is None:
                self._end_feeding()

    def _end_feeding(self) -> None:
        self._feeds_from_host = False
        os.close(self._child.stdin)
        self._child.stdin = -1

    def _read(self, descriptor: int) -> int:
        """Take what the stream holds, at most a pipe's capacity; return the number of bytes."""
        try:
            size = os.readv(descriptor, [_buffer])
        except BlockingIOError:
            return 0
        if not size and descriptor in self._unfinished:
            self._unfinished.remove(descriptor)
        with memoryview(_buffer)[:size] as data:
            self._outputs[descriptor].add(data)
            data[:] = bytes(size)
        self._written_bytes += size
        if self._written_bytes > FLOOD_BYTES:
            self._ended_for = self._ended_for or "output_limit"
        return size

    def _read_all(self, descriptor: int) -> None:
        """Take what the stream holds now. More than once: a program can make its pipe larger than our buffer."""
        while self._read(descriptor) == len(_buffer) and self._ended_for is None:
            pass

    def _reap(self) -> None:
        """Collect processes that have stopped or ended, the orphans of the run among them."""
        for _ in range(REAPED_AT_ONCE):
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                if pid == self._child.pid:
                    self._pass_stop()
                continue
            self._account(usage)
            if pid == self._child.pid:
                self._wait_status = status
        signal.raise_signal(signal.SIGCHLD)  # there may be more, but first we look at the clock

    def _pass_stop(self) -> None:
        """Let the child go on. In a test it stops itself where the test's own part begins, and then where that ends."""
        self._stops += 1
        if self._is_test and self._stops == 1:
            self._begin_test()
        elif self._is_test and self._stops == 2:
            _write([protocol.pack_frame(protocol.TESTED)])
        os.kill(self._child.pid, signal.SIGCONT)

    def _begin_test(self) -> None:
        """Forget what was printed before the test's own part."""
        for descriptor, output in self._outputs.items():
            self._read_all(descriptor)
            output.begin()
        _write([protocol.pack_frame(protocol.TEST)])

    def _kill_all(self) -> None:
        """End every process but ourselves. The kernel signals all at once, so no fork slips through."""
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        while True:
            try:
                self._account(os.wait4(-1, 0)[2])
            except ChildProcessError:
                return

    def _account(self, usage: resource.struct_rusage) -> None:
        self._cpu_seconds += usage.ru_utime + usage.ru_stime
        self._memory_peak_kb = max(self._memory_peak_kb, usage.ru_maxrss)

    def _drain(self) -> None:
        for descriptor in self._outputs:
            while self._read(descriptor):
                pass

    def _status(self, memory_kill: bool) -> str:
        """Say how the run ended. Our own kill counts first, then the kernel's, then what the process says:
        user code can exit with any code, and one killed for memory may be survived by a parent that exits 0."""
        if self._ended_for is not None:
            return self._ended_for
        if memory_kill:
            return "memory_limit"
        return "success" if self._wait_status == 0 else "error"

    def _exit_code(self) -> int | None:
        if self._wait_status is None or not os.WIFEXITED(self._wait_status):
            return None
        return os.WEXITSTATUS(self._wait_status)

    def _signal_number(self) -> int | None:
        if self._wait_status is None or not os.WIFSIGNALED(self._wait_status):
            return None
        return os.WTERMSIG(self._wait_status)


def _open_oom_counter() -> int | None:
    for path in OOM_COUNTERS:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
    return None


_oom_counter = _open_oom_counter()
"""Kept open: to open it twice in a run would cost a tenth of what a short program takes."""


def _oom_kills() -> int:
    """Return how many processes of this container the kernel has killed for memory."""
    if _oom_counter is None:
        return 0
    counters = os.pread(_oom_counter, 4096, 0).split()
    return int(counters[counters.index(b"oom_kill") + 1]) if b"oom_kill" in counters else 0


def _is_readable(timeout_seconds: float) -> bool:
    return bool(select.select([0], [], [], timeout_seconds)[0])


def _receive_request() -> tuple[float, int, bool, bool]:
    """Read one RUN frame, after what came too late for the last run; exit at the end of stdin."""
    kind, length = _receive_prefix(protocol.RUN, protocol.INPUT, protocol.GIVE_UP)
    while kind != protocol.RUN:
        _discard(length)
        kind, length = _receive_prefix(protocol.RUN, protocol.INPUT, protocol.GIVE_UP)
    return protocol.unpack_run(_read_exactly(length))


def _receive_prefix(*wanted: int) -> tuple[int, int]:
    """Read a frame of one of the kinds up to its body; return its kind and the length of that."""
    kind, length = protocol.unpack_prefix(_read_exactly(protocol.PREFIX.size))
    if kind not in wanted:
        raise protocol.ProtocolError(f"a frame of kind {kind} in place of {wanted}")
    return kind, length


def _read_exactly(size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            os._exit(0)
        data += part
    return bytes(data)


def _pass_on_detail(has_failed: bool) -> None:
    """Tell the host of a failed program what it has left in the mailbox, all of it unread, and empty the mailbox."""
    if has_failed:
        _write([protocol.PREFIX.pack(protocol.DETAIL, protocol.DETAIL_BYTES), _mailbox.view])
    _mailbox.wipe()


def _discard(size: int) -> None:
    """Take from stdin what a program has left of its own."""
    if not size:
        return
    with memoryview(_buffer) as view:
        while size:
            taken = os.readv(0, [view[:size]])
            if not taken:
                os._exit(0)
            size -= taken
        view[:] = bytes(len(view))


def _write(parts: list[bytes | memoryview]) -> None:
    """Write one frame, which is all of `parts`, to the host."""
    global _frames_written
    _frames_written += 1
    written = os.writev(1, parts)
    for part in parts:
        rest = memoryview(part)[written:]
        written = max(0, written - len(part))
        while rest:
            rest = rest[os.write(1, rest) :]
