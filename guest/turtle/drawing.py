"""What one turtle has drawn, and the line and the area that it is drawing."""

from __future__ import annotations

from guest.turtle.picture import MOST_COST, Area, Line
from guest.turtle.values import rgb

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from guest.turtle.picture import Figure, Item
    from guest.turtle.screens import TurtleScreen
    from guest.turtle.values import Rgb, Vec2D

    Mark = tuple[int, Line | None, int, Area | None, int]

MOST_CORNERS = 100_000
"""How many corners of a filled area are kept."""
MOST_STAMPS = 100_000


class Drawing:
    """The items that a turtle has put into the picture of its screen."""

    def __init__(self, screen: TurtleScreen) -> None:
        self._screen = screen
        self._picture = screen.picture
        self._items: list[Item] = []
        self._line: Line | None = None
        self._area: Area | None = None
        self._corners: list[float] = []
        self._stamps: dict[int, Item] = {}
        self._stamped = 0

    def put(self, item: Item) -> None:
        """Put an item into the picture."""
        self._items.append(item)
        self._picture.put(item)
        if self._picture.cost >= MOST_COST:
            self._make_room()

    def _make_room(self) -> None:
        self._picture.make_room(self._screen.view)
        for turtle in self._screen.turtles():
            turtle._drawing.forget_painted()

    def _drop(self, item: Item) -> None:
        if item in self._items:
            self._items.remove(item)
        self._picture.remove(item)

    def clear(self) -> None:
        """Delete everything. What is painted stays."""
        for item in self._items:
            self._picture.remove(item)
        self._items.clear()
        self._stamps.clear()
        self._line = self._area = None

    def forget_painted(self) -> None:
        """Forget the items that can no longer be deleted."""
        self._items = [each for each in self._items if not each.is_painted]
        self._stamps = {number: each for number, each in self._stamps.items() if not each.is_painted}

    def mark(self) -> Mark:
        """Return how much has been drawn, for `undo_to`."""
        count = len(self._line.points) if self._line is not None else 0
        return len(self._items), self._line, count, self._area, len(self._corners)

    def undo_to(self, mark: Mark) -> None:
        """Delete what has been drawn since `mark()`."""
        items, line, count, area, corners = mark
        for item in self._items[items:]:
            self._drop(item)
        if line is not None and not line.is_painted:
            del line.points[count:]
        self._line = line
        if area is not None and self._area is None:
            del area.points[:]
        self._area = area
        del self._corners[corners:]
        self._picture.note_loss()

    # Steps and their lines

    def move(self, start: Vec2D, x: float, y: float, pen: dict[str, Any]) -> None:
        """Move the pen from one position to another: draw a line, or draw on the one that ends at the first."""
        if not pen["pendown"]:
            self._line = None
        elif self._line is None or self._line.is_painted:
            self._line = Line((*start, x, y), rgb(pen["pencolor"]), pen["pensize"])
            self.put(self._line)
        else:
            self._picture.extend(self._line, x, y)
            if self._picture.cost >= MOST_COST:
                self._make_room()
        if self._area is not None and len(self._corners) < 2 * MOST_CORNERS:
            self._corners += (x, y)

    def end_line(self) -> None:
        """Let the next step begin a new line."""
        self._line = None

    # Areas

    def has_area(self) -> bool:
        """Return whether an area has begun."""
        return self._area is not None

    def begin_area(self, start: Vec2D) -> None:
        """Begin an area, or begin its corners anew."""
        self._line = None
        if self._area is None:
            self._area = Area()
            self.put(self._area)
        self._corners = [*start]

    def end_area(self, color: Rgb | None) -> None:
        """Fill the area."""
        if self._area is not None and len(self._corners) > 4:
            self._picture.fill(self._area, color, self._corners)
        self._area = None

    # Stamps

    def stamp(self, figure: Figure) -> int:
        """Put a stamp into the picture; return its number."""
        self._stamped += 1
        self._stamps[self._stamped] = figure
        self.put(figure)
        if len(self._stamps) > MOST_STAMPS:
            del self._stamps[next(iter(self._stamps))]
        return self._stamped

    def stamps(self) -> list[int]:
        """Return the numbers of the stamps, the oldest first."""
        return list(self._stamps)

    def delete_stamp(self, number: int) -> None:
        """Delete a stamp if it is there."""
        if item := self._stamps.pop(number, None):
            self._drop(item)
