"""A piece of memory that the child shares with the supervisor: there a failed program leaves what is told of its error.

It is no descriptor and no file: there is nothing to be found open, to be filled, or to be replaced by a link or a pipe,
and it works when the disk is full and no descriptor is left. See docs/decisions/0011-error-detail.md.
"""

from __future__ import annotations

import ctypes
import os

from guest import protocol

# sys/mman.h. Not the module `mmap`: to load it takes a millisecond, in every container.
PROT_READ_AND_WRITE = 0x3
MAP_SHARED_ANONYMOUS = 0x21

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


class Mailbox:
    """The memory. Forked processes share it; the supervisor reads and wipes it only when all of them are dead."""

    def __init__(self) -> None:
        size, offset = ctypes.c_size_t(protocol.DETAIL_BYTES), ctypes.c_long(0)
        address = _libc.mmap(None, size, PROT_READ_AND_WRITE, MAP_SHARED_ANONYMOUS, -1, offset)
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._memory = (ctypes.c_ubyte * protocol.DETAIL_BYTES).from_address(address)
        self.view = memoryview(self._memory)

    def put(self, data: bytes) -> None:
        """Leave `data`, of which no more is kept than there is room for."""
        ctypes.memmove(self._memory, data, min(len(data), protocol.DETAIL_BYTES))

    def wipe(self) -> None:
        """Make it all zeros."""
        ctypes.memset(self._memory, 0, protocol.DETAIL_BYTES)
