"""What items are painted on: a pixel for each coordinate, and nothing that is too far away."""

from __future__ import annotations

import itertools
import math

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from array import array

    from guest.turtle.picture import Text, View
    from guest.turtle.values import Rgb

    Pixels = list[tuple[float, float]]

FAR = 10_000.0
"""Where the paper ends, in pixels from a corner of the window: Pillow reckons with small integers."""


class Paper:
    """A paper that is `fineness` times as large as the window. Subclasses say how something gets onto it."""

    def lay_out(self, view: View, fineness: int) -> None:
        """Begin to paint what the window shows."""
        self.fineness = fineness
        self._across, self._up = view.x_scale * fineness, view.y_scale * fineness
        self._left = view.width * fineness / 2 - view.middle[0] * self._across
        self._top = view.height * fineness / 2 + view.middle[1] * self._up

    def pixels(self, points: array[float]) -> Pixels:
        """Return where these coordinates are on the paper. Points that are nowhere are left out."""
        found = zip(points[::2], points[1::2], strict=True)
        pixels = [(self._left + x * self._across, self._top - y * self._up) for x, y in found]
        return [each for each in pixels if math.isfinite(each[0]) and math.isfinite(each[1])]

    def line(self, pixels: Pixels, color: Rgb, width: float) -> None:
        """Draw a line with round corners and ends."""
        size = round(max(1.0, min(width, FAR) * self.fineness))
        run: Pixels = []  # what has been seen of a line without leaving the paper
        for start, end in itertools.pairwise(pixels):
            if max(map(abs, (*start, *end))) <= FAR:
                if not run:
                    run.append(start)
                run.append(end)
                continue
            if run:
                self.put_line(run, color, size)
            run = []
            if cut := _cut(*start, *end):
                self.put_line(cut, color, size)
        if run:
            self.put_line(run, color, size)

    def area(self, pixels: Pixels, color: Rgb | None) -> None:
        """Fill a polygon; where it crosses itself, every other part is empty, as in Tk."""
        if color is not None and len(pixels) > 2:
            self.put_area([(_near(x), _near(y)) for x, y in pixels], color)

    def disk(self, x: float, y: float, color: Rgb | None, size: float) -> None:
        """Draw a disk; its diameter is in pixels of the window."""
        size = min(abs(size), FAR) * self.fineness
        if color is not None and abs(x) <= 2 * FAR and abs(y) <= 2 * FAR and size > 0:
            self.put_disk(x, y, color, size)

    def text(self, x: float, y: float, text: Text) -> None:
        """Write lines of text above a pixel."""
        if text.color is not None and abs(x) <= FAR and abs(y) <= FAR:
            self.put_text(x, y, text, text.color)

    def put_line(self, pixels: Pixels, color: Rgb, size: int) -> None:
        raise NotImplementedError

    def put_area(self, pixels: Pixels, color: Rgb) -> None:
        raise NotImplementedError

    def put_disk(self, x: float, y: float, color: Rgb, size: float) -> None:
        raise NotImplementedError

    def put_text(self, x: float, y: float, text: Text, color: Rgb) -> None:
        raise NotImplementedError


def _near(pixel: float) -> float:
    return max(-FAR, min(pixel, FAR))


def _cut(x: float, y: float, to_x: float, to_y: float) -> Pixels | None:
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
