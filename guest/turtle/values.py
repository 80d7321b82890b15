"""What turtles reckon with: vectors and colours, and the errors they raise."""

from __future__ import annotations

import math
import string

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    Rgb = tuple[int, int, int]

OF_TK = {"lightgoldenrod": "#eedd82", "lightslateblue": "#8470ff", "navyblue": "#000080", "violetred": "#d02090"}
"""Colours that Tk has beside those of the web."""
SHADES = (1.0, 0.932, 0.804, 0.545)
"""How bright red1, red2, red3 and red4 are. What others begin with is lighter than their plain name."""
FIRST_SHADES = dict(
    each.split("=")
    for each in """
    antiquewhite=#ffefdb aquamarine=#7fffd4 azure=#f0ffff bisque=#ffe4c4 blue=#0000ff brown=#ff4040 burlywood=#ffd39b
    cadetblue=#98f5ff chartreuse=#7fff00 chocolate=#ff7f24 coral=#ff7256 cornsilk=#fff8dc cyan=#00ffff
    darkgoldenrod=#ffb90f darkolivegreen=#caff70 darkorange=#ff7f00 darkorchid=#bf3eff darkseagreen=#c1ffc1
    darkslategray=#97ffff deeppink=#ff1493 deepskyblue=#00bfff dodgerblue=#1e90ff firebrick=#ff3030 gold=#ffd700
    goldenrod=#ffc125 green=#00ff00 honeydew=#f0fff0 hotpink=#ff6eb4 indianred=#ff6a6a ivory=#fffff0 khaki=#fff68f
    lavenderblush=#fff0f5 lemonchiffon=#fffacd lightblue=#bfefff lightcyan=#e0ffff lightgoldenrod=#ffec8b
    lightpink=#ffaeb9 lightsalmon=#ffa07a lightskyblue=#b0e2ff lightsteelblue=#cae1ff lightyellow=#ffffe0
    magenta=#ff00ff maroon=#ff34b3 mediumorchid=#e066ff mediumpurple=#ab82ff mistyrose=#ffe4e1 navajowhite=#ffdead
    olivedrab=#c0ff3e orange=#ffa500 orangered=#ff4500 orchid=#ff83fa palegreen=#9aff9a paleturquoise=#bbffff
    palevioletred=#ff82ab peachpuff=#ffdab9 pink=#ffb5c5 plum=#ffbbff purple=#9b30ff red=#ff0000 rosybrown=#ffc1c1
    royalblue=#4876ff salmon=#ff8c69 seagreen=#54ff9f seashell=#fff5ee sienna=#ff8247 skyblue=#87ceff
    slateblue=#836fff slategray=#c6e2ff snow=#fffafa springgreen=#00ff7f steelblue=#63b8ff tan=#ffa54f thistle=#ffe1ff
    tomato=#ff6347 turquoise=#00f5ff violetred=#ff3e96 wheat=#ffe7ba yellow=#ffff00
    """.split()
)


class TurtleGraphicsError(Exception):
    """Something that turtles cannot do."""


class Terminator(Exception):
    """Raised by Python's turtle once its window is closed. Ours has none, so this is never raised."""


class Vec2D(tuple[float, float]):
    """A vector of two numbers."""

    __slots__ = ()

    def __new__(cls, x: float, y: float) -> Vec2D:
        return tuple.__new__(cls, (x, y))

    def __add__(self, other: Any) -> Vec2D:
        return Vec2D(self[0] + other[0], self[1] + other[1])

    def __sub__(self, other: Any) -> Vec2D:
        return Vec2D(self[0] - other[0], self[1] - other[1])

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Vec2D):
            return self[0] * other[0] + self[1] * other[1]
        return Vec2D(self[0] * other, self[1] * other)

    def __rmul__(self, other: Any) -> Any:
        if isinstance(other, int | float):
            return Vec2D(self[0] * other, self[1] * other)
        return NotImplemented

    def __neg__(self) -> Vec2D:
        return Vec2D(-self[0], -self[1])

    def __abs__(self) -> float:
        return math.hypot(*self)

    def rotate(self, angle: float) -> Vec2D:
        """Return the vector turned counterclockwise, in degrees."""
        sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        return Vec2D(self[0] * cosine - self[1] * sine, self[1] * cosine + self[0] * sine)

    def __getnewargs__(self) -> tuple[float, float]:
        return self[0], self[1]

    def __repr__(self) -> str:
        return f"({self[0]:.2f},{self[1]:.2f})"


def rgb(text: str) -> Rgb | None:
    """Return the colour that Tk understands by `text`, None if it understands none."""
    if text.startswith("#"):
        return _from_digits(text[1:])
    name = text.replace(" ", "").lower().replace("grey", "gray")
    base = name.rstrip(string.digits)
    number = name[len(base) :]
    if not number:
        return _named(base)
    if base == "gray" and len(number) <= 3 and int(number) <= 100:
        return (round(int(number) * 2.55),) * 3
    if number not in ("1", "2", "3", "4") or base not in FIRST_SHADES:
        return None
    red, green, blue = (round(each * SHADES[int(number) - 1]) for each in _from_digits(FIRST_SHADES[base][1:]) or ())
    return red, green, blue


def _from_digits(digits: str) -> Rgb | None:
    size, rest = divmod(len(digits), 3)
    if rest or not 1 <= size <= 4 or not set(digits) <= set(string.hexdigits):
        return None
    most = 16**size - 1
    red, green, blue = (int(digits[at : at + size], 16) * 255 // most for at in range(0, 3 * size, size))
    return red, green, blue


def _named(name: str) -> Rgb | None:
    from PIL import ImageColor

    found = OF_TK.get(name) or ImageColor.colormap.get(name)
    return _from_digits(found[1:]) if isinstance(found, str) and found.startswith("#") else None
