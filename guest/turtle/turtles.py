"""Turtles: how they move, and what they draw."""

from __future__ import annotations

import math
from collections import deque

from guest.turtle.picture import Area, Dot, Figure, Font, Item, Line, Text
from guest.turtle.screens import Screen, TurtleScreen
from guest.turtle.values import TurtleGraphicsError, Vec2D, rgb

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from guest.turtle.values import Rgb

MOST_UNDONE = 1000
MOST_CORNERS = 100_000
"""How many corners of a filled area are kept."""
SPEEDS = {"fastest": 0, "fast": 10, "normal": 6, "slow": 3, "slowest": 1}
ALIGNS = {"left": 0.0, "center": 0.5, "right": 1.0}
NEW_PEN = {
    "shown": True,
    "pendown": True,
    "pencolor": "black",
    "fillcolor": "black",
    "pensize": 1,
    "speed": 3,
    "resizemode": "noresize",
    "stretchfactor": (1.0, 1.0),
    "shearfactor": 0.0,
    "outline": 1,
    "tilt": 0.0,
}


class TNavigator:
    """A position and a heading. Angles are in degrees unless told otherwise."""

    def __init__(self) -> None:
        self._full_circle = 360.0
        self._home()

    def _mode(self) -> str:
        return "standard"

    def _home(self) -> None:
        self._position = Vec2D(0.0, 0.0)
        self._orient = Vec2D(0.0, 1.0) if self._mode() == "logo" else Vec2D(1.0, 0.0)

    def _remember(self) -> None:
        """Remember the state, for `undo()`."""

    def _go_to(self, x: float, y: float) -> None:
        self._position = Vec2D(x, y)

    def degrees(self, fullcircle: float = 360.0) -> None:
        """Measure angles in degrees, or in other parts of a full circle."""
        self._full_circle = fullcircle

    def radians(self) -> None:
        """Measure angles in radians."""
        self._full_circle = math.tau

    def _in_degrees(self, angle: float) -> float:
        return angle * (360 / self._full_circle)

    def _turn(self, angle: float) -> None:
        self._orient = self._orient.rotate(self._in_degrees(angle))

    def _heading_of(self, x: float, y: float) -> float:
        found = round(math.degrees(math.atan2(y, x)), 10) % 360.0 / (360 / self._full_circle)
        if self._mode() == "logo":
            found = self._full_circle / 4 - found
        return found % self._full_circle

    def forward(self, distance: float) -> None:
        """Move forward."""
        self._remember()
        self._advance(distance)

    def back(self, distance: float) -> None:
        """Move backward."""
        self._remember()
        self._advance(-distance)

    def _advance(self, distance: float) -> None:
        self._go_to(self._position[0] + self._orient[0] * distance, self._position[1] + self._orient[1] * distance)

    def right(self, angle: float) -> None:
        """Turn right."""
        self._remember()
        self._turn(-angle)

    def left(self, angle: float) -> None:
        """Turn left."""
        self._remember()
        self._turn(angle)

    def pos(self) -> Vec2D:
        """Return the position."""
        return self._position

    def xcor(self) -> float:
        """Return the x coordinate."""
        return self._position[0]

    def ycor(self) -> float:
        """Return the y coordinate."""
        return self._position[1]

    def goto(self, x: Any, y: Any = None) -> None:
        """Move to a position."""
        target = Vec2D(*x) if y is None else Vec2D(x, y)
        target - Vec2D(0.0, 0.0)  # raises what is wrong with it
        self._remember()
        self._go_to(*target)

    def teleport(self, x: float | None = None, y: float | None = None, *, fill_gap: bool = False) -> None:
        """Move to a position without drawing."""
        self._remember()
        self._position = Vec2D(self.xcor() if x is None else x, self.ycor() if y is None else y)

    def home(self) -> None:
        """Move to the middle, and turn as at first."""
        self._remember()
        self._go_to(0.0, 0.0)
        self._set_heading(0.0)

    def setx(self, x: float) -> None:
        """Move to another x coordinate."""
        self.goto(x, self._position[1])

    def sety(self, y: float) -> None:
        """Move to another y coordinate."""
        self.goto(self._position[0], y)

    def _vector_to(self, x: Any, y: Any) -> Vec2D:
        if isinstance(x, TNavigator):
            x = x._position
        target = Vec2D(*x) if y is None else Vec2D(x, y)
        return target - self._position

    def distance(self, x: Any, y: Any = None) -> float:
        """Return how far a position or another turtle is."""
        return abs(self._vector_to(x, y))

    def towards(self, x: Any, y: Any = None) -> float:
        """Return the heading from here to a position or another turtle."""
        return self._heading_of(*self._vector_to(x, y))

    def heading(self) -> float:
        """Return the heading."""
        return self._heading_of(*self._orient)

    def setheading(self, to_angle: float) -> None:
        """Turn to a heading."""
        self._remember()
        self._set_heading(to_angle)

    def _set_heading(self, to_angle: float) -> None:
        angle = (to_angle - self.heading()) * (-1 if self._mode() == "logo" else 1)
        self._turn((angle + self._full_circle / 2) % self._full_circle - self._full_circle / 2)

    def circle(self, radius: float, extent: float | None = None, steps: int | None = None) -> None:
        """Draw a circle, whose middle is to the left, or a part of it; with `steps`, a polygon."""
        if extent is None:
            extent = self._full_circle
        if steps is None:
            steps = 1 + int(min(11 + abs(radius) / 6.0, 59.0) * abs(extent) / self._full_circle)
        turn = 1.0 * extent / steps
        length = 2.0 * radius * math.sin(math.radians(self._in_degrees(turn / 2)))
        if radius < 0:
            length, turn = -length, -turn
        self._remember()
        self._turn(turn / 2)
        for _ in range(steps):
            self._advance(length)
            self._turn(turn)
        self._turn(-turn / 2)

    fd, bk, backward, rt, lt = forward, back, back, right, left
    position, setpos, setposition, seth = pos, goto, goto, setheading


class RawTurtle(TNavigator):
    """A turtle with a pen."""

    def __init__(
        self,
        canvas: Any = None,
        shape: str = "classic",
        undobuffersize: int = MOST_UNDONE,
        visible: bool = True,
    ) -> None:
        self.screen: TurtleScreen = canvas if isinstance(canvas, TurtleScreen) else Screen()
        self.screen.shape_named(shape)
        self._pen: dict[str, Any] = {**NEW_PEN, "shown": visible}
        self._shape = shape
        self._items: list[Item] = []
        self._stamps: dict[int, Item] = {}
        self._stamped = 0
        self._undo: deque[tuple[Any, ...]] = deque(maxlen=max(0, min(undobuffersize or 0, MOST_UNDONE)))
        self._line: Line | None = None
        self._area: Area | None = None
        self._corners: list[float] = []
        self._poly: list[Vec2D] | None = None
        self._last_poly: tuple[Vec2D, ...] | None = None
        TNavigator.__init__(self)
        self.screen.add(self)

    def _mode(self) -> str:
        return self.screen.mode() or ""

    # What it draws

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self.screen.picture.put(item)
        self._make_room()

    def _make_room(self) -> None:
        if self.screen.picture.make_room(self.screen.view):
            for turtle in self.screen.turtles():
                turtle._items = [each for each in turtle._items if not each.is_painted]
                turtle._stamps = {number: each for number, each in turtle._stamps.items() if not each.is_painted}

    def _drop(self, item: Item) -> None:
        if item in self._items:
            self._items.remove(item)
        self.screen.picture.remove(item)

    def _go_to(self, x: float, y: float) -> None:
        if self._pen["pendown"]:
            if self._line is None or self._line.is_painted:
                self._line = Line((*self._position, x, y), rgb(self._pen["pencolor"]), self._pen["pensize"])
                self._put(self._line)
            else:
                self.screen.picture.extend(self._line, x, y)
                self._make_room()
        else:
            self._line = None
        self._position = Vec2D(x, y)
        if self._area is not None and len(self._corners) < 2 * MOST_CORNERS:
            self._corners += (x, y)
        if self._poly is not None and len(self._poly) < MOST_CORNERS:
            self._poly.append(self._position)

    def teleport(self, x: float | None = None, y: float | None = None, *, fill_gap: bool = False) -> None:
        """Move to a position without drawing."""
        self._remember()
        is_down, self._pen["pendown"] = self._pen["pendown"], False
        area = None if self._area is None or fill_gap else self._pen["fillcolor"]
        if area is not None:
            self._end_area()
        self._go_to(self.xcor() if x is None else x, self.ycor() if y is None else y)
        if area is not None:
            self._begin_area()
        self._pen["pendown"] = is_down

    def _remember(self) -> None:
        self.screen.is_changed = True
        line, count = self._line, len(self._line.points) if self._line is not None else 0
        self._undo.append(
            (
                self._position,
                self._orient,
                dict(self._pen),
                self._shape,
                len(self._items),
                line,
                count,
                self._area,
                len(self._corners),
            )
        )

    def undo(self) -> None:
        """Undo the last action."""
        if not self._undo:
            return
        self.screen.is_changed = True
        self._position, self._orient, self._pen, self._shape, items, line, count, area, corners = self._undo.pop()
        for item in self._items[items:]:
            self._drop(item)
        if line is not None and not line.is_painted:
            del line.points[count:]
        self._line = line
        if area is not None and self._area is None:
            del area.points[:]
        self._area = area
        del self._corners[corners:]

    def setundobuffer(self, size: int | None) -> None:
        """Set how many actions can be undone."""
        self._undo = deque(maxlen=max(0, min(size or 0, MOST_UNDONE)))

    def undobufferentries(self) -> int:
        """Return how many actions can be undone."""
        return len(self._undo)

    def clear(self) -> None:
        """Delete what this turtle has drawn. What is painted stays."""
        self.screen.is_changed = True
        for item in self._items:
            self.screen.picture.remove(item)
        self._items.clear()
        self._stamps.clear()
        self._undo.clear()
        self._line = self._area = None

    def reset(self) -> None:
        """Delete what this turtle has drawn, and make it as it was at first."""
        self.clear()
        self._pen = {**NEW_PEN}
        self._full_circle = 360.0
        self._home()

    # The pen

    def pendown(self) -> None:
        """Draw from now on."""
        self._change(pendown=True)

    def penup(self) -> None:
        """Do not draw from now on."""
        self._change(pendown=False)

    def isdown(self) -> bool:
        """Return whether the pen is down."""
        return bool(self._pen["pendown"])

    def _change(self, **pen: Any) -> None:
        self._remember()
        if any(self._pen[name] != pen[name] for name in pen.keys() & {"pendown", "pencolor", "pensize"}):
            self._line = None
        self._pen.update(pen)

    def pensize(self, width: Any = None) -> Any:
        """Return how wide the pen is, or set it."""
        if width is None:
            return self._pen["pensize"]
        self._change(pensize=self._checked_size(width))
        return None

    def _checked_size(self, width: Any) -> Any:
        try:
            number = float(width)
        except (TypeError, ValueError):
            raise TurtleGraphicsError(f'bad screen distance "{width}"') from None
        if not math.isfinite(number):
            raise TurtleGraphicsError(f'bad screen distance "{width}"')
        return number if isinstance(width, str) else width

    def speed(self, speed: Any = None) -> int | None:
        """Return the speed, or set it, which changes nothing in the picture."""
        if speed is None:
            return int(self._pen["speed"])
        number = SPEEDS.get(speed, speed)
        self._pen["speed"] = round(number) if 0.5 < number < 10.5 else 0
        return None

    def color(self, *args: Any) -> Any:
        """Return the colours of the pen and of areas, or set them."""
        if not args:
            return self.pencolor(), self.fillcolor()
        if len(args) > 3:
            raise TurtleGraphicsError(f"bad color arguments: {args}")
        pen, fill = args if len(args) == 2 else (args[0] if len(args) == 1 else args,) * 2
        self._change(pencolor=self.screen.color_text(pen), fillcolor=self.screen.color_text(fill))
        return None

    def pencolor(self, *args: Any) -> Any:
        """Return the colour of the pen, or set it."""
        if not args:
            return self.screen.color_value(self._pen["pencolor"])
        self._change(pencolor=self.screen.color_text(args))
        return None

    def fillcolor(self, *args: Any) -> Any:
        """Return the colour of areas, or set it."""
        if not args:
            return self.screen.color_value(self._pen["fillcolor"])
        self._change(fillcolor=self.screen.color_text(args))
        return None

    def pen(self, pen: dict[str, Any] | None = None, **pendict: Any) -> dict[str, Any] | None:
        """Return everything about the pen, or set some of it."""
        changes = {**(pen or {}), **pendict}
        if not changes:
            return dict(self._pen)
        for name in ("pencolor", "fillcolor"):
            if name in changes:
                changes[name] = self.screen.color_text(changes[name])
        if "pensize" in changes:
            changes["pensize"] = self._checked_size(changes["pensize"])
        self._change(**{name: value for name, value in changes.items() if name in NEW_PEN})
        return None

    # Areas

    def filling(self) -> bool:
        """Return whether an area has begun."""
        return self._area is not None

    def begin_fill(self) -> None:
        """Begin an area."""
        self._remember()
        self._begin_area()

    def _begin_area(self) -> None:
        self._line = None
        if self._area is None:
            self._area = Area()
            self._put(self._area)
        self._corners = [*self._position]

    def end_fill(self) -> None:
        """Fill the area since `begin_fill()`, below the lines that have been drawn meanwhile."""
        if self._area is not None:
            self._remember()
            self._end_area()

    def _end_area(self) -> None:
        if self._area is None:
            return
        if len(self._corners) > 4:
            self._area.color = rgb(self._pen["fillcolor"])
            self._area.points.extend(self._corners)
        self._area = None

    def dot(self, size: Any = None, *color: Any) -> None:
        """Draw a dot."""
        if not color and isinstance(size, str | tuple):
            size, color = None, (size,)
        self._remember()
        chosen = self.screen.color_text(color) if color else self._pen["pencolor"]
        width = self._checked_size(size) if size else self._pen["pensize"] + max(self._pen["pensize"], 4)
        self._line = None
        self._put(Dot(self._position, rgb(chosen), float(width)))

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
        self._put(Text(self._position, text, side, chosen, rgb(self._pen["pencolor"])))
        if move:
            self._go_to(self.xcor() + chosen.width_of(text) * (1 - side) / self.screen.view.x_scale, self.ycor())

    # How it looks

    def showturtle(self) -> None:
        """Show the turtle."""
        self._change(shown=True)

    def hideturtle(self) -> None:
        """Hide the turtle."""
        self._change(shown=False)

    def isvisible(self) -> bool:
        """Return whether the turtle is shown."""
        return bool(self._pen["shown"])

    def shape(self, name: str | None = None) -> str | None:
        """Return the name of the shape, or set it."""
        if name is None:
            return self._shape
        self.screen.shape_named(name)
        self._remember()
        self._shape = name
        return None

    def resizemode(self, rmode: str | None = None) -> str | None:
        """Return how the turtle gets its size, or set it: "auto", "user" or "noresize"."""
        if rmode is None:
            return str(self._pen["resizemode"])
        if rmode.lower() in ("auto", "user", "noresize"):
            self._change(resizemode=rmode.lower())
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
            places = [
                (x * wide * ahead_y + y * long * ahead_x, y * long * ahead_y - x * wide * ahead_x) for x, y in polygon
            ]
            colors: list[Rgb | None] = [
                rgb(self.screen.color_text(own)) if own is not None else rgb(pen[name])
                for own, name in ((fill, "fillcolor"), (edge, "pencolor"))
            ]
            parts.append((places, colors[0], colors[1], float(outline)))
        return Figure(self._position, parts)

    def stamp(self) -> int:
        """Leave a copy of the shape; return its number."""
        self._remember()
        self._stamped += 1
        self._stamps[self._stamped] = figure = self.figure()
        self._put(figure)
        if len(self._stamps) > MOST_CORNERS:
            del self._stamps[next(iter(self._stamps))]
        return self._stamped

    def clearstamp(self, stampid: int) -> None:
        """Delete a stamp."""
        self.screen.is_changed = True
        if item := self._stamps.pop(stampid, None):
            self._drop(item)

    def clearstamps(self, n: int | None = None) -> None:
        """Delete all stamps, the first or, if `n` is negative, the last."""
        numbers = list(self._stamps)
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

    down = pd = pendown
    up = pu = penup
    width, st, ht, turtlesize, getpen, settiltangle = pensize, showturtle, hideturtle, shapesize, getturtle, tiltangle


class Turtle(RawTurtle):
    """A turtle on the screen."""

    _first: Turtle | None = None

    def __init__(self, shape: str = "classic", undobuffersize: int = MOST_UNDONE, visible: bool = True) -> None:
        RawTurtle.__init__(self, None, shape, undobuffersize, visible)

    @staticmethod
    def first() -> Turtle:
        """Return the turtle that the functions of the module are about."""
        if Turtle._first is None:
            Turtle._first = Turtle()
        return Turtle._first

    @staticmethod
    def forget_first() -> None:
        """Let the functions make a new turtle."""
        Turtle._first = None
