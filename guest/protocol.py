"""The frames that the host and the supervisor exchange: one byte for the kind, four for the length, then the body.

The supervisor sends READY when it can begin a run: once at the start, and after each RESULT. Its body says whether the
container is as new. For each run the host sends a RUN frame and, not framed, the names of the files to collect, each
with a NUL at its end, and `feed_bytes` bytes for the child: its TASK frame and the program's stdin. It need not wait
for READY. The supervisor passes the bytes on unread. It answers with

- STDOUT and STDERR frames as the program writes;
- in a test, a TEST frame where the test's own part begins, and TESTED where it ends. If the part is code or a call, the
  host answers TEST with a TEST_PART frame, for which the program waits: nothing of it is in the container before;
- at the end of a test whose value is compared, a VALUE frame with that value as a Python literal; at the end of another
  test by a call, an empty one if the call itself has printed nothing;
- a FLAG frame when it first sees that flag in the run;
- IMAGE frames as the program shows images;
- while the turtles of a watched program draw, DRAWING frames with what its process writes about their strokes;
- a LATER frame at its deadline, if other work on the machine has kept it from its share of a processor: it may run on
  for as long as that took, at most twice its timeout;
- after a program that failed or ran out of time, a DETAIL frame with what its process has reported about the error or
  about where it was;
- FILE frames for the files to collect, in the order of their names: with the content of each, or why there is none;
- after a traced run, TRACE frames with what its process has written about its steps; after a suite, about its methods;
- at the end a RESULT frame, which holds the number of frames that the container has sent before it.

An interactive run may get more stdin while it runs: the body of an INPUT frame goes to the child, also unread, and an
empty one is the end of stdin. WAIT frames say whether such a run waits for input. GIVE_UP means that no input came in
time: the run ends as a timeout. The end of our stdin also ends the run; no other can follow.

The supervisor loads as little as it can, because every container pays for it: hence plain numbers and `struct`.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Collection

# Kinds of frames. STDOUT and STDERR carry raw output, FLAG its name, READY the names of what is not as new (separated
# by spaces), and TEST, TESTED, GIVE_UP and LATER no body.
KINDS = tuple(range(20))
READY, RUN, TASK, STDOUT, STDERR, TEST, RESULT, FLAG, TESTED = KINDS[:9]
DETAIL, INPUT, WAIT, IMAGE, GIVE_UP, TEST_PART, LATER, VALUE, TRACE, FILE, DRAWING = KINDS[9:]

PROGRAM, TEST_STDIN, TEST_CODE, TEST_CALL, FIND_CALLS, TEST_VALUE, FIND_USES, TRACED = range(8)
TEST_UNITTEST, TEST_DOCTEST, WATCHED = range(8, 11)
"""Kinds of tasks: the program itself; a test by its stdin, by code or by a call; the question which of the texts in
`code`, separated by NUL, are calls, answered by a 0 or 1 for each on stdout; a test by the value of an expression; the
question where the program uses the words on stdin, one a line; the program once more, step by step; a test by the
methods of unittest's test cases; one by the program's own doctests; the program itself, while someone watches what it
draws. The answer about words has a line for each: the number of the line that first uses it, or 0, and another number,
which for `def f` is how many parameters f has."""

PROGRAMS = (PROGRAM, WATCHED)
"""The program's own run."""
TESTS = (TEST_STDIN, TEST_CODE, TEST_CALL, TEST_VALUE, TEST_UNITTEST, TEST_DOCTEST)
KINDS_WITH_PART = (TEST_CODE, TEST_CALL, TEST_VALUE, TEST_UNITTEST)
"""The tests whose own part comes in a TEST_PART frame."""
SUITES = (TEST_UNITTEST, TEST_DOCTEST)
"""The tests whose process writes down what becomes of each method."""

STATUSES = ("success", "error", "timeout", "memory_limit", "output_limit", "cancelled")
"""How a run can end. A RESULT frame holds the index in this list."""

WAITS, STILL_WAITS, GOES_ON = b"\1", b"\2", b"\0"
"""The bodies of WAIT: the program waits for input, still waits, goes on. All earlier output is sent first."""

NETWORK_ATTEMPT, FORBIDDEN_CALL, FORK_STORM = "network_attempt", "forbidden_call", "fork_storm"
"""The bodies of FLAG; see `guest.supervisor.watch`."""

PREFIX = struct.Struct("!BI")  # kind, length of the body
MAX_BODY_BYTES = 64 * 1024
"""The longest body that either side accepts, except for TASK and TEST_PART: a reader refuses a frame by its prefix."""

TEST_PART_BYTES = 256 * 1024
"""The longest body of a TEST_PART frame."""

VALUE_BYTES, VALUES, VALUE_DEPTH = MAX_BODY_BYTES, 10_000, 50
"""How long the literal of a returned value may be, how many values may be in it, and how deep."""

TRACE_STEPS, TRACE_BYTES = 500, 512 * 1024
"""The most steps of a trace, and how long its JSON lines may be: each is a step, and the last may say how it ended."""

TRACE_FRAMES, TRACE_VARIABLES = 20, 30
"""How many frames of a step are shown, and how many variables of a frame."""

TRACE_CHARACTERS = 100
"""Of each name and each value in a trace."""

TRACE_EVENTS = ("call", "line", "return", "exception")

TRACE_ENDS = ("end", "steps", "size")
"""How a trace can end: with the program, or because there were more steps, or larger ones, than a trace holds."""

STREAM_KEPT_BYTES = 64 * 1024
"""How much of each output stream is kept, from its start."""

STROKES, ALIGNS = ("clear", "line", "area", "dot", "text"), ("left", "center", "right")
"""The kinds of strokes, and where the point of a text is. A stroke is a line of JSON: kind, color, width, points, text
and align. All strokes of a run have at most TRACE_BYTES."""

FARTHEST = 20_000
"""The longest length in a stroke, and how far from the picture it may go, in pixels."""

GOES_ON, ENDS = b"\0", b"\1"
"""The first byte of an IMAGE or FILE body: a piece follows, or the last one does."""

IMAGE_DROPPED = b"\2"
"""The only byte of the body of an image that is not sent."""

IMAGE_DIRECTORY = "/tmp/.shown"  # noqa: S108 (the container's own)
IMAGES, IMAGE_BYTES, COUNTED_IMAGES = 5, 768 * 1024, 100
"""How many images of a run are sent, how large they may be together (1 MiB in base64), and how many are counted."""

FILE_MISSING, FILE_TOO_LARGE, FILE_UNREADABLE = b"\2", b"\3", b"\4"
"""The only byte of the body of a file that is not sent: there is no such file, there is no room for it, or it is
something else than a file or cannot be read."""

COLLECTED_FILES, COLLECTED_BYTES = 5, 1024 * 1024
"""How many files of a run are sent at most, and how large they may be together."""

DETAIL_BYTES = 8 * 1024
"""The size of every DETAIL body, whatever it holds: the supervisor reads nothing that a program has chosen."""

_RUN = struct.Struct("!dQB?H")  # timeout_seconds, feed_bytes, kind of task, is_interactive, length of the names
_TASK = struct.Struct("!BBB")  # kind of task, most_images, number of files
_FILE = struct.Struct("!BI")  # lengths of a file's name and content, which follow
# status, exit code or -1, signal or 0, wall_, delayed_ and cpu_seconds, memory_peak_kb, truncated, frames_before
_RESULT = struct.Struct("!BhBdddQ?I")


class ProtocolError(Exception):
    """The other side sent something that is not a frame."""


def pack_frame(kind: int, body: bytes = b"") -> bytes:
    """Return a whole frame."""
    return PREFIX.pack(kind, len(body)) + body


def unpack_prefix(prefix: bytes | bytearray, longest_bytes: int = MAX_BODY_BYTES) -> tuple[int, int]:
    """Return the kind of a frame and the length of its body. Raises ProtocolError if they are impossible."""
    kind, length = PREFIX.unpack_from(prefix)
    if kind not in KINDS or length > longest_bytes:
        raise ProtocolError(f"frame of kind {kind} and {length} bytes")
    return kind, length


def pack_run(
    timeout_seconds: float,
    feed_bytes: int,
    task_kind: int = PROGRAM,
    is_interactive: bool = False,
    collect: Collection[str] = (),
) -> bytes:
    """Return a RUN frame and the names of the files to `collect`.

    An interactive run may wait for input until GIVE_UP.
    """
    names = b"".join(name.encode() + b"\0" for name in collect)
    return pack_frame(RUN, _RUN.pack(timeout_seconds, feed_bytes, task_kind, is_interactive, len(names))) + names


def unpack_run(body: bytes) -> tuple[float, int, int, bool, int]:
    """Return what `pack_run` was given, with the length of the names that follow in place of the names."""
    timeout_seconds, feed_bytes, task_kind, is_interactive, names_bytes = _RUN.unpack(body)
    return timeout_seconds, feed_bytes, task_kind, is_interactive, names_bytes


def pack_task(kind: int, code: str, most_images: int = IMAGES, files: Collection[tuple[str, bytes]] = ()) -> bytes:
    """Return a TASK frame. `most_images` is how many images the run makes at most; `files` are names with contents."""
    parts = [_TASK.pack(kind, most_images, len(files))]
    for name, content in files:
        parts += [_FILE.pack(len(name.encode()), len(content)), name.encode(), content]
    parts.append(code.encode())
    return b"".join((PREFIX.pack(TASK, sum(map(len, parts))), *parts))


def unpack_task(body: bytes | bytearray) -> tuple[int, str, int, list[tuple[str, memoryview]]]:
    """Return what `pack_task` was given. The contents of the files are views of `body`."""
    kind, most_images, count = _TASK.unpack_from(body)
    view, start, files = memoryview(body), _TASK.size, []
    for _ in range(count):
        name_bytes, size = _FILE.unpack_from(body, start)
        start += _FILE.size
        name = bytes(view[start : start + name_bytes]).decode()
        start += name_bytes
        files.append((name, view[start : start + size]))
        start += size
    return kind, str(view[start:], "utf-8"), most_images, files


def pack_result(
    status: str,
    exit_code: int | None,
    signal_number: int | None,
    wall_seconds: float,
    delayed_seconds: float,
    cpu_seconds: float,
    memory_peak_kb: int,
    truncated: bool,
    frames_before: int,
) -> bytes:
    """Return a RESULT frame."""
    code = -1 if exit_code is None else exit_code
    number = STATUSES.index(status)
    times = (wall_seconds, delayed_seconds, cpu_seconds)
    body = _RESULT.pack(number, code, signal_number or 0, *times, memory_peak_kb, truncated, frames_before)
    return pack_frame(RESULT, body)


def unpack_result(body: bytes) -> tuple[str, int | None, int | None, float, float, float, int, bool, int]:
    """Return what `pack_result` was given. Raises ProtocolError if the body is not a result."""
    try:
        status, exit_code, signal_number, *others = _RESULT.unpack(body)
        word = STATUSES[status]
    except (struct.error, IndexError) as error:
        raise ProtocolError("a malformed result") from error
    code = None if exit_code == -1 else exit_code
    wall, delayed, cpu, memory_peak_kb, truncated, frames_before = others
    return word, code, signal_number or None, wall, delayed, cpu, memory_peak_kb, truncated, frames_before
