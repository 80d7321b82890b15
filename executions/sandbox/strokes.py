"""What turtles draw while their program runs, for someone who watches."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stroke:
    """A step of a drawing. `kind` is one of `protocol.STROKES`; docs/programs.md says what each means.

    `points` are x, y, x, y …, in pixels from the upper left corner; those of `clear` are the size of the picture.
    `color` is like #ff0000. `width` is that of a line, the diameter of a dot, or the height of a text's letters.
    """

    kind: str
    color: str
    width: float
    points: tuple[float, ...]
    text: str = ""
    align: str = "left"
