"""The processes of a run: reaping, resource usage, and killing all."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself would load enum and all that it needs
import os
import time

from guest.supervisor.cgroup import CPU_SHARE

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    import resource
    from collections.abc import Iterator

    from guest.supervisor.cgroup import Cgroup

REAPED_AT_ONCE = 100
"""A program that starts processes as fast as we reap them cannot keep us from checking the deadline."""

FREE_SHARE = 0.02
"""The share of a CPU that we use at most for looking after a run that asks nothing of us. What we use beyond is charged
to the run: a program can make us work, by calls that the kernel asks us about, signals, orphans and output."""


def wake_on_child() -> int:
    """Return a descriptor that becomes readable when a child stops or ends."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


class Processes:
    """The child of one run and all that it has started: orphans become our children, because we are PID 1."""

    def __init__(self, child_pid: int, cgroup: Cgroup) -> None:
        self._child_pid = child_pid
        self._cgroup = cgroup
        self.counts_cpu = cgroup.counts_cpu
        self._earlier_seconds = cgroup.cpu_seconds()
        self._own_earlier_seconds = time.process_time()
        self._started = time.monotonic()
        self._reaped_seconds = 0.0
        self.child_status: int | None = None  # of wait(2), once the child has ended
        self.memory_peak_kb = 0
        self.delayed_seconds = 0.0  # as last measured

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of all processes, also of those that the kernel reaped for a parent that ignored SIGCHLD.

        It includes ours beyond FREE_SHARE. Without the cgroup's counter, only processes count that we have reaped.
        """
        container_seconds = self._container_seconds()
        own_seconds = time.process_time() - self._own_earlier_seconds
        free_seconds = min(own_seconds, (time.monotonic() - self._started) * FREE_SHARE)
        return max(self._reaped_seconds, container_seconds - free_seconds)

    def _container_seconds(self) -> float:
        return self._cgroup.cpu_seconds() - self._earlier_seconds

    def measure_delay(self) -> None:
        """Measure for how long the child could have run, but other work on the machine had its share of a processor.

        The kernel counts the time in which the child's first thread ran or waited for a processor, also for the quota
        (proc(5), /proc/PID/schedstat). A share of that was due to the container: it was delayed by what it did not get.
        """
        try:
            with open(f"/proc/{self._child_pid}/schedstat", "rb", buffering=0) as file:
                running, waiting, _ = file.read(64).split()
        except OSError:  # it has been reaped, or the kernel does not count (gVisor)
            return
        ready_seconds = (int(running) + int(waiting)) * 1e-9
        used_seconds = max(self._reaped_seconds, self._container_seconds())
        self.delayed_seconds = max(0.0, ready_seconds - used_seconds / CPU_SHARE)

    def ask_child(self) -> None:
        """Ask the child where it is: see `guest.program.position`."""
        os.kill(self._child_pid, signal.SIGURG)

    def reap(self) -> Iterator[None]:
        """Reap processes that have stopped or ended; yield when the child has stopped, and then continue it."""
        self.measure_delay()  # while the child is there
        for _ in range(REAPED_AT_ONCE):
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                if pid == self._child_pid:
                    yield
                    os.kill(pid, signal.SIGCONT)
                continue
            self._account(usage)
            if pid == self._child_pid:
                self.child_status = status
        signal.raise_signal(signal.SIGCHLD)  # there may be more, but the deadline is checked first

    def kill_all(self) -> None:
        """Kill every process but ourselves. The kernel signals all at once, so no fork escapes."""
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        while True:
            try:
                self._account(os.wait4(-1, 0)[2])
            except ChildProcessError:
                return

    def exit_code(self) -> int | None:
        """Return the child's exit code; None if it was killed or has not been reaped."""
        if self.child_status is None or not os.WIFEXITED(self.child_status):
            return None
        return os.WEXITSTATUS(self.child_status)

    def signal_number(self) -> int | None:
        """Return the signal that killed the child; None if it exited or has not been reaped."""
        if self.child_status is None or not os.WIFSIGNALED(self.child_status):
            return None
        return os.WTERMSIG(self.child_status)

    def _account(self, usage: resource.struct_rusage) -> None:
        self._reaped_seconds += usage.ru_utime + usage.ru_stime
        self.memory_peak_kb = max(self.memory_peak_kb, usage.ru_maxrss)
