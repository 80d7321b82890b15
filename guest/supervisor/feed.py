"""Feeds the child's stdin by splice(2), inside the kernel: the bytes never enter our memory."""

from __future__ import annotations

import os
import select
import time

from guest.supervisor.host import STDIN

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.child import Child
    from guest.supervisor.host import Host


FLOWING_SECONDS, ROOM_MILLISECONDS = 0.01, 1
"""How long to go on before looking at all else, and how long to wait for room in the child's pipe meanwhile."""


class Feed:
    """Feeds one run. `unfed_bytes` is how much of what the host has announced has not been moved yet."""

    def __init__(self, child: Child, host: Host, unfed_bytes: int, is_interactive: bool) -> None:
        self.unfed_bytes = unfed_bytes
        self._child = child
        self._host = host
        self._is_interactive = is_interactive  # more input may come while the program runs
        self._waits_for_host = False  # for more bytes, rather than for room in the child's pipe

    def register(self, poll: select.poll) -> None:
        """Have `poll` wait until bytes can be moved, for the host's next frame, and for the end of our stdin."""
        # Without POLLIN, poll still reports the end of our stdin.
        poll.register(STDIN, select.POLLIN if self._waits_for_host or not self.unfed_bytes else 0)
        if self._child.stdin >= 0 and self.unfed_bytes and not self._waits_for_host:
            poll.register(self._child.stdin, select.POLLOUT)

    def take(self, size: int) -> None:
        """Accept `size` bytes more, which the host has announced. 0 is the end of stdin."""
        self.unfed_bytes = size
        if not size:
            self.end()

    def move(self) -> None:
        """Move what has arrived, unread, as far as the child's pipe has room.

        Go on for a moment while the child makes room: files are many times as large as its pipe.
        """
        until = time.monotonic() + FLOWING_SECONDS
        while self._move_once() and time.monotonic() < until:
            room = select.poll()
            room.register(self._child.stdin, select.POLLOUT)
            room.poll(ROOM_MILLISECONDS)

    def _move_once(self) -> bool:
        """Return whether something was moved, and more is to follow."""
        try:
            self.unfed_bytes -= os.splice(STDIN, self._child.stdin, self.unfed_bytes, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            self._waits_for_host = not self._host.is_readable()
            return False
        except BrokenPipeError:  # the program has closed its stdin
            self.end()
            return False
        if self.unfed_bytes:
            return True
        self._waits_for_host = False
        if not self._is_interactive:
            self.end()
        return False

    def cancel(self) -> None:
        """Expect no more bytes: the host has closed our stdin."""
        self.unfed_bytes = 0

    def end(self) -> None:
        """Let the program read the end of its stdin."""
        self._waits_for_host = False
        self._child.close_stdin()
