"""The images of a run, as a container tells of them: put together, checked and bounded."""

import struct

from executions.sandbox.results import Image
from guest import protocol

# https://www.w3.org/TR/png-3/: signature, then the IHDR chunk with width and height; IEND is the last one.
PNG_START = struct.Struct("!8sI4sII")
PNG_SIGNATURE, PNG_HEADER_BYTES, PNG_HEADER = b"\x89PNG\r\n\x1a\n", 13, b"IHDR"
PNG_END = b"\0\0\0\0IEND\xaeB\x60\x82"

MAX_PIXELS = 32 * 1024 * 1024
"""Of one image. A few bytes can say that they are many more, for whoever shows them to unpack."""


class ImageRoom:
    """How many images, and bytes of them, are kept of a submission: what is left, for whichever of its runs is next."""

    def __init__(self) -> None:
        self.images = protocol.IMAGES
        self.bytes = protocol.IMAGE_BYTES

    def take(self, image: Image) -> bool:
        """Return whether there was room for the image, which then is taken."""
        if not self.images or len(image.data) > self.bytes:
            return False
        self.images -= 1
        self.bytes -= len(image.data)
        return True


class ImageCollector:
    """Takes the bodies of a run's IMAGE frames. With `keeps` false it keeps nothing, as of a hidden test."""

    def __init__(self, room: ImageRoom, keeps: bool = True) -> None:
        self.images: list[Image] = []
        self.dropped = 0
        self._room = room
        self._keeps = keeps
        self._pieces = bytearray()
        self._told = 0
        self._told_bytes = 0

    @property
    def wanted(self) -> int:
        """How many images the run need make."""
        return self._room.images if self._keeps else 0

    def add(self, body: bytes) -> Image | None:
        """Take one body; return the image that it ends, if that is kept.

        Raises ValueError if it is none, or more than a supervisor sends.
        """
        what, piece = body[:1], body[1:]
        self._told_bytes += len(piece)
        if self._told_bytes > protocol.IMAGE_BYTES or self._told >= protocol.COUNTED_IMAGES:
            raise ValueError("more images than are told")
        if what == protocol.IMAGE_GOES_ON:
            self._pieces += piece
            return None
        if what not in (protocol.IMAGE_ENDS, protocol.IMAGE_DROPPED):
            raise ValueError("a malformed image")
        self._told += 1
        image = parse_png(bytes(self._pieces + piece)) if what == protocol.IMAGE_ENDS else None
        self._pieces.clear()
        if not self._keeps:
            return None
        if image is None or not self._room.take(image):
            self.dropped += 1
            return None
        self.images.append(image)
        return image


def parse_png(data: bytes) -> Image | None:
    """Return `data` as an image, None if it is no PNG or one of too many pixels.

    What is between the start and the end is the program's own, and for the browser to judge.
    """
    if len(data) < PNG_START.size or not data.endswith(PNG_END):
        return None
    signature, length, name, width, height = PNG_START.unpack_from(data)
    if (signature, length, name) != (PNG_SIGNATURE, PNG_HEADER_BYTES, PNG_HEADER):
        return None
    return Image(data, width, height) if 0 < width * height <= MAX_PIXELS else None
