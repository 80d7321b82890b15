"""The frames that the host and the supervisor exchange: a byte that tells the kind, four of length, then the body.

For each run the host sends a RUN frame and then, not framed, `feed_bytes` bytes for the child: its TASK frame and
the program's stdin. The supervisor passes them on unread. It answers with STDOUT and STDERR frames as the program
writes, a TEST frame where a test's own part begins, and a RESULT frame at the end. Before all that comes one READY.
"""

import json
from enum import IntEnum
from typing import Any

PREFIX_BYTES = 5
MAX_BODY_BYTES = 64 * 1024
"""The longest body that either side takes, TASK apart: a reader refuses a frame by its prefix."""

STREAM_KEPT_BYTES = 64 * 1024
"""How much of each output stream is kept: its head."""

Message = dict[str, Any]


class Kind(IntEnum):
    """What a frame is. The body of RUN, TASK and RESULT is a JSON object, of STDOUT and STDERR raw output."""

    READY = 0
    RUN = 1
    TASK = 2
    STDOUT = 3
    STDERR = 4
    TEST = 5
    RESULT = 6


class ProtocolError(Exception):
    """The other side sent what is not a frame."""


def encode_prefix(kind: Kind, body_bytes: int) -> bytes:
    """Return the prefix of a frame whose body is sent apart from it."""
    return bytes([kind]) + body_bytes.to_bytes(PREFIX_BYTES - 1, "big")


def encode(kind: Kind, message: Message | None = None) -> bytes:
    """Return a frame with `message` as its body, or with none."""
    body = b"" if message is None else json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return encode_prefix(kind, len(body)) + body


def decode_prefix(prefix: bytes | bytearray, longest_bytes: int = MAX_BODY_BYTES) -> tuple[Kind, int]:
    """Return a frame's kind and how many bytes of body follow; raise ProtocolError if they cannot be."""
    length = int.from_bytes(prefix[1:PREFIX_BYTES], "big")
    if length > longest_bytes:
        raise ProtocolError(f"frame of {length} bytes, at most {longest_bytes} allowed")
    try:
        return Kind(prefix[0]), length
    except ValueError as error:
        raise ProtocolError(f"frame of kind {prefix[0]}") from error


def decode_message(body: bytes | bytearray) -> Message:
    """Return the message in a frame's body; raise ProtocolError if it is not a JSON object."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("body is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("body is not a JSON object")
    return message
