"""What a run shows, told to the host. See `guest.program.shown` for the other side.

The child can make anything of its directory: it can put there a link, a pipe or a file that changes under our eyes. We
open only numbers, in the directory itself, and promise the host nothing about what is in them.
"""

from __future__ import annotations

import os
import stat

from guest import protocol

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[list[bytes | memoryview]], None]

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Images:
    """The images of one run. All pass through `buffer`, which is wiped, and are told by `write`, frame by frame."""

    def __init__(self, buffer: bytearray, write: Write) -> None:
        self._buffer = buffer
        self._write = write
        self._number = 0  # of the next
        self._room_bytes = protocol.IMAGE_BYTES

    def look(self) -> None:
        """Tell of what has been shown since the last look. Costs next to nothing where nothing is."""
        if self._number == protocol.COUNTED_IMAGES:
            return
        try:
            directory = os.open(protocol.IMAGE_DIRECTORY, OPEN | os.O_DIRECTORY)
        except OSError:
            return
        while self._number < protocol.COUNTED_IMAGES and self._tell_next(directory):
            self._number += 1
        os.close(directory)

    def _tell_next(self, directory: int) -> bool:
        """Tell of the next image; return whether there was one."""
        try:
            # Without waiting: neither for the other end of a pipe nor for whoever holds a lease.
            file = os.open(str(self._number), OPEN | os.O_NONBLOCK, dir_fd=directory)
        except FileNotFoundError:
            return False
        except OSError:  # a link, or not readable
            self._tell(protocol.IMAGE_DROPPED)
            return True
        found = os.fstat(file)
        fits = stat.S_ISREG(found.st_mode) and 0 < found.st_size <= self._room_bytes and self._number < protocol.IMAGES
        if not fits or not self._send(file, found.st_size):
            self._tell(protocol.IMAGE_DROPPED)
        os.close(file)
        return True

    def _send(self, file: int, size: int) -> bool:
        """Send the image in pieces; return whether it was there to its end."""
        self._room_bytes -= size
        with memoryview(self._buffer)[: protocol.MAX_BODY_BYTES - 1] as view:
            while size:
                taken = os.readv(file, [view[:size]])
                size -= taken
                if not taken:
                    return False
                self._tell(protocol.IMAGE_GOES_ON if size else protocol.IMAGE_ENDS, view[:taken])
                view[:taken] = bytes(taken)
        return True

    def _tell(self, what: bytes, data: bytes | memoryview = b"") -> None:
        self._write([protocol.PREFIX.pack(protocol.IMAGE, 1 + len(data)), what, data])
