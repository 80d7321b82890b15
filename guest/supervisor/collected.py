"""Sends the files that the host asks for, as the program has left them in its directory.

The names are the host's: a program cannot have another file read. Under such a name it can leave a link, a pipe or a
directory, of any size. All its processes are dead when we look, so nothing changes any more. The names are text of that
run (docs/decisions/0002-program-text-stays-in-the-kernel.md): they stay in a buffer, which is wiped.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat

from guest import protocol
from guest.program.main_module import DIRECTORY

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.host import Host

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class Collected:
    """The files of one run. All pass through the host's buffer, which is wiped, and are sent frame by frame."""

    def __init__(self, host: Host, names_bytes: int) -> None:
        """Take the names from the host, each of which ends with a NUL."""
        self._host = host
        self._names = (ctypes.c_ubyte * names_bytes)()
        self._room_bytes = protocol.COLLECTED_BYTES
        host.receive_into(memoryview(self._names).cast("B"))

    def send(self) -> None:
        """Send the files in the order of their names, and wipe the names."""
        directory = os.open(DIRECTORY, OPEN | os.O_DIRECTORY)
        start = 0
        while start < len(self._names):
            name = ctypes.c_void_p(ctypes.addressof(self._names) + start)
            file = _libc.openat(directory, name, OPEN | os.O_NONBLOCK)  # wait for no other end of a pipe
            if file >= 0:
                self._send_file(file)
                os.close(file)
            else:
                is_missing = ctypes.get_errno() == errno.ENOENT
                self._host.send(protocol.FILE, protocol.FILE_MISSING if is_missing else protocol.FILE_UNREADABLE)
            start += _libc.strlen(name) + 1
        os.close(directory)
        ctypes.memset(self._names, 0, len(self._names))

    def _send_file(self, file: int) -> None:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            self._host.send(protocol.FILE, protocol.FILE_UNREADABLE)
        elif found.st_size > self._room_bytes:
            self._host.send(protocol.FILE, protocol.FILE_TOO_LARGE)
        else:
            self._room_bytes -= found.st_size
            if not self._host.send_file(protocol.FILE, file, found.st_size):
                self._host.send(protocol.FILE, protocol.FILE_UNREADABLE)
