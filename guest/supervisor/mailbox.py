"""Memory that the child shares with the supervisor: a failed program puts the detail of its error there.

It is neither a descriptor nor a file: a program cannot find it open, fill it up, or replace it by a link or a pipe,
and it works when the disk is full and no descriptor is left. See docs/decisions/0011-error-detail.md.
"""

from __future__ import annotations

import ctypes
import os

from guest import protocol

# sys/mman.h. Not the module `mmap`: loading it takes a millisecond, in every container.
PROT_READ_AND_WRITE = 0x3
MAP_SHARED_ANONYMOUS = 0x21

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


class Mailbox:
    """The memory. Forked processes share it; the supervisor reads and wipes it only once all of them are dead."""

    def __init__(self) -> None:
        size, offset = ctypes.c_size_t(protocol.DETAIL_BYTES), ctypes.c_long(0)
        address = _libc.mmap(None, size, PROT_READ_AND_WRITE, MAP_SHARED_ANONYMOUS, -1, offset)
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._memory = (ctypes.c_ubyte * protocol.DETAIL_BYTES).from_address(address)
        self.view = memoryview(self._memory)

    def put(self, data: bytes) -> None:
        """Write `data`, cut to the size of the mailbox."""
        ctypes.memmove(self._memory, data, min(len(data), protocol.DETAIL_BYTES))

    def wipe(self) -> None:
        """Fill it with zeros."""
        ctypes.memset(self._memory, 0, protocol.DETAIL_BYTES)
