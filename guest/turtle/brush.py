"""Paints on an image. Imported only once there is a picture to paint."""

from __future__ import annotations

from PIL import ImageDraw

from guest.turtle.paper import Paper

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from PIL import Image

    from guest.turtle.paper import Pixels
    from guest.turtle.picture import Text, View
    from guest.turtle.values import Rgb

MASK_PIXELS = 4_000_000


class Brush(Paper):
    """Paints on an image of Pillow."""

    def __init__(self, image: Image.Image, view: View) -> None:
        self.lay_out(view, view.fineness)
        self._draw = ImageDraw.Draw(image)

    def put_line(self, pixels: Pixels, color: Rgb, size: int) -> None:
        self._draw.line(pixels, fill=color, width=size)
        if size > 2:
            half = (size - 1) / 2
            for x, y in pixels:
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def put_area(self, pixels: Pixels, color: Rgb) -> None:
        self._draw.polygon(pixels, fill=color)

    def put_disk(self, x: float, y: float, color: Rgb, size: float) -> None:
        half = size / 2
        self._draw.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def put_text(self, x: float, y: float, text: Text, color: Rgb) -> None:
        font = text.font.load(self.fineness, text.text)
        height = sum(font.getmetrics())
        most = max(1, int(MASK_PIXELS / height**2))  # letters in a line, so that Pillow needs little memory
        for line in text.lines():
            line = line[:most]
            self._draw.text((x - font.getlength(line) * text.align, y), line, color, font, "ld")
            y -= height
