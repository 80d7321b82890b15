"""What the child gets on its stdin: moved there from our stdin inside the kernel, and so never in our memory."""

from __future__ import annotations

import os
import select

from guest.supervisor.host import STDIN

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.supervisor.child import Child
    from guest.supervisor.host import Host


class Feed:
    """The feeding of one run. `unfed_bytes` is how much of what the host has announced has not been moved yet."""

    def __init__(self, child: Child, host: Host, unfed_bytes: int, is_interactive: bool) -> None:
        self.unfed_bytes = unfed_bytes
        self._child = child
        self._host = host
        self._is_interactive = is_interactive  # more input may come while the program runs
        self._waits_for_host = False  # for more to move, rather than for room in the child's pipe

    def register(self, poll: select.poll) -> None:
        """Wait for what can be moved next, for the host's next frame, and for the end of our stdin."""
        # Without POLLIN, poll still reports the end of our stdin.
        poll.register(STDIN, select.POLLIN if self._waits_for_host or not self.unfed_bytes else 0)
        if self._child.stdin >= 0 and self.unfed_bytes and not self._waits_for_host:
            poll.register(self._child.stdin, select.POLLOUT)

    def move(self) -> None:
        """Move what has arrived, unread, as far as the child's pipe has room."""
        try:
            self.unfed_bytes -= os.splice(STDIN, self._child.stdin, self.unfed_bytes, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            self._waits_for_host = not self._host.is_readable()
            return
        except BrokenPipeError:  # the program has closed its stdin
            self.end()
            return
        if not self.unfed_bytes:
            self._waits_for_host = False
            if not self._is_interactive:
                self.end()

    def end(self) -> None:
        """Let the program read the end of its stdin."""
        self._waits_for_host = False
        self._child.close_stdin()
