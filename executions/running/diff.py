"""The first difference between a program's output and the expected output, in a few lines that a beginner can read.

The other differences often follow from the first. One pass finds it, so that no output can make the search slow.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Words:
    """What a difference is told in: what the program did, "printed" or "returned", and what differs."""

    says: str = "printed"
    part: str = "Line"

    @property
    def label(self) -> str:
        """What stands before the actual text, as wide as `expected:`."""
        return f"{self.says}:".ljust(len("expected:"))


PRINTED = Words()


def first_difference(
    expected: list[str], actual: list[str], is_same: Callable[[str, str], bool], words: Words = PRINTED
) -> str:
    """Return the first two lines that differ, one below the other, with a mark below the first difference."""
    both = min(len(expected), len(actual))
    number = next((each for each in range(both) if not is_same(expected[each], actual[each])), both)
    if number < both:
        return _two_lines(f"{words.part} {number + 1}", expected[number], actual[number], words)
    if number < len(expected):
        more = _more(len(expected) - number)
        return f"{words.part} {number + 1} is missing{more}:\n  expected: {window(expected[number])}"
    more = _more(len(actual) - number)
    return f"{words.part} {number + 1} was not expected{more}:\n  {words.label} {window(actual[number])}"


def two_values(expected: str, returned: str) -> str:
    """Return two literals, one below the other, with a mark below the first difference."""
    return _two_lines("The value", expected, returned, Words(says="returned"))


def missing_pattern(pattern: str, first_line: str, words: Words) -> str:
    """Return a pattern, and the beginning of an output that does not match it."""
    return f"The output does not match:\n  expected: {window(pattern)}\n  {words.label} {window(first_line)}"


def missing_line(expected: list[str], actual: str, words: Words = PRINTED) -> str:
    """Return the first expected line that the output does not contain."""
    line = next((line for line in expected[:LINES_LOOKED_FOR] if line not in actual), None)
    if line is None:
        return f"The expected lines were not {words.says} one after another, in this order."
    return f"This line was not {words.says}:\n  expected: {window(line)}"


def _two_lines(what: str, expected: str, actual: str, words: Words) -> str:
    both = min(len(expected), len(actual))
    index = next((each for each in range(both) if expected[each] != actual[each]), both)
    index = min(_beginning(expected, index), _beginning(actual, index))  # of the character whose marks differ
    start = _beginning(expected, max(0, index - LEAD)) if max(len(expected), len(actual)) > LONGEST_LINE else 0
    mark = " " * (len("  expected: ") + _width(expected[start:index]) + (start > 0)) + "^"
    shown = (f"  expected: {window(expected, start)}", f"  {words.label} {window(actual, start)}", mark)
    return "\n".join((f"{what} differs{_kind(expected, actual)}:", *shown))


def _kind(expected: str, actual: str) -> str:
    """Return the kind of a difference that is easily overlooked, if it is the only one."""
    if "".join(expected.split()) == "".join(actual.split()):
        return " only in spaces"
    if expected.casefold() == actual.casefold():
        return " only in capital letters"
    return ""


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
    return f" (and {lines - 1} more)" if lines > 1 else ""
