"""The pen of a turtle: whether it is down, its colours and size, and whether and how the turtle is shown."""

from __future__ import annotations

import math

from guest.turtle.navigator import TNavigator
from guest.turtle.values import TurtleGraphicsError

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from guest.turtle.screens import TurtleScreen

SPEEDS = {"fastest": 0, "fast": 10, "normal": 6, "slow": 3, "slowest": 1}
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
NEW_TRANSFORM = (1.0, 0.0, 0.0, 1.0)
"""The rows of the matrix that turns the points of a shape into those that are drawn."""


class TPen(TNavigator):
    """A pen, by which a turtle draws as it moves."""

    def __init__(self, screen: TurtleScreen, visible: bool) -> None:
        self.screen = screen
        self._pen: dict[str, Any] = {**NEW_PEN, "transform": NEW_TRANSFORM, "shown": visible}
        TNavigator.__init__(self)

    def _mode(self) -> str:
        return self.screen.mode() or ""

    def _change(self, **pen: Any) -> None:
        pen = self._with_transform(pen)
        self._remember()
        self._pen.update(pen)

    def _with_transform(self, pen: dict[str, Any]) -> dict[str, Any]:
        """Return the changes of the pen, with the matrix if the shape is now stretched, sheared or tilted otherwise."""
        if "transform" in pen or pen.keys().isdisjoint(("stretchfactor", "shearfactor", "tilt")):
            return pen
        new = {**self._pen, **pen}
        (wide, long), shear = new["stretchfactor"], new["shearfactor"]
        sine, cosine = math.sin(new["tilt"]), math.cos(new["tilt"])
        rows = (wide * cosine, long * (shear * cosine + sine), -wide * sine, long * (cosine - shear * sine))
        return {**pen, "transform": rows}

    def pendown(self) -> None:
        """Draw from now on."""
        self._change(pendown=True)

    def penup(self) -> None:
        """Do not draw from now on."""
        self._change(pendown=False)

    def isdown(self) -> bool:
        """Return whether the pen is down."""
        return bool(self._pen["pendown"])

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
            return {name: self._pen[name] for name in NEW_PEN}
        for name in ("pencolor", "fillcolor"):
            if name in changes:
                changes[name] = self.screen.color_text(changes[name])
        if isinstance(stretch := changes.get("stretchfactor"), int | float):
            changes["stretchfactor"] = (stretch, stretch)
        if "pensize" in changes:
            changes["pensize"] = self._checked_size(changes["pensize"])
        self._change(**{name: value for name, value in changes.items() if name in NEW_PEN})
        return None

    def showturtle(self) -> None:
        """Show the turtle."""
        self._change(shown=True)

    def hideturtle(self) -> None:
        """Hide the turtle."""
        self._change(shown=False)

    def isvisible(self) -> bool:
        """Return whether the turtle is shown."""
        return bool(self._pen["shown"])

    def resizemode(self, rmode: str | None = None) -> str | None:
        """Return how the turtle gets its size, or set it: "auto", "user" or "noresize"."""
        if rmode is None:
            return str(self._pen["resizemode"])
        if rmode.lower() in ("auto", "user", "noresize"):
            self._change(resizemode=rmode.lower())
        return None

    down = pd = pendown
    up = pu = penup
    width, st, ht = pensize, showturtle, hideturtle
