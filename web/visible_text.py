"""Text that an attacker may have written: characters that hide, move or overwrite text become visible marks."""

import unicodedata
from functools import lru_cache
from itertools import groupby

LONGEST_TEXT = 100_000
LONGEST_LINE = 2_000
MARKS_KEPT = 4
"""Combining marks displayed on one letter: some languages need two or three."""

SHOWN_AS_THEY_ARE = frozenset("\n\t")
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Invisible letters and marks (Unicode's Default_Ignorable_Code_Point), and a blank that is not a space.
BLANK_RANGES = (
    *((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
)
BLANK = frozenset(chr(code) for first, last in BLANK_RANGES for code in range(first, last + 1))
COMBINING = frozenset(("Mn", "Me"))


def make_visible(text: str) -> str:
    """Return `text` with a visible mark for each character that is invisible or changes how others look.

    ESC becomes ␛, the right-to-left override ⟨U+202E⟩. Long lines and texts are truncated, with a note.
    """
    shown = "".join(_without_towers(text[:LONGEST_TEXT]))
    lines = [cut(line, LONGEST_LINE) for line in shown.split("\n")]
    rest = len(text) - LONGEST_TEXT
    return "\n".join(lines) + (f"\n⟨{rest:,} more characters⟩" if rest > 0 else "")


def _without_towers(text: str) -> list[str]:
    """Return the pieces of `text`, with only the first few of consecutive combining marks."""
    pieces = []
    for is_combining, run in groupby(text, _is_combining):
        characters = list(run)
        if is_combining and len(characters) > MARKS_KEPT:
            pieces += [*characters[:MARKS_KEPT], f"⟨{len(characters) - MARKS_KEPT} more marks⟩"]
        else:
            pieces += [_visible(character) for character in characters]
    return pieces


def _is_combining(character: str) -> bool:
    return unicodedata.category(character) in COMBINING and character not in BLANK


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    code = ord(character)
    if character in SHOWN_AS_THEY_ARE:
        return character
    if unicodedata.category(character) not in HIDDEN and character not in BLANK:
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def cut(line: str, longest: int, mark: str = "") -> str:
    """Return a line with at most `longest` characters and, if it is longer, a mark."""
    if len(line) <= longest:
        return line
    return line[:longest] + (mark or f" ⟨{len(line) - longest:,} more characters⟩")
