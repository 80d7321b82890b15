"""The directories that a program may write to: emptied after each run, so that the next starts in empty ones.

The names of the files are text of that run, and the next one starts with a copy of our memory (see
docs/decisions/0002-program-text-stays-in-the-kernel.md). So they never become Python objects: each system call gets the
name from the buffer that the kernel has written it to, and the buffer is wiped.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIRECTORIES = ("/tmp", "/dev/shm")  # noqa: S108 (the container's own)
MESSAGE_QUEUES = "/dev/mqueue"

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# struct linux_dirent64 of getdents64(2); fcntl.h
LENGTH_AT, TYPE_AT, NAME_AT = 16, 18, 19
DT_DIR = 4
AT_REMOVEDIR = 0x200

_libc = ctypes.CDLL(None, use_errno=True)


def scratch_directories() -> tuple[str, ...]:
    """Return the directories of this container that a program may write to."""
    has_queues = os.path.isdir(MESSAGE_QUEUES)  # not under gVisor
    return (*DIRECTORIES, MESSAGE_QUEUES) if has_queues else DIRECTORIES


class _Listing:
    """The buffer that the kernel lists a directory in."""

    def __init__(self) -> None:
        self.entries = bytearray(16 * 1024)
        self.buffer = (ctypes.c_ubyte * len(self.entries)).from_buffer(self.entries)
        self.address = ctypes.addressof(self.buffer)
        self.used_bytes = 0

    def read(self, directory: int) -> int:
        """List `directory` from its beginning; return how many bytes that takes."""
        os.lseek(directory, 0, os.SEEK_SET)
        size = call(_libc.getdents64, directory, self.buffer, len(self.entries))
        self.used_bytes = max(self.used_bytes, size)
        return size

    def wipe(self) -> None:
        """Fill with zeros what has held names."""
        ctypes.memset(self.buffer, 0, self.used_bytes)
        self.used_bytes = 0


class Scratch:
    """The scratch directories of this container."""

    def __init__(self) -> None:
        self._directories = scratch_directories()
        self._top = _Listing()  # of a scratch directory
        self._inner = _Listing()  # of a directory in it

    def sweep(self) -> None:
        """Remove what a run has left, once all its processes are dead. Raises OSError: then nothing may run here."""
        for path in self._directories:
            directory = os.open(path, OPEN_DIRECTORY)
            self._empty(directory)
            os.utime(directory)  # not when, to the nanosecond, the run last used it
            os.close(directory)
        self._top.wipe()
        self._inner.wipe()

    def _empty(self, directory: int) -> None:
        """Remove what is in a scratch directory, however deep it is and whatever its modes forbid.

        A directory's own directories are moved up and listed again: no more than two are ever open. Takes at most one
        turn for each inode of the file system.
        """
        for name, is_directory in _entries(directory, self._top):
            if is_directory:
                self._flatten(name, directory)
            else:
                call(_libc.unlinkat, directory, name, 0)

    def _flatten(self, name: ctypes.c_void_p, directory: int) -> None:
        """Remove the directory `name` and its files; move its directories up into `directory`."""
        call(_libc.fchmodat, directory, name, 0o700, 0)
        flat = call(_libc.openat, directory, name, OPEN_DIRECTORY)
        for inner, is_directory in _entries(flat, self._inner):
            if is_directory:
                call(_libc.fchmodat, flat, inner, 0o700, 0)  # to be moved, it must be writable
                unforeseen = os.urandom(16).hex().encode()  # a name that the program cannot have taken
                call(_libc.renameat, flat, inner, directory, unforeseen)
            else:
                call(_libc.unlinkat, flat, inner, 0)
        os.close(flat)
        call(_libc.unlinkat, directory, name, AT_REMOVEDIR)


def _entries(directory: int, listing: _Listing) -> Iterator[tuple[ctypes.c_void_p, bool]]:
    """Yield the address of each entry's name, and whether it is a directory. Ends when all have been removed."""
    entries = listing.entries
    found = True
    while found:
        found = False
        end, start = listing.read(directory), 0
        while start < end:
            if not entries.startswith((b".\0", b"..\0"), start + NAME_AT):
                found = True
                yield ctypes.c_void_p(listing.address + start + NAME_AT), entries[start + TYPE_AT] == DT_DIR
            start += int.from_bytes(entries[start + LENGTH_AT : start + TYPE_AT], "little")


def call(function: Callable[..., int], *arguments: object) -> int:
    """Call a function of the C library. Raises OSError if it fails."""
    result = function(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
