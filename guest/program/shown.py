"""Shows a program's images: each becomes a file in a directory that the supervisor reads. See `supervisor.images`.

matplotlib and Pillow import us by name, in any process that a program starts: so `screen` is a global of this module.
"""

from __future__ import annotations

import os

from guest import protocol

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from typing import Any

    from PIL import Image

    from guest.supervisor.mailbox import Trace

    Write = Callable[[FileIO], object]

MODES_OF_PNG = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")


class Screen:
    """Where this process shows images. While it is off, they are dropped."""

    def __init__(self) -> None:
        self.is_on = True
        self.most_images = protocol.IMAGES
        """How many images to make; any more are only counted."""
        self.strokes: Trace | None = None
        """Where turtles write down what they draw, if someone watches."""

    def show(self, write: Write) -> None:
        """Show the image that `write` writes as PNG to the file it is given.

        Images beyond the limit are only counted, not made.
        """
        if not self.is_on:
            return
        os.makedirs(protocol.IMAGE_DIRECTORY, exist_ok=True)
        number = 0
        while os.path.lexists(_path(number)):
            number += 1
        if number < self.most_images:
            number = self._put(write, number)
        if self.most_images <= number < protocol.COUNTED_IMAGES:
            open(_path(number), "wb").close()

    def _put(self, write: Write, number: int) -> int:
        """Store the image under `number` or, if another process has taken it, a later one; return that number."""
        draft = f"{protocol.IMAGE_DIRECTORY}/draft-{os.getpid()}"
        try:
            with open(draft, "wb", buffering=0) as file:
                write(file)
            while number < self.most_images:
                try:
                    os.link(draft, _path(number))  # at once: the supervisor never sees half an image
                    break
                except FileExistsError:
                    number += 1
        finally:
            os.unlink(draft)
        return number


def _path(number: int) -> str:
    return f"{protocol.IMAGE_DIRECTORY}/{number}"


screen = Screen()


class PillowViewer:
    """Takes the place of a window for `Image.show()`: one of PIL.ImageShow's viewers."""

    def show(self, image: Image.Image, **options: Any) -> int:
        """Show the image, and return that no other viewer is needed."""
        if image.mode not in MODES_OF_PNG:
            image = image.convert("RGB")
        screen.show(lambda file: image.save(file, format="PNG"))
        return 1
