"""The one screen that a program's turtles are on. It is shown as an image once the program waits or ends."""

from __future__ import annotations

import heapq
import io

from guest import protocol
from guest.program import shown
from guest.turtle.picture import Picture, View
from guest.turtle.values import TurtleGraphicsError, rgb

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from typing import Any

    from guest.turtle.turtles import RawTurtle

    Points = tuple[tuple[float, float], ...]

MONITOR = (1600, 800)
"""The size of the screen that `setup(0.5, 0.75)`, the default, is a part of."""
LONGEST_SIDE = 2000
TIMER_MILLISECONDS, MOST_TIMERS = 60_000, 1000
"""What `mainloop()` runs of the timers: as much as would happen in a minute, and no more than that many."""
MODES = ("standard", "logo", "world")

CORNER = 5.77
HALF_A_TURTLE = (
    *((0, 16), (2, 15), (2.5, 11), (4, 9), (7, 11), (9, 8.5), (7, 6), (8, 2), (7.5, -2), (9, -6), (7, -8), (5, -5)),
    *((2, -7), (0, -10)),
)


class Shape:
    """What a turtle looks like: a polygon, several with colours of their own, or an image, which stays invisible."""

    def __init__(self, type_: str, data: Any = None) -> None:
        if type_ not in ("polygon", "image", "compound"):
            raise TurtleGraphicsError(f"There is no shape type {type_}")
        self._type = type_
        self._data: Any = data
        if type_ == "polygon":
            self._data = tuple(data)
        elif type_ == "compound":
            self._data = []

    def addcomponent(self, poly: Points, fill: Any, outline: Any = None) -> None:
        """Add a polygon to a compound shape."""
        if self._type != "compound":
            raise TurtleGraphicsError(f"Cannot add component to {self._type} Shape")
        self._data.append([poly, fill, fill if outline is None else outline])

    def parts(self) -> list[tuple[Points, Any, Any]]:
        """Return its polygons, each with its fill and outline: None for those of the turtle."""
        if self._type == "polygon":
            return [(self._data, None, None)]
        return [tuple(each) for each in self._data] if self._type == "compound" else []


def _shapes() -> dict[str, Shape]:
    polygons: dict[str, Any] = {
        "arrow": ((-10, 0), (10, 0), (0, 10)),
        "turtle": (*HALF_A_TURTLE, *[(-x, y) for x, y in reversed(HALF_A_TURTLE[1:-1])]),
        "circle": tuple((10 * x, 10 * y) for x, y in _circle(20)),
        "square": ((10, -10), (10, 10), (-10, 10), (-10, -10)),
        "triangle": ((10, -CORNER), (0, 2 * CORNER), (-10, -CORNER)),
        "classic": ((0, 0), (-5, -9), (0, -7), (5, -9)),
    }
    return {**{name: Shape("polygon", polygon) for name, polygon in polygons.items()}, "blank": Shape("image")}


def _circle(corners: int) -> list[tuple[float, float]]:
    import math

    angles = [2 * math.pi * number / corners for number in range(corners)]
    return [(math.sin(angle), math.cos(angle)) for angle in angles]


class TurtleScreen:
    """A screen for turtles. There is only one: `Screen()` returns it."""

    def __init__(self) -> None:
        self.picture = Picture()
        self.view = View(800, 600)
        self.is_changed = False
        """Whether there is something that has not been shown."""
        self._turtles: list[RawTurtle] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._now = 0.0
        self._timers_set = 0
        self._canvas = (400, 300)
        self._window = (800, 600)
        self._begin()

    def _begin(self) -> None:
        self._shapes = _shapes()
        self._mode, self._colormode = "standard", 1.0
        self._tracing, self._delay = 1, 10
        self._background, self._background_name = (255, 255, 255), "white"
        self._background_picture = "nopic"
        self._fit()

    def _fit(self) -> None:
        sides = [min(LONGEST_SIDE, max(1, each)) for each in self._window]
        view = View(sides[0], sides[1])
        view.x_scale, view.y_scale, view.middle = self.view.x_scale, self.view.y_scale, self.view.middle
        self.view = view

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
            red, green, blue = (round(255.0 * each) for each in (red, green, blue))
        if not all(0 <= each <= 255 for each in (red, green, blue)):
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
        self._background_name, self._background = text, rgb(text) or (255, 255, 255)
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

    def _paint_behind(self, image: Any) -> None:
        if self._background_picture != "nopic":
            from PIL import Image

            with Image.open(self._background_picture) as found:
                found.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                picture = found.convert("RGBA")
            picture = picture.resize((picture.width * self.view.fineness, picture.height * self.view.fineness))
            place = ((image.width - picture.width) // 2, (image.height - picture.height) // 2)
            image.paste(picture, place, picture)

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
        self.is_changed = True
        from guest.turtle.turtles import Turtle

        Turtle.forget_first()

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
        self._timers_set += 1
        heapq.heappush(self._timers, (self._now + max(0.0, t), self._timers_set, fun))

    def textinput(self, title: str, prompt: str) -> str | None:
        """Read a line from the input; None at its end."""
        try:
            return input(f"{prompt} ")
        except EOFError:
            return None

    def numinput(
        self,
        title: str,
        prompt: str,
        default: float | None = None,
        minval: float | None = None,
        maxval: float | None = None,
    ) -> float | None:
        """Read a number from the input, until one is within its bounds; None at the end of the input."""
        while (text := self.textinput(title, prompt)) is not None:
            try:
                number = float(text) if text.strip() or default is None else float(default)
            except ValueError:
                continue
            if (minval is None or number >= minval) and (maxval is None or number <= maxval):
                return number
        return None

    def mainloop(self) -> None:
        """Call what waits for a timer, in its order and at once, and show the picture."""
        end = self._now + TIMER_MILLISECONDS
        for _ in range(MOST_TIMERS):
            if not self._timers or self._timers[0][0] > end:
                break
            self._now, _number, call = heapq.heappop(self._timers)
            call()
        self.show()

    def exitonclick(self) -> None:
        """Show the picture: nobody clicks."""
        self.mainloop()

    def bye(self) -> None:
        """Show the picture."""
        self.show()

    def show(self) -> None:
        """Show the picture if it has changed since it was last shown."""
        if not self.is_changed:
            return
        self.is_changed = False
        shown.screen.show(self._write)

    def _write(self, file: FileIO) -> None:
        figures = [turtle.figure() for turtle in self._turtles if turtle.isvisible()]
        image = self.picture.image(self.view, self._background, self._paint_behind, figures)
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        if buffer.tell() > protocol.IMAGE_BYTES:  # fewer colours are better than no picture
            buffer = io.BytesIO()
            image.quantize(64).save(buffer, format="PNG")
        file.write(buffer.getvalue())


_screens: list[TurtleScreen] = []


class _Screen(TurtleScreen):
    """The class of the only screen, by its name in Python's turtle."""


def Screen() -> TurtleScreen:  # noqa: N802 (its name in Python's turtle)
    """Return the screen."""
    if not _screens:
        _screens.append(_Screen())
    return _screens[0]


def show_picture() -> None:
    """Show what has been drawn and not been shown."""
    if _screens:
        _screens[0].show()


def keep_picture_back() -> None:
    """Do not show what is there now, unless something more is drawn."""
    if _screens:
        _screens[0].is_changed = False
