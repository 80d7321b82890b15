"""What turtles look like."""

from __future__ import annotations

from guest.turtle.values import TurtleGraphicsError

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    Points = tuple[tuple[float, float], ...]

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


def known_shapes() -> dict[str, Shape]:
    """Return the shapes that every screen has, by name."""
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
