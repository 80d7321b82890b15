"""Turtles: they move, draw with their pens, and have a shape."""

from __future__ import annotations

import math
from collections import deque

from guest.turtle.drawing import MOST_CORNERS, Drawing
from guest.turtle.pen import NEW_PEN, NEW_TRANSFORM, TPen
from guest.turtle.picture import Dot, Figure, Font, Text
from guest.turtle.screens import Screen, TurtleScreen
from guest.turtle.values import TurtleGraphicsError, Vec2D, rgb

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from guest.turtle.shapes import Points
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
        pen = self._with_transform(pen)
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
        self._pen = {**NEW_PEN, "resizemode": self._pen["resizemode"], "transform": NEW_TRANSFORM}
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
        self.tiltangle(angle + (self.tiltangle() or 0.0))

    def tiltangle(self, angle: float | None = None) -> float | None:
        """Return how the shape is tilted, or set it."""
        against = 1 if self._mode() == "logo" else -1  # the pen has it clockwise, in radians
        if angle is None:
            return float(math.degrees(self._pen["tilt"]) * against / (360 / self._full_circle) % self._full_circle)
        self._change(resizemode="user", tilt=math.radians(self._in_degrees(angle) * against) % math.tau)
        return None

    def shearfactor(self, shear: float | None = None) -> float | None:
        """Return how the shape is sheared, or set it: the tangent of the angle."""
        if shear is None:
            return float(self._pen["shearfactor"])
        self._change(resizemode="user", shearfactor=shear)
        return None

    def shapetransform(
        self, t11: float | None = None, t12: float | None = None, t21: float | None = None, t22: float | None = None
    ) -> tuple[float, float, float, float] | None:
        """Return the rows of the matrix that stretches, shears and tilts the shape, or set what is given of it."""
        m11, m12, m21, m22 = self._pen["transform"]
        if t11 is t12 is t21 is t22 is None:
            return m11, m12, m21, m22
        m11, m12 = m11 if t11 is None else t11, m12 if t12 is None else t12
        m21, m22 = m21 if t21 is None else t21, m22 if t22 is None else t22
        if m11 * m22 == m12 * m21:
            raise TurtleGraphicsError("Bad shape transform matrix: must not be singular")
        tilt = math.atan2(-m21, m11) % math.tau
        sine, cosine = math.sin(tilt), math.cos(tilt)
        wide, long = cosine * m11 - sine * m21, sine * m12 + cosine * m22
        shear = (cosine * m12 - sine * m22) / long
        transform = (m11, m12, m21, m22)
        self._change(resizemode="user", stretchfactor=(wide, long), shearfactor=shear, tilt=tilt, transform=transform)
        return None

    def get_shapepoly(self) -> Points | None:
        """Return the polygon of the shape as it is stretched, sheared and tilted; None for other shapes."""
        shape = self.screen.shape_named(self._shape)
        return self._transformed(shape.parts()[0][0]) if shape._type == "polygon" else None

    def _transformed(self, polygon: Points, is_compound: bool = False) -> Points:
        t11, t12, t21, t22 = self._pen["transform"]
        if self._pen["resizemode"] == "auto" and not is_compound:
            t11 = t22 = max(1, self._pen["pensize"] / 5.0)
            t12 = t21 = 0
        elif self._pen["resizemode"] == "noresize" and not is_compound:
            return polygon
        return tuple([(t11 * x + t12 * y, t21 * x + t22 * y) for x, y in polygon])

    def figure(self) -> Figure:
        """Return what the turtle looks like now."""
        pen = self._pen
        shape = self.screen.shape_named(self._shape)
        is_compound = shape._type == "compound"
        outline = pen["outline"]
        if not is_compound:
            outline = {"auto": pen["pensize"], "user": outline}.get(pen["resizemode"], 1)
        ahead_x, ahead_y = self._orient
        parts = []
        for polygon, fill, edge in shape.parts():
            points = self._transformed(polygon, is_compound)
            pixels = [(x * ahead_y + y * ahead_x, y * ahead_y - x * ahead_x) for x, y in points]
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
