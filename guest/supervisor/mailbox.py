"""Memory that the child shares with the supervisor, which passes its content on unread.

It is neither a descriptor nor a file: a program cannot find it open, fill it up, or replace it by a link or a pipe,
and it works when the disk is full and no descriptor is left. See docs/decisions/0011-error-detail.md and
0026-verdicts.md.
"""

from __future__ import annotations

import ctypes
import os

from guest import protocol

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

# sys/mman.h. Not the module `mmap`: loading it takes a millisecond, in every container.
PROT_READ_AND_WRITE = 0x3
MAP_SHARED_ANONYMOUS = 0x21
MAP_FIXED = 0x10

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


class SharedMemory:
    """The memory, at first zeros. Forked processes share it; it is renewed once all of them are dead."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._memory = (ctypes.c_ubyte * size).from_address(self._map(None, MAP_SHARED_ANONYMOUS))
        self.view = memoryview(self._memory).cast("B")

    def renew(self) -> None:
        """Put other memory, full of zeros, in its place: nothing about the old one can reach the next child."""
        self._map(ctypes.addressof(self._memory), MAP_SHARED_ANONYMOUS | MAP_FIXED)

    def _map(self, address: int | None, flags: int) -> int:
        got: int = _libc.mmap(
            ctypes.c_void_p(address), ctypes.c_size_t(self._size), PROT_READ_AND_WRITE, flags, -1, ctypes.c_long(0)
        )
        if got == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return got


class Mailbox(SharedMemory):
    """A failed program leaves the detail of its error here."""

    def __init__(self) -> None:
        super().__init__(protocol.DETAIL_BYTES + 1)
        self.detail = self.view[: protocol.DETAIL_BYTES]

    @property
    def answers(self) -> bool:
        """Whether the program's process says where it is when it gets a SIGURG: one byte more, which it sets."""
        return self.view[protocol.DETAIL_BYTES] != 0

    @answers.setter
    def answers(self, answers: bool) -> None:
        self.view[protocol.DETAIL_BYTES] = answers

    def put(self, data: bytes) -> None:
        """Write `data`, cut to the size of the mailbox, in the place of what is there."""
        ctypes.memmove(self._memory, data.ljust(protocol.DETAIL_BYTES, b"\0"), protocol.DETAIL_BYTES)


class Trace(SharedMemory):
    """The steps of a traced run, a suite's report or strokes: the length of what has been written, and then that."""

    def __init__(self) -> None:
        super().__init__(protocol.PREFIX.size + protocol.TRACE_BYTES)
        self._written_bytes = 0

    def put(self, data: bytes) -> bool:
        """Append `data`; return whether there was room. What is there stays whole, however the process ends."""
        start, end = self._written_bytes, self._written_bytes + len(data)
        if end > protocol.TRACE_BYTES:
            return False
        self.view[protocol.PREFIX.size :][start:end] = data
        protocol.PREFIX.pack_into(self.view, 0, protocol.TRACE, end)
        self._written_bytes = end
        return True

    def pieces(self, start: int = 0) -> Iterator[memoryview]:
        """Yield what has been written after `start`, unread. A program can put anything here, but no more than fits."""
        _, size = protocol.PREFIX.unpack_from(self.view)
        whole = self.view[protocol.PREFIX.size :][:size]
        for begin in range(start, len(whole), protocol.MAX_BODY_BYTES):
            yield whole[begin : begin + protocol.MAX_BODY_BYTES]


class TestPart(SharedMemory):
    """The test's own part, which comes only when the submission has run; at its end, the value of its call."""

    def __init__(self) -> None:
        super().__init__(protocol.PREFIX.size + protocol.TEST_PART_BYTES)

    def room_for(self, size: int) -> memoryview:
        """Note that the part has `size` bytes; return where to write them."""
        protocol.PREFIX.pack_into(self.view, 0, protocol.TEST_PART, size)
        return self.view[protocol.PREFIX.size :][:size]

    def read(self) -> str:
        """Return the part. Nothing keeps it: a frame or a global would show it to the submission."""
        _, size = protocol.PREFIX.unpack_from(self.view)
        return bytes(self.view[protocol.PREFIX.size :][:size]).decode()

    def put_value(self, data: bytes) -> None:
        """Put `data`, at most VALUE_BYTES, in the place of the part."""
        value = protocol.pack_frame(protocol.VALUE, data)
        ctypes.memmove(self._memory, value, len(value))

    def value(self) -> memoryview | None:
        """Return what `put_value` has been given, unread. A program can put anything here, but no more than fits."""
        kind, size = protocol.PREFIX.unpack_from(self.view)
        if kind != protocol.VALUE or size > protocol.VALUE_BYTES:
            return None
        return self.view[protocol.PREFIX.size :][:size]
