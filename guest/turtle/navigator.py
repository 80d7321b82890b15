"""Where a turtle is, which way it is going, and how it moves."""

from __future__ import annotations

import math

from guest.turtle.values import Vec2D

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any


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
