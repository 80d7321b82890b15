"""The file locks of a run. The kernel charges their memory to nobody and bounds their number nowhere: we do."""

from __future__ import annotations

import os

LOCKS = "/proc/locks"
"""Lists the locks of this container's processes, of all others none.

Nor those whose process has ended. By flock(2) a process can leave such locks to others that share its open files:
`watch` limits how many it takes. By fcntl(2) it cannot: the filter allows it no table of descriptors that outlives it.
"""

MOST_BYTES = 64 * 1024
"""Of the list: about a thousand locks."""


class Locks:
    """The list, which stays open. gVisor has none: there, locks are in the container's memory."""

    def __init__(self) -> None:
        self._list = os.open(LOCKS, os.O_RDONLY | os.O_CLOEXEC) if os.path.exists(LOCKS) else None
        self._page = bytearray(4096)

    def are_too_many(self) -> bool:
        """Return whether the list is longer than it may be. It is read no further, and holds the program's numbers."""
        if self._list is None:
            return False
        size = 0
        while size <= MOST_BYTES:
            read = os.preadv(self._list, [self._page], size)
            if not read:
                break
            size += read
        if size:
            self._page[:] = bytes(len(self._page))
        return size > MOST_BYTES
