"""What is told of files, input, the network and other bounds of a program."""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.hints.diagnosis import Rule

OUTSIDE_RULES: tuple[Rule, ...] = (
    (EOFError, "EOF when reading a line", "", "input"),
    (FileNotFoundError, "[Errno 2] {what}: '{name}'", "", "no_file"),
    (FileExistsError, "[Errno 17] {what}: '{name}'", "", "file_there"),
    (IsADirectoryError, "[Errno 21] {what}: '{name}'", "", "directory"),
    (PermissionError, "[Errno 13]", "", "not_allowed"),
    (OSError, "[Errno 30]", "", "read_only"),
    (OSError, "not readable", "", "not_readable"),
    (OSError, "not writable", "", "not_writable"),
    (ValueError, "I/O operation on closed file", "", "file_closed"),
    (ValueError, "invalid mode: '{mode}'", "", "file_mode"),
    (OSError, "[Errno 101]", "", "network"),
    (OSError, "[Errno -3]", "", "network"),
    (OSError, "<urlopen error", "", "network"),
    (BlockingIOError, "[Errno 11]", "", "threads"),
    (RuntimeError, "can't start new thread", "", "threads"),
    (RecursionError, "", "", "recursion"),
    (MemoryError, "", "", "memory"),
)
