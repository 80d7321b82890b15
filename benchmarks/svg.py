"""Draws plots as SVG, one for light and one for dark pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 64, 50
THICK = 11
LABELS, WORDS = 190, 130
CHARACTER = 7.5
TICKS = 4


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a page: its background, its words, its lines, and one for each series."""

    paper: str
    ink: str
    grid: str
    series: tuple[str, ...]


THEMES = {
    "light": Theme("#ffffff", "#24292f", "#d0d7de", ("#0969da", "#bc4c00", "#57606a")),
    "dark": Theme("#0d1117", "#e6edf3", "#30363d", ("#58a6ff", "#f0883e", "#8b949e")),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a length, with words beside it."""

    number: float
    words: str


def lines(title: str, places: list[str], series: Mapping[str, Sequence[float]], theme: Theme, below: str) -> str:
    """Return a plot of a line for each series. `places` name the points on the horizontal axis, `below` all of them."""
    top = _round_up(max(map(max, series.values())))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1)
    height = HEIGHT - TOP - BOTTOM

    def x(index: int) -> float:
        return LEFT + index * step

    def y(number: float) -> float:
        return TOP + height * (1 - number / top)

    parts = []
    for tick in range(TICKS + 1):
        number = top * tick / TICKS
        parts.append(_line(LEFT, y(number), WIDTH - RIGHT, y(number), theme.grid))
        parts.append(_text(LEFT - 8, y(number) + 4, f"{number:g}", theme.ink, "end"))
    for index, place in enumerate(places):
        if place:
            parts.append(_text(x(index), HEIGHT - BOTTOM + 18, place, theme.ink, "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, below, theme.ink, "middle"))
    for colour, numbers in zip(theme.series, series.values(), strict=False):
        points = [(x(index), y(number)) for index, number in enumerate(numbers)]
        path = " ".join(f"{left:.1f},{up:.1f}" for left, up in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) <= 10:
            parts += [f'<circle cx="{left:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>' for left, up in points]
    return _picture(title, HEIGHT, [*parts, *_legend(series, theme)], theme)


def bars(title: str, places: list[str], series: Mapping[str, Sequence[Bar]], theme: Theme) -> str:
    """Return a plot with a horizontal bar for each place and series."""
    longest = max(bar.number for some in series.values() for bar in some)
    scale = (WIDTH - LABELS - RIGHT - WORDS) / longest
    row = len(series) * (THICK + 3) + 10
    parts = []
    for index, place in enumerate(places):
        up = TOP + index * row
        parts.append(_text(LABELS - 10, up + row / 2, place, theme.ink, "end"))
        for number, (colour, some) in enumerate(zip(theme.series, series.values(), strict=False)):
            bar, y = some[index], up + 4 + number * (THICK + 3)
            width = bar.number * scale
            parts.append(f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{THICK}" fill="{colour}"/>')
            parts.append(_text(LABELS + width + 6, y + THICK - 1, bar.words, theme.ink, "start"))
    return _picture(title, TOP + row * len(places) + 12, [*parts, *_legend(series, theme)], theme)


def _picture(title: str, height: int, parts: list[str], theme: Theme) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}" font-family="Verdana,DejaVu Sans,sans-serif" font-size="12">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="{theme.paper}"/>'
    heading = f'<text x="10" y="22" font-size="14" font-weight="bold" fill="{theme.ink}">{escape(title)}</text>'
    return "\n".join((head, ground, heading, *parts, "</svg>", ""))


def _legend(series: Iterable[str], theme: Theme) -> list[str]:
    """Return the names of the series, on a line of their own."""
    parts, left = [], 10.0
    for colour, name in zip(theme.series, series, strict=False):
        parts.append(f'<rect x="{left:.1f}" y="36" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(left + 16, 46, name, theme.ink, "start"))
        left += 16 + len(name) * CHARACTER + 24
    return parts


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _round_up(number: float) -> float:
    """Return a number whose quarters are easy to read, not below `number`."""
    power = 1.0
    while power * 10 <= number:
        power *= 10
    while power > number:
        power /= 10
    return next(power * factor for factor in (1, 2, 4, 6, 8, 10) if power * factor >= number)
