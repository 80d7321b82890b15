"""The first difference between a program's output and the expected output, in a few lines that a beginner can read.

The other differences often follow from the first. One pass finds it, so that no output can make the search slow.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from executions.running.comparison.positions import first_position
from executions.running.language import gettext, gettext_noop

LONGEST_LINE = 80
"""The number of characters shown of a line, around the difference."""

JOINER = "\N{ZERO WIDTH JOINER}"
SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F400)}
FLAG_LETTERS = {chr(code) for code in range(0x1F1E6, 0x1F200)}

LEAD = LONGEST_LINE // 2

MOST_MARKS = 32
"""How far to look for the beginning of a character: a real one has fewer marks."""

LINES_LOOKED_FOR = 100
"""Each line costs a search of the whole output."""


EXPECTED = gettext_noop("expected:")


@dataclass(frozen=True, slots=True)
class Deed:
    """The sentences about an output, by whether it was printed or returned."""

    label: str
    undone: str
    disordered: str


PRINTED = Deed(
    gettext_noop("printed:"),
    gettext_noop("This line was not printed:"),
    gettext_noop("The expected lines were not printed one after another, in this order."),
)
RETURNED = Deed(
    gettext_noop("returned:"),
    gettext_noop("This line was not returned:"),
    gettext_noop("The expected lines were not returned one after another, in this order."),
)


@dataclass(frozen=True, slots=True)
class Part:
    """The sentences about a part of an output that is not as expected."""

    differs: str
    differs_in_spaces: str
    differs_in_capitals: str
    is_missing: str
    is_extra: str


LINE = Part(
    gettext_noop("Line {number} differs:"),
    gettext_noop("Line {number} differs only in spaces:"),
    gettext_noop("Line {number} differs only in capital letters:"),
    gettext_noop("Line {number} is missing{more}:"),
    gettext_noop("Line {number} was not expected{more}:"),
)
WORD = Part(
    gettext_noop("Word {number} differs:"),
    gettext_noop("Word {number} differs only in spaces:"),
    gettext_noop("Word {number} differs only in capital letters:"),
    gettext_noop("Word {number} is missing{more}:"),
    gettext_noop("Word {number} was not expected{more}:"),
)
VALUE = Part(
    gettext_noop("The value differs:"),
    gettext_noop("The value differs only in spaces:"),
    gettext_noop("The value differs only in capital letters:"),
    "",
    "",
)


def labelled(deed: Deed, expected: str | None = None, actual: str | None = None) -> str:
    """Return the texts that are given, each on a line of its own after its label, one below the other."""
    labels = (gettext(EXPECTED), gettext(deed.label))
    width = max(map(len, labels))
    lines = zip(labels, (expected, actual), strict=True)
    return "\n".join(f"  {label.ljust(width)} {text}" for label, text in lines if text is not None)


def first_difference(
    expected: list[str],
    actual: list[str],
    is_same: Callable[[str, str], bool],
    deed: Deed,
    part: Part,
    find_place: Callable[[str, str], int | None] = first_position,
) -> str:
    """Return the first two lines that differ, one below the other, with a mark where `find_place` says."""
    both = min(len(expected), len(actual))
    number = next((each for each in range(both) if not is_same(expected[each], actual[each])), both)
    if number < both:
        return _two_lines(part, number + 1, expected[number], actual[number], deed, find_place)
    if number < len(expected):
        said = gettext(part.is_missing).format(number=number + 1, more=_more(len(expected) - number))
        return f"{said}\n{labelled(deed, expected=window(expected[number]))}"
    said = gettext(part.is_extra).format(number=number + 1, more=_more(len(actual) - number))
    return f"{said}\n{labelled(deed, actual=window(actual[number]))}"


def two_values(expected: str, returned: str, find_place: Callable[[str, str], int | None]) -> str:
    """Return two literals, one below the other, with a mark where `find_place` says."""
    return _two_lines(VALUE, 0, expected, returned, RETURNED, find_place)


def missing_pattern(pattern: str, first_line: str, deed: Deed) -> str:
    """Return a pattern, and the beginning of an output that does not match it."""
    said = gettext("The output does not match:")
    return f"{said}\n{labelled(deed, window(pattern), window(first_line))}"


def missing_line(expected: list[str], actual: str, deed: Deed) -> str:
    """Return the first expected line that the output does not contain."""
    line = next((line for line in expected[:LINES_LOOKED_FOR] if line not in actual), None)
    if line is None:
        return gettext(deed.disordered)
    return f"{gettext(deed.undone)}\n{labelled(deed, expected=window(line))}"


def _two_lines(
    part: Part, number: int, expected: str, actual: str, deed: Deed, find_place: Callable[[str, str], int | None]
) -> str:
    place = find_place(expected, actual)
    index = first_position(expected, actual) if place is None else place
    index = min(_beginning(expected, index), _beginning(actual, index))  # of the character whose marks differ
    start = _beginning(expected, max(0, index - LEAD)) if max(len(expected), len(actual)) > LONGEST_LINE else 0
    texts = labelled(deed, window(expected, start), window(actual, start))
    said = f"{gettext(_about(part, expected, actual)).format(number=number)}\n{texts}"
    if place is None:
        return said
    margin = len(labelled(deed, expected=""))
    return f"{said}\n{' ' * (margin + _width(expected[start:index]) + (start > 0))}^"


def _about(part: Part, expected: str, actual: str) -> str:
    """Return the sentence about a difference: some kinds are easily overlooked, if there is no other."""
    if "".join(expected.split()) == "".join(actual.split()):
        return part.differs_in_spaces
    if expected.casefold() == actual.casefold():
        return part.differs_in_capitals
    return part.differs


def window(line: str, start: int = 0) -> str:
    """Return a piece of a line, with a symbol for each character that is invisible."""
    piece = head(line[start:], LONGEST_LINE)
    return f"{'…' if start else ''}{''.join(map(_visible, piece))}{'…' if len(line) > start + len(piece) else ''}"


def head(text: str, size: int) -> str:
    """Return the first `size` code points of `text`, or a few less: no accent is cut off from its letter."""
    return text[: _beginning(text, size)]


def _beginning(text: str, index: int) -> int:
    """Return where the character begins that the code point at `index` belongs to."""
    for start in range(index, max(0, index - MOST_MARKS), -1):
        if start >= len(text) or not _continues(text[start - 1], text[start]):
            return start
    return max(0, index - MOST_MARKS)


def _continues(previous: str, letter: str) -> bool:
    """Whether `letter` is shown as a part of the character before it: an accent, or a further part of an emoji."""
    if JOINER in (previous, letter) or letter in SKIN_TONES:
        return True
    return unicodedata.category(letter)[0] == "M" or (previous in FLAG_LETTERS and letter in FLAG_LETTERS)


def _visible(character: str) -> str:
    if character == "\t":
        return "→"
    return character if character.isprintable() else "\ufffd"


def _width(text: str) -> int:
    """Return how many columns `text` takes in a font of equal widths: Chinese, Japanese and emoji take two."""
    return sum(_columns(_visible(character)) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _more(lines: int) -> str:
    return " " + gettext("(and {count} more)").format(count=lines - 1) if lines > 1 else ""
