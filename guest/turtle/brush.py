"""Paints on an image. Imported only once there is a picture to paint."""

from __future__ import annotations

import itertools
import math

from PIL import ImageDraw

from guest.turtle.picture import FAR

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from array import array

    from PIL import Image

    from guest.turtle.picture import Text, View
    from guest.turtle.values import Rgb

MASK_PIXELS = 4_000_000


class Brush:
    """Paints on an image of Pillow, which is `fineness` times as large as the window."""

    def __init__(self, image: Image.Image, view: View) -> None:
        self._draw = ImageDraw.Draw(image)
        self.fineness = view.fineness
        self._across, self._up = view.x_scale * self.fineness, view.y_scale * self.fineness
        self._left = image.width / 2 - view.middle[0] * self._across
        self._top = image.height / 2 + view.middle[1] * self._up

    def places(self, points: array[float]) -> list[tuple[float, float]]:
        """Return where these coordinates are on the image. Points that are nowhere are left out."""
        found = zip(points[::2], points[1::2], strict=True)
        places = [(self._left + x * self._across, self._top - y * self._up) for x, y in found]
        return [each for each in places if math.isfinite(each[0]) and math.isfinite(each[1])]

    def line(self, places: list[tuple[float, float]], color: Rgb, width: float) -> None:
        """Draw a line with round corners and ends; a single place is a disk."""
        size = round(max(1.0, min(width, FAR) * self.fineness))
        run: list[tuple[float, float]] = []  # what has been seen of a line without leaving the paper
        for start, end in itertools.pairwise(places):
            if max(map(abs, (*start, *end))) <= FAR:
                if not run:
                    run.append(start)
                run.append(end)
                continue
            self._run(run, color, size)
            run = []
            if cut := _cut(*start, *end):
                self._run(cut, color, size)
        self._run(run, color, size)

    def _run(self, places: list[tuple[float, float]], color: Rgb, size: int) -> None:
        if not places:
            return
        self._draw.line(places, fill=color, width=size)
        if size > 2:
            half = (size - 1) / 2
            for x, y in places:
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def area(self, places: list[tuple[float, float]], color: Rgb | None) -> None:
        """Fill a polygon; where it crosses itself, every other part is empty, as in Tk."""
        if color is not None and len(places) > 2:
            self._draw.polygon([(_near(x), _near(y)) for x, y in places], fill=color)

    def disk(self, x: float, y: float, color: Rgb | None, size: float) -> None:
        half = min(abs(size), FAR) * self.fineness / 2
        if color is not None and abs(x) <= 2 * FAR and abs(y) <= 2 * FAR and half > 0:
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def text(self, x: float, y: float, text: Text) -> None:
        if text.color is None or abs(x) > FAR or abs(y) > FAR:
            return
        font = text.font.load(self.fineness, text.text)
        height = sum(font.getmetrics())
        most = max(1, int(MASK_PIXELS / height**2))  # letters in a line, so that Pillow needs little memory
        for line in reversed(text.text.split("\n")[-100:]):
            line = line[:most]
            self._draw.text((x - font.getlength(line) * text.align, y), line, text.color, font, "ld")
            y -= height


def _near(place: float) -> float:
    return max(-FAR, min(place, FAR))


def _cut(x: float, y: float, to_x: float, to_y: float) -> list[tuple[float, float]] | None:
    """Return what of a line lies on the paper, None if nothing does."""
    first, last = 0.0, 1.0
    for start, way in ((x, to_x - x), (y, to_y - y)):
        if not math.isfinite(way) or (way == 0 and abs(start) > FAR):
            return None
        if way:
            near, far = sorted(((-FAR - start) / way, (FAR - start) / way))
            first, last = max(first, near), min(last, far)
    if first > last:
        return None
    return [(_near(x + part * (to_x - x)), _near(y + part * (to_y - y))) for part in (first, last)]
