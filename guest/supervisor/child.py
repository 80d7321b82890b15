"""The process of a run, and the supervisor's ends of its pipes."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself would load enum and all that it needs
import os

from guest.supervisor.confinement import OPEN_FILES, confine_child

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.forks import ForkHooks


class Child:
    """A process that waits for a task on its stdin. A descriptor of -1 is closed."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    @classmethod
    def start(cls, fork_hooks: ForkHooks) -> Child | None:
        """Fork; return None in the child, which has descriptors 0, 1 and 2 and no others."""
        pipes = [os.pipe() for _ in range(3)]
        (stdin_reader, stdin), (stdout, stdout_writer), (stderr, stderr_writer) = pipes
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for target, source in enumerate((stdin_reader, stdout_writer, stderr_writer)):
                os.dup2(source, target)
            os.closerange(3, OPEN_FILES)
            confine_child()
            fork_hooks.hand_over()
            return None
        for descriptor in (stdin_reader, stdout_writer, stderr_writer):
            os.close(descriptor)
        for descriptor in (stdin, stdout, stderr):
            os.set_blocking(descriptor, False)
        return cls(pid, stdin, stdout, stderr)

    def discard(self) -> None:
        """Kill the child before it has received a task."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.close()

    def close_stdin(self) -> None:
        """Let the child read the end of its stdin."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        """Close our ends of the pipes."""
        self.close_stdin()
        os.close(self.stdout)
        os.close(self.stderr)
