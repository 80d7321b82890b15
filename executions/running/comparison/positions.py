"""Where two texts begin to differ, as a comparison sees them. None if that is not at the same position in both."""

from executions.running.comparison.texts import NUMBER_PATTERN, Tolerance, are_close

BRACKETS = str.maketrans("()", "[]")


def first_position(expected: str, actual: str) -> int:
    """Return the index of the first character that differs."""
    both = min(len(expected), len(actual))
    return next((index for index in range(both) if expected[index] != actual[index]), both)


def position_but_for_case(expected: str, actual: str) -> int | None:
    """Return where texts differ by more than capital letters."""
    one, other = expected.casefold(), actual.casefold()
    return first_position(one, other) if (len(one), len(other)) == (len(expected), len(actual)) else None


def position_but_for_rounding(expected: str, actual: str, tolerance: Tolerance) -> int | None:
    """Return where texts differ by more than numbers that are close."""
    start = end = 0
    for number, (one, other) in enumerate(zip(*map(NUMBER_PATTERN.split, (expected, actual)), strict=False)):
        if one != other and not (number % 2 and are_close(one, other, tolerance)):
            return start + first_position(one, other) if start == end else None
        start, end = start + len(one), end + len(other)
    return start if start == end else None


def position_but_for_kind(expected: str, actual: str, tolerance: Tolerance) -> int | None:
    """Return where literals differ by more than close numbers, and brackets of lists and tuples."""
    return position_but_for_rounding(expected.translate(BRACKETS), actual.translate(BRACKETS), tolerance)
