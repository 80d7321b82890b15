"""The window: its size, its dialogs and timers, and its picture, shown as an image once the program waits or ends."""

from __future__ import annotations

import heapq
import io

from guest import protocol
from guest.program import shown
from guest.turtle.picture import Picture, View

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from typing import Any

    from guest.turtle.turtles import RawTurtle
    from guest.turtle.values import Rgb

MONITOR = (1600, 800)
"""The size of the screen that `setup(0.5, 0.75)`, the default, is a part of."""
LONGEST_SIDE = 2000
TIMER_MILLISECONDS, MOST_TIMERS = 60_000, 1000
"""What `mainloop()` runs of the timers: as much as would happen in a minute, and no more than that many."""


class _PngBuffer(io.BytesIO):
    # By this name Pillow loads what writes PNG files, and by `format="PNG"` what writes other files too.
    name = "picture.png"


class TurtleScreenBase:
    """What a screen for turtles stands on."""

    def __init__(self) -> None:
        self.picture = Picture()
        self.view = View(800, 600)
        self.is_changed = False
        """Whether there is something that has not been shown."""
        self._turtles: list[RawTurtle] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._now = 0.0
        self._timers_set = 0
        self._window = (800, 600)
        self.background: Rgb = (255, 255, 255)
        if shown.screen.strokes is not None:
            from guest.turtle.strokes import Strokes

            self.picture.strokes = Strokes(shown.screen.strokes, self)
        self._background_picture = "nopic"

    def _fit(self) -> None:
        sides = [min(LONGEST_SIDE, max(1, each)) for each in self._window]
        view = View(sides[0], sides[1])
        view.x_scale, view.y_scale, view.middle = self.view.x_scale, self.view.y_scale, self.view.middle
        self.view = view

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

    def _ontimer(self, fun: Callable[[], object], t: float) -> None:
        self._timers_set += 1
        heapq.heappush(self._timers, (self._now + max(0.0, t), self._timers_set, fun))

    def mainloop(self) -> None:
        """Call what waits for a timer, in its order and at once, and show the picture."""
        end = self._now + TIMER_MILLISECONDS
        for _ in range(MOST_TIMERS):
            if not self._timers or self._timers[0][0] > end:
                break
            self._now, _number, call = heapq.heappop(self._timers)
            call()
        self.show()

    def show(self) -> None:
        """Show the picture if it has changed since it was last shown."""
        if not self.is_changed:
            return
        self.is_changed = False
        shown.screen.show(self._write)

    def _write(self, file: FileIO) -> None:
        figures = [turtle.figure() for turtle in self._turtles if turtle.isvisible()]
        image = self.picture.image(self.view, self.background, self._paint_behind, figures)
        buffer = _PngBuffer()
        image.save(buffer)
        if buffer.tell() > protocol.IMAGE_BYTES:  # fewer colours are better than no picture
            buffer = _PngBuffer()
            image.quantize(64).save(buffer)
        file.write(buffer.getvalue())

    def _paint_behind(self, image: Any) -> None:
        if self._background_picture != "nopic":
            from PIL import Image

            with Image.open(self._background_picture) as found:
                found.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                picture = found.convert("RGBA")
            picture = picture.resize((picture.width * self.view.fineness, picture.height * self.view.fineness))
            corner = ((image.width - picture.width) // 2, (image.height - picture.height) // 2)
            image.paste(picture, corner, picture)
