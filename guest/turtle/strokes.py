"""Writes down what turtles draw, stroke by stroke, for someone who watches. See docs/decisions/0053-strokes.md."""

from __future__ import annotations

import json

from guest import protocol
from guest.turtle.paper import Paper
from guest.turtle.picture import Line

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.mailbox import Trace
    from guest.turtle.paper import Pixels
    from guest.turtle.picture import Area, Item, Text
    from guest.turtle.values import Rgb
    from guest.turtle.window import TurtleScreenBase

LINE_HEIGHT = 1.2
"""How far apart lines of text are, as a multiple of their letters' height."""


class Strokes(Paper):
    """Writes strokes into `written` as long as there is room."""

    def __init__(self, written: Trace, window: TurtleScreenBase) -> None:
        self._written = written
        self._window = window
        self._sheet: object = None  # what the last `clear` was for
        self._has_room = True

    def add(self, item: Item) -> None:
        """Write down an item that lies on top of the others."""
        if self._goes_on():
            item.paint(self)

    def extend(self, line: Line) -> None:
        """Write down the last part of a line."""
        if self._goes_on():
            Line(line.points[-4:], line.color, line.width).paint(self)

    def fill(self, area: Area) -> None:
        """Write down an area, and what lies above it."""
        if self._goes_on():
            items = self._window.picture.items
            for item in items[items.index(area) :]:
                item.paint(self)

    def begin_again(self) -> None:
        """Draw all anew before the next stroke: something was taken away."""
        self._sheet = None

    def _goes_on(self) -> bool:
        """Return whether what was drawn before is still as it was; otherwise draw all anew."""
        if not self._has_room:
            return False
        window, view = self._window, self._window.view
        sheet = (view.width, view.height, view.x_scale, view.y_scale, view.middle, window.background)
        if sheet == self._sheet:
            return True
        self._sheet = sheet
        self.lay_out(view, fineness=1)
        self._write("clear", window.background, 0, [(view.width, view.height)])
        for item in window.picture.items:
            item.paint(self)
        return False

    def _write(
        self, kind: str, color: Rgb, width: float, pixels: Pixels, text: str = "", align: str = protocol.ALIGNS[0]
    ) -> None:
        if self._has_room:
            points = [round(each, 1) for place in pixels for each in place]
            stroke = [kind, "#{:02x}{:02x}{:02x}".format(*color), round(width, 1), points, text, align]
            self._has_room = self._written.put(json.dumps(stroke).encode() + b"\n")

    def put_line(self, pixels: Pixels, color: Rgb, size: int) -> None:
        self._write("line", color, size, pixels)

    def put_area(self, pixels: Pixels, color: Rgb) -> None:
        self._write("area", color, 0, pixels)

    def put_disk(self, x: float, y: float, color: Rgb, size: float) -> None:
        self._write("dot", color, size, [(x, y)])

    def put_text(self, x: float, y: float, text: Text, color: Rgb) -> None:
        for line in text.lines():
            self._write("text", color, text.font.height, [(x, y)], line, protocol.ALIGNS[int(text.align * 2)])
            y -= text.font.height * LINE_HEIGHT
