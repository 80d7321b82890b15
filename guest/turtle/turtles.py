"""Turtles: they move, draw with their pens, and have a shape."""

from __future__ import annotations

from collections import deque

from guest.turtle.drawing import MOST_CORNERS, Drawing
from guest.turtle.pen import NEW_PEN, TPen
from guest.turtle.picture import Dot, Figure, Font, Text
from guest.turtle.screens import Screen, TurtleScreen
from guest.turtle.values import TurtleGraphicsError, Vec2D, rgb

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from guest.turtle.values import Rgb

MOST_UNDONE = 1000
ALIGNS = {"left": 0.0, "center": 0.5, "right": 1.0}


class RawTurtle(TPen):
    """A turtle on a screen."""

    def __init__(
        self,
        canvas: Any = None,
        shape: str = "classic",
        undobuffersize: int = MOST_UNDONE,
        visible: bool = True,
    ) -> None:
        screen = canvas if isinstance(canvas, TurtleScreen) else Screen()
        screen.shape_named(shape)
        self._shape = shape
        self._drawing = Drawing(screen)
        self._undo: deque[tuple[Any, ...]] = deque(maxlen=max(0, min(undobuffersize or 0, MOST_UNDONE)))
        self._poly: list[Vec2D] | None = None
        self._last_poly: tuple[Vec2D, ...] | None = None
        TPen.__init__(self, screen, visible)
        screen.add(self)

    # What it draws

    def _go_to(self, x: float, y: float) -> None:
        self._drawing.move(self._position, x, y, self._pen)
        self._position = Vec2D(x, y)
        if self._poly is not None and len(self._poly) < MOST_CORNERS:
            self._poly.append(self._position)

    def teleport(self, x: float | None = None, y: float | None = None, *, fill_gap: bool = False) -> None:
        """Move to a position without drawing."""
        self._remember()
        is_down, self._pen["pendown"] = self._pen["pendown"], False
        has_gap = self.filling() and not fill_gap
        if has_gap:
            self._drawing.end_area(rgb(self._pen["fillcolor"]))
        self._go_to(self.xcor() if x is None else x, self.ycor() if y is None else y)
        if has_gap:
            self._drawing.begin_area(self._position)
        self._pen["pendown"] = is_down

    def _change(self, **pen: Any) -> None:
        self._remember()
        if any(self._pen[name] != pen[name] for name in pen.keys() & {"pendown", "pencolor", "pensize"}):
            self._drawing.end_line()
        self._pen.update(pen)

    def _remember(self) -> None:
        self.screen.is_changed = True
        self._undo.append((self._position, self._orient, dict(self._pen), self._shape, self._drawing.mark()))

    def undo(self) -> None:
        """Undo the last action."""
        if self._undo:
            self.screen.is_changed = True
            self._position, self._orient, self._pen, self._shape, mark = self._undo.pop()
            self._drawing.undo_to(mark)

    def setundobuffer(self, size: int | None) -> None:
        """Set how many actions can be undone."""
        self._undo = deque(maxlen=max(0, min(size or 0, MOST_UNDONE)))

    def undobufferentries(self) -> int:
        """Return how many actions can be undone."""
        return len(self._undo)

    def clear(self) -> None:
        """Delete what this turtle has drawn. What is painted stays."""
        self.screen.is_changed = True
        self._drawing.clear()
        self._undo.clear()

    def reset(self) -> None:
        """Delete what this turtle has drawn, and make it as it was at first."""
        self.clear()
        self._pen = {**NEW_PEN}
        self._full_circle = 360.0
        self._home()

    def filling(self) -> bool:
        """Return whether an area has begun."""
        return self._drawing.has_area()

    def begin_fill(self) -> None:
        """Begin an area."""
        self._remember()
        self._drawing.begin_area(self._position)

    def end_fill(self) -> None:
        """Fill the area since `begin_fill()`, below the lines that have been drawn meanwhile."""
        if self.filling():
            self._remember()
            self._drawing.end_area(rgb(self._pen["fillcolor"]))

    def dot(self, size: Any = None, *color: Any) -> None:
        """Draw a dot."""
        if not color and isinstance(size, str | tuple):
            size, color = None, (size,)
        self._remember()
        chosen = self.screen.color_text(color) if color else self._pen["pencolor"]
        width = self._checked_size(size) if size else self._pen["pensize"] + max(self._pen["pensize"], 4)
        self._drawing.end_line()
        self._drawing.put(Dot(self._position, rgb(chosen), float(width)))

    def write(self, arg: object, move: bool = False, align: str = "left", font: Any = ("Arial", 8, "normal")) -> None:
        """Write a text."""
        text = str(arg)
        self._remember()
        family, points, *styles = (*((font.split() if isinstance(font, str) else font) or ("Arial",)), 8)[:9]
        try:
            chosen = Font(str(family), float(points), {word for each in styles for word in str(each).lower().split()})
        except (TypeError, ValueError):
            raise TurtleGraphicsError(f'expected integer but got "{points}"') from None
        side = ALIGNS[align.lower()]
        self._drawing.put(Text(self._position, text, side, chosen, rgb(self._pen["pencolor"])))
        if move:
            self._go_to(self.xcor() + chosen.width_of(text) * (1 - side) / self.screen.view.x_scale, self.ycor())

    # Its shape

    def shape(self, name: str | None = None) -> str | None:
        """Return the name of the shape, or set it."""
        if name is None:
            return self._shape
        self.screen.shape_named(name)
        self._remember()
        self._shape = name
        return None

    def shapesize(self, stretch_wid: Any = None, stretch_len: Any = None, outline: Any = None) -> Any:
        """Return how the turtle is stretched, across and along, and the width of its outline, or set them."""
        wide, long = self._pen["stretchfactor"]
        if stretch_wid is stretch_len is outline is None:
            return wide, long, self._pen["outline"]
        if stretch_wid == 0 or stretch_len == 0:
            raise TurtleGraphicsError("stretch_wid/stretch_len must not be zero")
        if stretch_wid is not None:
            wide, long = stretch_wid, stretch_wid if stretch_len is None else stretch_len
        elif stretch_len is not None:
            long = stretch_len
        width = self._pen["outline"] if outline is None else outline
        self._change(resizemode="user", stretchfactor=(wide, long), outline=width)
        return None

    def tilt(self, angle: float) -> None:
        """Tilt the shape."""
        self._change(resizemode="user", tilt=self._pen["tilt"] + self._in_degrees(angle))

    def tiltangle(self, angle: float | None = None) -> float | None:
        """Return how the shape is tilted, or set it."""
        if angle is None:
            return float(self._pen["tilt"] / (360 / self._full_circle))
        self._change(resizemode="user", tilt=self._in_degrees(angle))
        return None

    def figure(self) -> Figure:
        """Return what the turtle looks like now."""
        pen = self._pen
        wide, long, outline, tilt = 1.0, 1.0, 1, 0.0
        if pen["resizemode"] == "auto":
            wide = long = max(1.0, pen["pensize"] / 5)
        elif pen["resizemode"] == "user":
            (wide, long), outline, tilt = pen["stretchfactor"], pen["outline"], pen["tilt"]
        ahead_x, ahead_y = self._orient.rotate(tilt)
        parts = []
        for polygon, fill, edge in self.screen.shape_named(self._shape).parts():
            pixels = [
                (x * wide * ahead_y + y * long * ahead_x, y * long * ahead_y - x * wide * ahead_x) for x, y in polygon
            ]
            colors: list[Rgb | None] = [
                rgb(self.screen.color_text(own)) if own is not None else rgb(pen[name])
                for own, name in ((fill, "fillcolor"), (edge, "pencolor"))
            ]
            parts.append((pixels, colors[0], colors[1], float(outline)))
        return Figure(self._position, parts)

    def stamp(self) -> int:
        """Leave a copy of the shape; return its number."""
        self._remember()
        return self._drawing.stamp(self.figure())

    def clearstamp(self, stampid: int) -> None:
        """Delete a stamp."""
        self.screen.is_changed = True
        self._drawing.delete_stamp(stampid)

    def clearstamps(self, n: int | None = None) -> None:
        """Delete all stamps, the first or, if `n` is negative, the last."""
        numbers = self._drawing.stamps()
        for number in numbers if n is None else numbers[:n] if n >= 0 else numbers[n:]:
            self.clearstamp(number)

    def begin_poly(self) -> None:
        """Begin to record a polygon."""
        self._poly = [self._position]

    def end_poly(self) -> None:
        """Record the polygon no longer."""
        if self._poly is not None:
            self._last_poly, self._poly = tuple(self._poly), None

    def get_poly(self) -> tuple[Vec2D, ...] | None:
        """Return the polygon that was recorded last."""
        return self._last_poly

    # Others

    def clone(self) -> RawTurtle:
        """Return another turtle at the same place, with the same pen."""
        other = type(self).__new__(type(self))
        RawTurtle.__init__(other, self.screen, self._shape)
        other.__dict__.update({n: v for n, v in self.__dict__.items() if n not in other.__dict__})
        other._position, other._orient, other._pen = self._position, self._orient, dict(self._pen)
        other._full_circle = self._full_circle
        return other

    def getturtle(self) -> RawTurtle:
        """Return the turtle."""
        return self

    def getscreen(self) -> TurtleScreen:
        """Return the screen."""
        return self.screen

    def onclick(self, fun: Any, btn: int = 1, add: bool | None = None) -> None:
        """Accept a function that is never called."""

    def ondrag(self, fun: Any, btn: int = 1, add: bool | None = None) -> None:
        """Accept a function that is never called."""

    def onrelease(self, fun: Any, btn: int = 1, add: bool | None = None) -> None:
        """Accept a function that is never called."""

    turtlesize, getpen, settiltangle = shapesize, getturtle, tiltangle


class Turtle(RawTurtle):
    """A turtle on the screen."""

    def __init__(self, shape: str = "classic", undobuffersize: int = MOST_UNDONE, visible: bool = True) -> None:
        RawTurtle.__init__(self, None, shape, undobuffersize, visible)

    @staticmethod
    def first() -> Turtle:
        """Return the turtle that the functions of the module are about."""
        screen = Screen()
        if screen.first is None:
            screen.first = Turtle()
        return screen.first
