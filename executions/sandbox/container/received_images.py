"""The images that a container sends in a run: assembled, checked and limited."""

import struct

from executions.sandbox.results import Image
from guest import protocol

# https://www.w3.org/TR/png-3/: signature, then the IHDR chunk with width and height; IEND is the last one.
PNG_START = struct.Struct("!8sI4sII")
PNG_SIGNATURE, PNG_HEADER_BYTES, PNG_HEADER = b"\x89PNG\r\n\x1a\n", 13, b"IHDR"
PNG_END = b"\0\0\0\0IEND\xaeB\x60\x82"

MAX_PIXELS = 32 * 1024 * 1024
"""In one image. A few bytes can unpack to many more, which would burden the browser."""


class ImageRoom:
    """How many images, and bytes of images, the runs of a submission may still have."""

    def __init__(self) -> None:
        self.images = protocol.IMAGES
        self.bytes = protocol.IMAGE_BYTES

    def take(self, image: Image) -> bool:
        """Take the room for the image; return whether there was enough."""
        if not self.images or len(image.data) > self.bytes:
            return False
        self.images -= 1
        self.bytes -= len(image.data)
        return True


class ImageCollector:
    """Takes the bodies of a run's IMAGE frames. With `keeps` false, as for a hidden test, it keeps no image."""

    def __init__(self, room: ImageRoom, keeps: bool = True) -> None:
        self.images: list[Image] = []
        self.dropped = 0
        self._room = room
        self._keeps = keeps
        self._pieces = bytearray()
        self._received = 0
        self._received_bytes = 0

    @property
    def wanted(self) -> int:
        """How many images the run should send at most."""
        return self._room.images if self._keeps else 0

    def add(self, body: bytes) -> Image | None:
        """Add one body; return the image that it completes, if that is kept.

        Raises ValueError if the body is malformed, or there are more than a supervisor sends.
        """
        mark, piece = body[:1], body[1:]
        self._received_bytes += len(piece)
        if self._received_bytes > protocol.IMAGE_BYTES or self._received >= protocol.COUNTED_IMAGES:
            raise ValueError("more images than a supervisor sends")
        if mark == protocol.GOES_ON:
            self._pieces += piece
            return None
        if mark not in (protocol.ENDS, protocol.IMAGE_DROPPED):
            raise ValueError("a malformed image")
        self._received += 1
        image = parse_png(bytes(self._pieces + piece)) if mark == protocol.ENDS else None
        self._pieces.clear()
        if not self._keeps:
            return None
        if image is None or not self._room.take(image):
            self.dropped += 1
            return None
        self.images.append(image)
        return image


def parse_png(data: bytes) -> Image | None:
    """Return `data` as an image, None if it is not a PNG or has too many pixels.

    Checks only the start and the end: the rest is the program's own, and left to the browser.
    """
    if len(data) < PNG_START.size or not data.endswith(PNG_END):
        return None
    signature, length, name, width, height = PNG_START.unpack_from(data)
    if (signature, length, name) != (PNG_SIGNATURE, PNG_HEADER_BYTES, PNG_HEADER):
        return None
    return Image(data, width, height) if 0 < width * height <= MAX_PIXELS else None
