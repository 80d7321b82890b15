"""What turtles have drawn, in the order in which it lies on top of each other, and how it becomes an image."""

from __future__ import annotations

from array import array

from guest.turtle.paper import FAR

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from PIL import Image

    from guest.turtle.paper import Paper
    from guest.turtle.strokes import Strokes
    from guest.turtle.values import Rgb

MOST_COST = 100_000
"""How many points are kept as such; an item counts as ten more. Then all are painted, to make room for others."""
ITEM_COST = 10
FINE_PIXELS = 1_000_000
"""Up to this size of the window, the picture is drawn at twice the size and made smaller, for smooth lines."""
LARGEST_LETTERS = 500

FONTS = "/opt/site-packages/matplotlib/mpl-data/fonts/ttf"
SERIF, MONOSPACED = ("times", "serif", "georgia", "roman", "garamond"), ("courier", "mono", "consolas", "fixed")


class Item:
    """Something in the picture."""

    __slots__ = ("is_painted", "points")

    def __init__(self, points: Iterable[float] = ()) -> None:
        self.points = array("d", points)
        self.is_painted = False

    def paint(self, paper: Paper) -> None:
        raise NotImplementedError


class Line(Item):
    """A line through all its points, with round ends."""

    __slots__ = ("color", "width")

    def __init__(self, points: Iterable[float], color: Rgb | None, width: float) -> None:
        Item.__init__(self, points)
        self.color, self.width = color, width

    def paint(self, paper: Paper) -> None:
        if self.color is not None:
            paper.line(paper.pixels(self.points), self.color, self.width)


class Area(Item):
    """A filled polygon. It has no points before `end_fill()`."""

    __slots__ = ("color",)

    def __init__(self) -> None:
        Item.__init__(self)
        self.color: Rgb | None = None

    def paint(self, paper: Paper) -> None:
        paper.area(paper.pixels(self.points), self.color)


class Dot(Item):
    """A disk; its diameter is in pixels."""

    __slots__ = ("color", "size")

    def __init__(self, points: Iterable[float], color: Rgb | None, size: float) -> None:
        Item.__init__(self, points)
        self.color, self.size = color, size

    def paint(self, paper: Paper) -> None:
        for x, y in paper.pixels(self.points):
            paper.disk(x, y, self.color, self.size)


class Text(Item):
    """Lines of text above its only point. `align` is 0 for left, 0.5 and 1."""

    __slots__ = ("align", "color", "font", "text")

    def __init__(self, points: Iterable[float], text: str, align: float, font: Font, color: Rgb | None) -> None:
        Item.__init__(self, points)
        self.text, self.align, self.font, self.color = text[:10_000], align, font, color

    def paint(self, paper: Paper) -> None:
        for x, y in paper.pixels(self.points):
            paper.text(x, y, self)

    def lines(self) -> list[str]:
        """Return the lines that are shown, the lowest first."""
        return self.text.split("\n")[:-101:-1]


class Figure(Item):
    """A turtle or its stamp: polygons around its only point, in pixels, each with its fill, outline and its width."""

    __slots__ = ("parts",)

    def __init__(
        self, points: Iterable[float], parts: list[tuple[list[tuple[float, float]], Rgb | None, Rgb | None, float]]
    ) -> None:
        Item.__init__(self, points)
        self.parts = parts

    def paint(self, paper: Paper) -> None:
        for x, y in paper.pixels(self.points):
            for polygon, fill, outline, width in self.parts:
                pixels = [
                    (x + across * paper.fineness, y - up * paper.fineness)
                    for across, up in polygon
                    if abs(across) < FAR and abs(up) < FAR
                ]
                paper.area(pixels, fill)
                if outline is not None and pixels:
                    paper.line([*pixels, pixels[0]], outline, width)


class Font:
    """A font as Tk names it, by one of those that are there. Its height is in pixels."""

    def __init__(self, family: str, points: float, styles: set[str]) -> None:
        self.height = min(LARGEST_LETTERS, max(1.0, abs(points) * (4 / 3 if points > 0 else 1)))
        self.is_bold = "bold" in styles
        self.is_slanted = not styles.isdisjoint(("italic", "oblique", "slant"))
        self.family = "Sans"
        if any(word in family.lower() for word in MONOSPACED):
            self.family = "SansMono"
        elif any(word in family.lower() for word in SERIF) and "sans" not in family.lower():
            self.family = "Serif"

    def load(self, fineness: int, text: str) -> Any:
        """Return it for Pillow, or another that has the letters of `text`."""
        from PIL import ImageFont

        if any(ord(letter) >= 0x1F000 for letter in text):
            name = "Symbola_hint"
        elif any(0x2E80 <= ord(letter) < 0xFE00 for letter in text):
            name = "DroidSansFallback"
        else:
            slanted = "Italic" if self.family == "Serif" else "Oblique"
            style = "Bold" * self.is_bold + slanted * self.is_slanted
            name = f"DejaVu{self.family}" + (f"-{style}" if style else "")
        return ImageFont.truetype(f"{FONTS}/{name}.ttf", self.height * fineness)

    def width_of(self, text: str) -> float:
        """Return how wide the widest line of a text is, in pixels."""
        font = self.load(1, text)
        return max((float(font.getlength(line)) for line in text[:10_000].split("\n")), default=0.0)


class View:
    """How coordinates become pixels in the window: its size, the scale, and which point is in the middle."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.x_scale = self.y_scale = 1.0
        self.middle = (0.0, 0.0)

    @property
    def fineness(self) -> int:
        return 2 if self.width * self.height <= FINE_PIXELS else 1


class Picture:
    """The items, and below them what has been painted to make room for more."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.cost = 0
        """How much it takes to keep the items; see MOST_COST."""
        self.strokes: Strokes | None = None
        """Where they are written down for someone who watches."""
        self._painted: Image.Image | None = None

    def put(self, item: Item) -> None:
        """Put an item on top of the others."""
        self.items.append(item)
        self.cost += ITEM_COST + len(item.points) // 2
        if self.strokes is not None:
            self.strokes.add(item)

    def extend(self, line: Line, x: float, y: float) -> None:
        """Draw a line on."""
        line.points.extend((x, y))
        self.cost += 1
        if self.strokes is not None:
            self.strokes.extend(line)

    def fill(self, area: Area, color: Rgb | None, points: Iterable[float]) -> None:
        """Fill an area that has begun."""
        area.color = color
        area.points.extend(points)
        if self.strokes is not None:
            self.strokes.fill(area)

    def note_loss(self) -> None:
        """Note that something is no longer there."""
        if self.strokes is not None:
            self.strokes.begin_again()

    def remove(self, item: Item) -> None:
        """Take an item away, unless it is painted."""
        self.note_loss()
        for index in range(len(self.items) - 1, -1, -1):
            if self.items[index] is item:
                del self.items[index]
                self.cost -= ITEM_COST + len(item.points) // 2
                return

    def clear(self) -> None:
        """Take everything away."""
        self.note_loss()
        self.items.clear()
        self.cost = 0
        self._painted = None

    def make_room(self, view: View) -> None:
        """Paint the items: they can then no longer be taken away one by one."""
        from PIL import Image

        from guest.turtle.brush import Brush

        self._painted = layer = self._painted_for(view) or Image.new("RGBA", _size(view))
        brush = Brush(layer, view)
        waiting = []
        for item in self.items:
            if isinstance(item, Area) and not item.points:
                waiting.append(item)
            else:
                item.paint(brush)
                item.is_painted = True
        self.items[:] = waiting
        self.cost = ITEM_COST * len(waiting)

    def image(self, view: View, background: Rgb, behind: Callable[[Any], None], turtles: list[Figure]) -> Image.Image:
        """Return the picture as an image of Pillow. `behind` paints on the background."""
        from PIL import Image

        from guest.turtle.brush import Brush

        image = Image.new("RGB", _size(view), background)
        behind(image)
        if layer := self._painted_for(view):
            image.paste(layer, mask=layer)
        brush = Brush(image, view)
        for item in (*self.items, *turtles):
            item.paint(brush)
        return image if view.fineness == 1 else image.reduce(view.fineness)

    def _painted_for(self, view: View) -> Image.Image | None:
        """Return what has been painted, in the middle of the window as it is now."""
        if self._painted is None or self._painted.size == _size(view):
            return self._painted
        from PIL import Image

        layer = Image.new("RGBA", _size(view))
        layer.paste(
            self._painted, ((layer.width - self._painted.width) // 2, (layer.height - self._painted.height) // 2)
        )
        return layer


def _size(view: View) -> tuple[int, int]:
    return view.width * view.fineness, view.height * view.fineness
