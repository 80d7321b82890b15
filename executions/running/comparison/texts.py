"""Whether an output is the expected one: the comparisons that `match` names."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import re2

NUMBER_PATTERN = re.compile(
    r"""(
        ^[-+]?\d+\.$  # alone in its line; after words, the point is a full stop
        | [-+]? (?: \d+ (?: \.\d+ | \.(?=[eE][-+]?\d|,|[ ]*\]|\n?[ ]+[-+.\d]) )? | \.\d+ )  # [1. 2.], as numpy prints
          (?: [eE][-+]?\d+ )?
    )""",
    re.MULTILINE | re.VERBOSE,
)

PATTERN_MEMORY_BYTES = 256 * 1024
"""Bounds the size of a compiled pattern."""

MOST_MATCHING_STEPS = 10_000_000
"""What a match may cost, some twenty milliseconds: the instructions of the pattern times the bytes of the text."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much numbers may differ from the expected ones: by `absolute`, or by a part of the expected number."""

    absolute: Decimal = Decimal("0.000001")
    relative: Decimal = Decimal(0)

    @classmethod
    def of(cls, absolute: float | None, relative: float | None) -> "Tolerance":
        """Return the tolerance; the default if neither is given."""
        if absolute is None and relative is None:
            return cls()
        return cls(Decimal(repr(absolute or 0)), Decimal(repr(relative or 0)))

    def allows(self, expected: Decimal, actual: Decimal) -> bool:
        """Whether the numbers are close. Computed exactly: as floats, all very large integers would be equal."""
        if not (expected.is_finite() and actual.is_finite()):  # any number is within a part of infinity
            return False
        try:
            return abs(expected - actual) <= max(self.absolute, self.relative * abs(expected))
        except ArithmeticError:  # an exponent is too large
            return False


def trimmed(text: str) -> str:
    """Return `text` without invisible differences: trailing blanks of lines, and blank lines at its end."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")


def equal_but_for_case(expected: str, actual: str) -> bool:
    """Whether the texts are the same except for capital letters."""
    return trimmed(expected).casefold() == trimmed(actual).casefold()


def equal_but_for_rounding(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Whether the texts are the same except for numbers that are close."""
    # Each text is split once; together they are at most 128 KiB. Every second piece is a number.
    pieces, others = (NUMBER_PATTERN.split(trimmed(text)) for text in (expected, actual))
    if pieces[::2] != others[::2]:
        return False
    return all(
        one == other or are_close(one, other, tolerance) for one, other in zip(pieces[1::2], others[1::2], strict=True)
    )


def are_close(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Whether two numbers, as they are written, are close."""
    try:
        return tolerance.allows(Decimal(expected), Decimal(actual))
    except ArithmeticError:  # the exponent is too large
        return False


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that says whether a whole text matches a regular expression, in linear time.

    A text that would need more than MOST_MATCHING_STEPS does not match.

    Raises ValueError with what is wrong with the pattern.
    """
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.log_errors = False
    options.never_capture = True  # where groups begin and end costs a copy of all of them for each character
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error

    def matches(text: str) -> bool:
        data = text.encode()
        return compiled.programsize * len(data) <= MOST_MATCHING_STEPS and compiled.fullmatch(data) is not None

    return matches


def have_the_same_lines(expected: str, actual: str) -> bool:
    """Whether the texts have the same lines, each as often, in any order."""
    return lines_counted(expected) == lines_counted(actual)


def lines_counted(text: str) -> Counter[str]:
    """Return how often each line of a text occurs."""
    return Counter(trimmed(text).split("\n"))
