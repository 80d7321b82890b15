"""The dashboard's charts as shapes, which the templates draw as SVG and the style sheet colours.

Each day is one unit wide, and the height is 100 with 0 at the top. The drawing is stretched to the available width, and
all text is outside it, so that it stays readable on a phone.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from executions.review.dashboard.figures import Activity, Counts, Day, Spread
from executions.templatetags.quantities import count, duration

HEIGHT = 100
BAR_WIDTH = 0.74
GRID_LINES = 4

STACK = (
    "success",
    "error",
    "timeout",
    "memory_limit",
    "output_limit",
    "running",
    "cancelled",
    "refused",
    "internal_error",
)
"""From bottom to top: successes, failures of learners' programs, and our own."""


@dataclass(frozen=True, slots=True)
class GridLine:
    """A horizontal line of the chart, with its label."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of a bar for one status."""

    status: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's executions as stacked segments, and the sentence that describes them."""

    day: Day
    x: int
    segments: tuple[Segment, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Executions by status and day. `statuses` are those that occurred, each with its total."""

    bars: tuple[Bar, ...]
    grid: tuple[GridLine, ...]
    statuses: tuple[tuple[str, int], ...]
    width: float = BAR_WIDTH


@dataclass(frozen=True, slots=True)
class Point:
    """A day of a line chart."""

    day: date
    x: int
    spread: Spread
    sentence: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Two lines on a logarithmic scale, as SVG paths; empty if no programs ran."""

    p50: str
    p95: str
    points: tuple[Point, ...]
    grid: tuple[GridLine, ...]


@dataclass(frozen=True, slots=True)
class DayLabel:
    """The label of a day below a chart. `x` is in percent of the width."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of a month. One day a week has a label: the weekday of today."""

    labels: tuple[DayLabel, ...]
    statuses: StackedBars
    waiting: Lines
    running: Lines


def draw(activity: Activity) -> Charts:
    """Return the charts of an activity."""
    days = activity.month.days
    labels = tuple(
        DayLabel(round((position + 0.5) / len(days) * 100, 2), f"{day.date.day} {day.date:%b}")
        for position, day in enumerate(days)
        if (len(days) - 1 - position) % 7 == 0
    )
    return Charts(
        labels,
        stack(days),
        lines([(day.date, day.waiting) for day in days]),
        lines([(day.date, day.running) for day in days]),
    )


def stack(days: Sequence[Day]) -> StackedBars:
    """Return the bars of `days`, on a scale from zero to a round number."""
    top = round_up(max(day.counts.total for day in days))
    bars = tuple(_bar(position, day, top) for position, day in enumerate(days))
    grid = tuple(
        GridLine(HEIGHT - HEIGHT * step / GRID_LINES, short(top * step / GRID_LINES)) for step in range(GRID_LINES + 1)
    )
    totals = {status: sum(getattr(day.counts, status) for day in days) for status in STACK}
    return StackedBars(bars, grid, tuple((status, total) for status, total in totals.items() if total))


def _bar(position: int, day: Day, top: int) -> Bar:
    segments = []
    y = float(HEIGHT)
    for status in STACK:
        height = getattr(day.counts, status) / top * HEIGHT
        if height:
            y -= height
            segments.append(Segment(status, position + (1 - BAR_WIDTH) / 2, round(y, 3), round(height, 3)))
    return Bar(day, position, tuple(segments), f"{_name(day.date)}: {sentence(day.counts)}")


def sentence(counts: Counts) -> str:
    """Return the counts in words: the total, then each status that occurred."""
    parts = [
        f"{count(getattr(counts, field.name))} {field.name.replace('_', ' ')}"
        for field in fields(counts)
        if getattr(counts, field.name)
    ]
    return f"{count(counts.total)} executions" + (f" ({', '.join(parts)})" if parts else "")


def lines(spreads: Sequence[tuple[date, Spread | None]]) -> Lines:
    """Return p50 and p95 of each day, on a scale between two powers of ten that holds them all."""
    seconds = [value for _, spread in spreads if spread for value in (spread.p50, spread.p95) if value > 0]
    lowest = math.floor(math.log10(min(seconds, default=0.001)))
    highest = max(math.ceil(math.log10(max(seconds, default=1.0))), lowest + 1)

    def y(value: float) -> float:
        exponent = math.log10(value) if value > 0 else lowest
        return round(HEIGHT * (highest - max(exponent, lowest)) / (highest - lowest), 3)

    return Lines(
        _path(None if spread is None else y(spread.p50) for _, spread in spreads),
        _path(None if spread is None else y(spread.p95) for _, spread in spreads),
        tuple(
            Point(day, position, spread, f"{_name(day)}: p50 {duration(spread.p50)}, p95 {duration(spread.p95)}")
            for position, (day, spread) in enumerate(spreads)
            if spread
        ),
        tuple(GridLine(y(10.0**power), scale(power)) for power in range(lowest, highest + 1)),
    )


def _path(heights: Iterable[float | None]) -> str:
    """Return the line through `heights`, broken at each None. A single point becomes a dot."""
    parts = []
    pen = "M"
    for position, height in enumerate(heights):
        if height is None:
            pen = "M"
            continue
        parts.append(f"{pen}{position + 0.5} {height}" + (" h0" if pen == "M" else ""))
        pen = "L"
    return " ".join(parts)


def scale(power: int) -> str:
    """Return the label of ten to the `power` seconds."""
    units = ((0, "s"), (-3, "ms"), (-6, "µs"))
    exponent, unit = next((each for each in units if power >= each[0]), units[-1])
    return f"{10.0 ** (power - exponent):,g} {unit}"


def round_up(number: int) -> int:
    """Return the next larger number that divides into four round steps."""
    if number <= GRID_LINES:
        return GRID_LINES
    magnitude = 10 ** math.floor(math.log10(number))
    steps = (step * magnitude for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12))
    top: float = next(step for step in steps if step >= number)
    return math.ceil(top / GRID_LINES) * GRID_LINES


def short(number: float) -> str:
    """Return a number as short as on a scale: 800, 1.2k, 3M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.4g}{letter}"
    return f"{number:g}"


def _name(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
