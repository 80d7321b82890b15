"""The frames that the host and the supervisor exchange: four bytes of length, big-endian, then a JSON object.

The host sends one request frame for each run. For it come `output` frames as the program writes, a `test` frame
where a test's own part begins, and one `result` frame at the end. Both directions are bounded: a reader refuses a
frame by its length, before it holds a byte of it.
"""

import json
from typing import Any

LENGTH_BYTES = 4
# Code and test code (64 KiB each), stdin and input (256 KiB each); JSON writes a control character as six bytes.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
# At most 64 KiB of one stream, where a stray byte becomes U+FFFD (three) and a control character six.
MAX_RESULT_BYTES = 512 * 1024

STREAM_KEPT_BYTES = 64 * 1024
"""How much of each output stream is kept: its head."""

Message = dict[str, Any]


class ProtocolError(Exception):
    """The other side sent what is not a frame."""


def encode(message: Message) -> bytes:
    """Return `message` as one frame."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def body_length(prefix: bytes | bytearray, limit: int) -> int:
    """Return how many bytes follow the length `prefix`; raise ProtocolError above `limit`."""
    length = int.from_bytes(prefix, "big")
    if length > limit:
        raise ProtocolError(f"frame of {length} bytes, at most {limit} allowed")
    return length


def decode(body: bytes) -> Message:
    """Return the message of a frame's `body`; raise ProtocolError if it is not a JSON object."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("frame is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("frame is not a JSON object")
    return message
