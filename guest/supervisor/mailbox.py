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
MAP_FIXED = 0x10

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


class Mailbox:
    """The memory. Forked processes share it; the supervisor reads and renews it only once all of them are dead."""

    def __init__(self) -> None:
        self._address = _map(None, MAP_SHARED_ANONYMOUS)
        self._memory = (ctypes.c_ubyte * protocol.DETAIL_BYTES).from_address(self._address)
        self.view = memoryview(self._memory)

    def put(self, data: bytes) -> None:
        """Write `data`, cut to the size of the mailbox."""
        ctypes.memmove(self._memory, data, min(len(data), protocol.DETAIL_BYTES))

    def renew(self) -> None:
        """Put other memory, full of zeros, in its place: nothing about the old one can reach the next child."""
        _map(self._address, MAP_SHARED_ANONYMOUS | MAP_FIXED)


def _map(address: int | None, flags: int) -> int:
    """Map new memory, with MAP_FIXED in place of what is at `address`; return where it is."""
    size, offset = ctypes.c_size_t(protocol.DETAIL_BYTES), ctypes.c_long(0)
    mapped = _libc.mmap(ctypes.c_void_p(address), size, PROT_READ_AND_WRITE, flags, -1, offset)
    if mapped == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(mapped)
