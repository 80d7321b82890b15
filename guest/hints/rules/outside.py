"""Rules for files, input, the network and the limits of a program."""

from __future__ import annotations

import os
import re
import sys

from guest.hints.rule import Rule, Words
from guest.hints.traces import last_frame

FOR_DIRECTORIES = r"\b(?:listdir|scandir|chdir|rmdir|iterdir|rmtree|copytree)\("
WRITES = r"""(?:,|mode\s*=)\s*['"][wax]b?\+?t?['"]|\.(?:write_text|write_bytes|touch|mkdir|save|savefig|to_\w+)\("""
STARTS = r"\b(?:fork|forkpty|Popen|start|run|call|check_call|check_output|submit|Pool)\("
MOST_FRAMES = 2000


def _about_missing_file(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a file that is not there, or whose directory is not."""
    if _module_of(error) == "subprocess":
        return "no_program"
    directory = words["name"] if re.search(FOR_DIRECTORIES, code) else os.path.dirname(words["name"])
    if not directory or os.path.isdir(directory):
        return "no_file"
    if not re.search(WRITES, words["line"]):
        words["name"] = directory
        return "no_directory"
    if directory.startswith("/") or ":" in directory:
        return "read_only"
    words["name"] = directory
    return "no_directory_to_write"


def _about_recursion(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a function of the program that calls itself; a library may be what goes too deep."""
    words["limit"] = str(sys.getrecursionlimit())
    trace, seen = error.__traceback__, set()
    for _ in range(MOST_FRAMES):
        if trace is None:
            return ""
        frame = trace.tb_frame
        if frame.f_code in seen and frame.f_globals.get("__name__") == "__main__":
            return "recursion"
        seen.add(frame.f_code)
        trace = trace.tb_next
    return ""


def _module_of(error: BaseException) -> str:
    frame = last_frame(error)
    return str(frame.f_globals.get("__name__")) if frame else ""


OUTSIDE_RULES: tuple[Rule, ...] = (
    (EOFError, "EOF when reading a line", "", "input"),
    (FileNotFoundError, "[Errno 2] {what}: '{name}'", "", _about_missing_file),
    (FileNotFoundError, "{name} not found.", "", "no_file"),  # numpy
    (OSError, "Cannot save file into a non-existent directory: '{name}'", "", "no_directory_to_write"),  # pandas
    (FileExistsError, "[Errno 17] {what}: '{name}'", "", "file_there"),
    (IsADirectoryError, "[Errno 21] {what}: '{name}'", "", "directory"),
    (PermissionError, "[Errno 13]", "", "not_allowed"),
    (OSError, "[Errno 30]", "", "read_only"),
    (OSError, "not readable", "", "not_readable"),
    (OSError, "not writable", "", "not_writable"),
    (ValueError, "I/O operation on closed file", "", "file_closed"),
    (ValueError, "invalid mode: '{mode}'", "", "file_mode"),
    (ValueError, "must have exactly one of create/read/write/append mode", "", "file_mode_one"),
    (OSError, "[Errno 101]", "", "network"),
    (OSError, "[Errno -3]", "", "network"),
    (OSError, "<urlopen error", "", "network"),
    (OSError, "HTTPConnectionPool(", "", "network"),  # requests
    (OSError, "HTTPSConnectionPool(", "", "network"),
    (BlockingIOError, "[Errno 11]", STARTS, "threads"),
    (RuntimeError, "can't start new thread", "", "threads"),
    (RecursionError, "", "", _about_recursion),
    (MemoryError, "", "", "memory"),
)
