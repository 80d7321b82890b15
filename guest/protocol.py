"""The frames that the host and the supervisor exchange: a byte that tells the kind, four of length, then the body.

For each run the host sends a RUN frame and then, not framed, `feed_bytes` bytes for the child: its TASK frame and
the program's stdin. The supervisor passes them on unread. It answers with STDOUT and STDERR frames as the program
writes, in a test a TEST frame where its own part begins and TESTED where that ends, a FLAG frame when it first sees
one, IMAGE frames as something is shown, a DETAIL frame with what the process of a failed program has left of its error,
and a RESULT frame at the end, which says how many frames the container has told before it. Before all that comes one
READY.

An interactive run may get more stdin while it runs: an INPUT frame's body goes to the child, unread as well, and an
empty one is the end of it. WAIT frames tell whether such a run waits for a person. GIVE_UP says that nobody has come in
time: the run is over, as when our stdin ends in mid-run, and the last word is its RESULT.

The supervisor loads as little as it can, because every container pays for it: hence plain numbers and `struct`.
"""

from __future__ import annotations

import struct

# Kinds of frames. STDOUT and STDERR carry raw output, FLAG a word, READY, TEST, TESTED and GIVE_UP nothing.
KINDS = tuple(range(14))
READY, RUN, TASK, STDOUT, STDERR, TEST, RESULT, FLAG, TESTED, DETAIL, INPUT, WAIT, IMAGE, GIVE_UP = KINDS

STATUSES = ("success", "error", "timeout", "memory_limit", "output_limit", "cancelled")
"""How a run can end; in a RESULT frame, by its place in this list."""

WAITS, STILL_WAITS, GOES_ON = b"\1", b"\2", b"\0"
"""What a WAIT frame can say: a program asks for input, still does, goes on. All it has printed before goes before."""

NETWORK_ATTEMPT, FORBIDDEN_CALL, FORK_STORM = "network_attempt", "forbidden_call", "fork_storm"
"""What a FLAG frame can say of a run; see `guest.supervisor.watch`."""

PREFIX = struct.Struct("!BI")  # kind, length of the body
MAX_BODY_BYTES = 64 * 1024
"""The longest body that either side takes, TASK apart: a reader refuses a frame by its prefix."""

STREAM_KEPT_BYTES = 64 * 1024
"""How much of each output stream is kept: its head."""

IMAGE_GOES_ON, IMAGE_ENDS, IMAGE_DROPPED = b"\0", b"\1", b"\2"
"""How the body of an IMAGE frame begins: with a piece of an image, with its last piece, or in place of one."""

IMAGE_DIRECTORY = "/tmp/.shown"  # noqa: S108 (the container's own)
IMAGES, IMAGE_BYTES, COUNTED_IMAGES = 5, 768 * 1024, 100
"""How many images of a run are told, how long they may be together, and how many are counted. In base64: 1 MiB."""

DETAIL_BYTES = 8 * 1024
"""The body of a DETAIL frame, whatever is in it: the supervisor looks at nothing that a program has chosen."""

TYPE_CHARACTERS, MESSAGE_CHARACTERS, HINT_CHARACTERS = 100, 1000, 500
"""How much of each text a DETAIL frame holds. A character takes at most four bytes."""

_RUN = struct.Struct("!dQ??")  # timeout_seconds, feed_bytes, is_test, is_interactive
_TASK = struct.Struct("!B??IIII")  # most_images, is_test, input_is_stdin, lengths of the code and the three other texts
# Status, exit code or -1, signal or 0, wall, cpu, memory_peak_kb, truncated, frames before it.
_RESULT = struct.Struct("!BhBddQ?I")
_DETAIL = struct.Struct("!IIIHHH")  # line, column, end column, all from 1 or 0; lengths of type, message and hint


class ProtocolError(Exception):
    """The other side sent what is not a frame."""


def pack_frame(kind: int, body: bytes = b"") -> bytes:
    """Return a whole frame."""
    return PREFIX.pack(kind, len(body)) + body


def unpack_prefix(prefix: bytes | bytearray, longest_bytes: int = MAX_BODY_BYTES) -> tuple[int, int]:
    """Return a frame's kind and how many bytes of body follow; raise ProtocolError if they cannot be."""
    kind, length = PREFIX.unpack_from(prefix)
    if kind not in KINDS or length > longest_bytes:
        raise ProtocolError(f"frame of kind {kind} and {length} bytes")
    return kind, length


def pack_run(timeout_seconds: float, feed_bytes: int, is_test: bool = False, is_interactive: bool = False) -> bytes:
    """Return a RUN frame. An interactive run may wait for a person until GIVE_UP."""
    return pack_frame(RUN, _RUN.pack(timeout_seconds, feed_bytes, is_test, is_interactive))


def unpack_run(body: bytes) -> tuple[float, int, bool, bool]:
    """Return what `pack_run` was given."""
    timeout_seconds, feed_bytes, is_test, is_interactive = _RUN.unpack(body)
    return timeout_seconds, feed_bytes, is_test, is_interactive


def pack_task(
    code: str,
    most_images: int = IMAGES,
    is_test: bool = False,
    test_code: str = "",
    test_input: str = "",
    input_is_stdin: bool = False,
    call_stdin: str = "",
) -> bytes:
    """Return a TASK frame. `most_images` is how many the run need make.

    With `input_is_stdin` the program's stdin is `test_input`, unless that turns out to be a call: then `call_stdin`.
    """
    texts = [text.encode() for text in (code, test_code, test_input, call_stdin)]
    return pack_frame(TASK, _TASK.pack(most_images, is_test, input_is_stdin, *map(len, texts)) + b"".join(texts))


def unpack_task(body: bytes) -> tuple[str, int, bool, str, str, bool, str]:
    """Return what `pack_task` was given."""
    most_images, is_test, input_is_stdin, *lengths = _TASK.unpack_from(body)
    texts = []
    start = _TASK.size
    for length in lengths:
        texts.append(body[start : start + length].decode())
        start += length
    code, test_code, test_input, call_stdin = texts
    return code, most_images, is_test, test_code, test_input, input_is_stdin, call_stdin


def pack_result(
    status: str,
    exit_code: int | None,
    signal_number: int | None,
    wall_seconds: float,
    cpu_seconds: float,
    memory_peak_kb: int,
    truncated: bool,
    frames_before: int,
) -> bytes:
    """Return a RESULT frame."""
    code = -1 if exit_code is None else exit_code
    number = STATUSES.index(status)
    body = _RESULT.pack(
        number, code, signal_number or 0, wall_seconds, cpu_seconds, memory_peak_kb, truncated, frames_before
    )
    return pack_frame(RESULT, body)


def unpack_result(body: bytes) -> tuple[str, int | None, int | None, float, float, int, bool, int]:
    """Return what `pack_result` was given; raise ProtocolError if the body is no result."""
    try:
        status, exit_code, signal_number, *others = _RESULT.unpack(body)
        word = STATUSES[status]
    except (struct.error, IndexError) as error:
        raise ProtocolError("a malformed result") from error
    code = None if exit_code == -1 else exit_code
    wall_seconds, cpu_seconds, memory_peak_kb, truncated, frames_before = others
    return word, code, signal_number or None, wall_seconds, cpu_seconds, memory_peak_kb, truncated, frames_before


def pack_detail(kind: str, message: str, hint: str, line: int, column: int, end_column: int) -> bytes:
    """Return the body of a DETAIL frame, but for the zeros that follow. A number of 0 is one that is not known."""
    bounded = (kind[:TYPE_CHARACTERS], message[:MESSAGE_CHARACTERS], hint[:HINT_CHARACTERS])
    texts = [text.encode("utf-8", "replace") for text in bounded]  # a learner's message may hold half a surrogate pair
    return _DETAIL.pack(line, column, end_column, *map(len, texts)) + b"".join(texts)


def unpack_detail(body: bytes) -> tuple[str, str, str, int, int, int]:
    """Return what `pack_detail` was given; the type is empty if there is nothing.

    A program can have written this itself: raise ProtocolError if it is too short, and promise no more of it.
    """
    try:
        line, column, end_column, *lengths = _DETAIL.unpack_from(body)
    except struct.error as error:
        raise ProtocolError("a malformed detail") from error
    if _DETAIL.size + sum(lengths) > len(body):
        raise ProtocolError("a detail longer than its frame")
    texts = []
    start = _DETAIL.size
    for length in lengths:
        texts.append(body[start : start + length].decode("utf-8", "replace"))
        start += length
    kind, message, hint = texts
    return kind, message, hint, line, column, end_column
