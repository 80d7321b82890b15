"""Sends the images that a run shows to the host. See `guest.program.shown` for the other side.

The child can put anything into its directory: a link, a pipe or a file that changes while we read it. We open only
files whose names are numbers, in the directory itself, and promise the host nothing about their content.
"""

from __future__ import annotations

import os
import stat

from guest import protocol

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.host import Host

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Images:
    """The images of one run. All pass through the host's buffer, which is wiped, and are sent frame by frame."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._number = 0  # of the next
        self._room_bytes = protocol.IMAGE_BYTES

    def send_new(self) -> None:
        """Send the images shown since the last call. Costs next to nothing if there are none."""
        if self._number == protocol.COUNTED_IMAGES:
            return
        try:
            directory = os.open(protocol.IMAGE_DIRECTORY, OPEN | os.O_DIRECTORY)
        except OSError:
            return
        while self._number < protocol.COUNTED_IMAGES and self._send_next(directory):
            self._number += 1
        os.close(directory)

    def _send_next(self, directory: int) -> bool:
        """Send the next image; return whether there was one."""
        try:
            # Wait neither for the other end of a pipe nor for the holder of a lease.
            file = os.open(str(self._number), OPEN | os.O_NONBLOCK, dir_fd=directory)
        except FileNotFoundError:
            return False
        except OSError:  # a link, or not readable
            self._host.send(protocol.IMAGE, protocol.IMAGE_DROPPED)
            return True
        found = os.fstat(file)
        fits = stat.S_ISREG(found.st_mode) and 0 < found.st_size <= self._room_bytes and self._number < protocol.IMAGES
        if fits:
            self._room_bytes -= found.st_size
        if not fits or not self._host.send_file(protocol.IMAGE, file, found.st_size):
            self._host.send(protocol.IMAGE, protocol.IMAGE_DROPPED)
        os.close(file)
        return True
