"""The one screen that a program's turtles are on."""

from __future__ import annotations

from guest.turtle.shapes import Shape, known_shapes
from guest.turtle.values import TurtleGraphicsError, rgb
from guest.turtle.window import MONITOR, TurtleScreenBase

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from guest.turtle.turtles import RawTurtle, Turtle

MODES = ("standard", "logo", "world")


class TurtleScreen(TurtleScreenBase):
    """A screen for turtles. There is only one: `Screen()` returns it."""

    def __init__(self) -> None:
        TurtleScreenBase.__init__(self)
        self.first: Turtle | None = None
        """The turtle that the functions of the module are about."""
        self._canvas = (400, 300)
        self._begin()

    def _begin(self) -> None:
        self._shapes = known_shapes()
        self._mode, self._colormode = "standard", 1.0
        self._tracing, self._delay = 1, 10
        self.background, self._background_name = (255, 255, 255), "white"
        self._background_picture = "nopic"
        self._fit()

    # Colours

    def colormode(self, cmode: float | None = None) -> float | None:
        """Return what stands for full brightness, 1.0 or 255, or set it."""
        if cmode is None:
            return self._colormode
        if cmode in (1.0, 255):
            self._colormode = float(cmode) if cmode == 1.0 else int(cmode)
        return None

    def color_text(self, color: Any) -> str:
        """Return a colour as Tk names it. Raises TurtleGraphicsError if it is none."""
        if isinstance(color, tuple | list) and len(color) == 1:
            color = color[0]
        if isinstance(color, str):
            if color and rgb(color) is None:
                raise TurtleGraphicsError(f"bad color string: {color}")
            return color
        try:
            red, green, blue = color
        except (TypeError, ValueError):
            raise TurtleGraphicsError(f"bad color arguments: {color}") from None
        if self._colormode == 1.0:
            red, green, blue = [round(255.0 * each) for each in (red, green, blue)]  # a generator has a frame
        if not (0 <= red <= 255 and 0 <= green <= 255 and 0 <= blue <= 255):
            raise TurtleGraphicsError(f"bad color sequence: {color}")
        return f"#{red:02x}{green:02x}{blue:02x}"

    def color_value(self, text: str) -> Any:
        """Return a colour as the program gets it: a name, or numbers for one that was given by numbers."""
        found = rgb(text) if text.startswith("#") else None
        if found is None:
            return text
        return tuple(each if self._colormode == 255 else each / 255 for each in found)

    def bgcolor(self, *args: Any) -> Any:
        """Return the colour of the background, or set it."""
        if not args:
            return self.color_value(self._background_name)
        text = self.color_text(args if len(args) > 1 else args[0])
        self._background_name, self.background = text, rgb(text) or (255, 255, 255)
        self.is_changed = True
        return None

    def bgpic(self, picname: str | None = None) -> str | None:
        """Return the name of the background's image, or set it to that of a file, or "nopic"."""
        if picname is None:
            return self._background_picture
        if picname != "nopic":
            with open(picname, "rb"):  # raises what is wrong with it now
                pass
        self._background_picture = picname
        self.is_changed = True
        return None

    # The window

    def title(self, titlestring: str) -> None:
        """Accept a title, which nothing shows."""

    def setup(self, width: float = 0.5, height: float = 0.75, startx: Any = None, starty: Any = None) -> None:
        """Set the size of the window, in pixels or as a part of the monitor."""
        sides = [
            int(each * whole) if isinstance(each, float) and 0 <= each <= 1 else int(each)
            for each, whole in zip((width, height), MONITOR, strict=True)
        ]
        self._window = (sides[0], sides[1])
        self._fit()
        self.is_changed = True

    def screensize(self, canvwidth: int | None = None, canvheight: int | None = None, bg: Any = None) -> Any:
        """Return the size of the canvas, or set it. The picture is that of the window, whatever the canvas."""
        if canvwidth is None and canvheight is None and bg is None:
            return self._canvas
        self._canvas = (
            self._canvas[0] if canvwidth is None else canvwidth,
            self._canvas[1] if canvheight is None else canvheight,
        )
        if bg is not None:
            self.bgcolor(bg)
        return None

    def window_width(self) -> int:
        """Return the width of the window."""
        return self.view.width

    def window_height(self) -> int:
        """Return the height of the window."""
        return self.view.height

    def setworldcoordinates(self, llx: float, lly: float, urx: float, ury: float) -> None:
        """Set the coordinates of the lower left and the upper right corner, for mode "world"."""
        across, up = float(urx - llx), float(ury - lly)
        if self._mode != "world":
            self.mode("world")
        self.view.x_scale, self.view.y_scale = (self.view.width - 20) / across, (self.view.height - 20) / up
        self.view.middle = (llx + across / 2, lly + up / 2)
        self.is_changed = True

    def mode(self, mode: str | None = None) -> str | None:
        """Return the mode, or set it and reset all turtles: "standard", "logo" (0 is up, clockwise) or "world"."""
        if mode is None:
            return self._mode
        mode = mode.lower()
        if mode not in MODES:
            raise TurtleGraphicsError(f"No turtle-graphics-mode {mode}")
        self._mode = mode
        if mode != "world":
            self.view.x_scale = self.view.y_scale = 1.0
            self.view.middle = (0.0, 0.0)
        self.reset()
        return None

    # Animation: there is none, and so only what the program can ask is kept

    def tracer(self, n: int | None = None, delay: int | None = None) -> int | None:
        """Return how often the screen would be drawn, or set it."""
        if n is None:
            return self._tracing
        self._tracing = int(n)
        if delay is not None:
            self._delay = int(delay)
        return None

    def delay(self, delay: int | None = None) -> int | None:
        """Return the delay between two drawings, or set it."""
        if delay is None:
            return self._delay
        self._delay = int(delay)
        return None

    def update(self) -> None:
        """Do nothing: the picture is drawn once it is shown."""

    # Turtles and their shapes

    def add(self, turtle: RawTurtle) -> None:
        """Put a turtle on the screen."""
        self._turtles.append(turtle)
        self.is_changed = True

    def turtles(self) -> list[RawTurtle]:
        """Return the turtles on the screen."""
        return list(self._turtles)

    def getshapes(self) -> list[str]:
        """Return the names of all shapes."""
        return sorted(self._shapes)

    def register_shape(self, name: str, shape: Any = None) -> None:
        """Add a shape. An image stays invisible."""
        if shape is None:
            if not name.lower().endswith((".gif", ".png")):
                raise TurtleGraphicsError("Bad arguments for register_shape.\nUse  help(register_shape)")
            shape = Shape("image", name)
        elif isinstance(shape, tuple):
            shape = Shape("polygon", shape)
        self._shapes[name] = shape

    addshape = register_shape

    def shape_named(self, name: str) -> Shape:
        """Return a shape. Raises TurtleGraphicsError if there is none."""
        if name not in self._shapes:
            raise TurtleGraphicsError(f"There is no shape named {name}")
        return self._shapes[name]

    def clear(self) -> None:
        """Delete all drawings and all turtles, and make the screen as it was at first."""
        self.picture.clear()
        self._turtles.clear()
        self._timers.clear()
        self.view.x_scale = self.view.y_scale = 1.0
        self.view.middle = (0.0, 0.0)
        self._begin()
        self.first = None
        self.is_changed = True

    clearscreen = clear

    def reset(self) -> None:
        """Reset all turtles."""
        for turtle in self._turtles:
            turtle.reset()

    resetscreen = reset

    # Events: nobody is there

    def listen(self, xdummy: Any = None, ydummy: Any = None) -> None:
        """Accept that the program wants keys. None is ever pressed."""

    def onkeypress(self, fun: Any, key: str | None = None) -> None:
        """Accept a function that is never called."""

    def onkey(self, fun: Any, key: str) -> None:
        """Accept a function that is never called."""

    onkeyrelease = onkey

    def onclick(self, fun: Any, btn: int = 1, add: bool | None = None) -> None:
        """Accept a function that is never called."""

    onscreenclick = onclick

    def ontimer(self, fun: Callable[[], object], t: float = 0) -> None:
        """Call a function once the program waits in `mainloop()`."""
        self._ontimer(fun, t)

    def exitonclick(self) -> None:
        """Show the picture: nobody clicks."""
        self.mainloop()

    def bye(self) -> None:
        """Show the picture."""
        self.show()


_screens: list[TurtleScreen] = []


class _Screen(TurtleScreen):
    """The class of the only screen, by its name in Python's turtle."""


def Screen() -> TurtleScreen:  # noqa: N802 (its name in Python's turtle)
    """Return the screen."""
    if not _screens:
        _screens.append(_Screen())
    return _screens[0]


def show_open() -> None:
    """Show what has been drawn and not been shown."""
    if _screens:
        _screens[0].show()


def keep_open_back() -> None:
    """Do not show what is there now, unless something more is drawn."""
    if _screens:
        _screens[0].is_changed = False
