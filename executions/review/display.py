"""Display text that an attacker may have written: characters that hide, move or overwrite text become visible marks."""

import time
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pygments import format
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Text, _TokenType

LONGEST_TEXT = 100_000
LONGEST_LINE = 2_000
LONGEST_HIGHLIGHTED = 20_000
LONGEST_HIGHLIGHTING_SECONDS = 0.25
"""A lexer consists of regular expressions, which hostile text can make slow: the time for blank lines alone grows with
the square of their number."""
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
    lines = [_cut(line, LONGEST_LINE) for line in shown.split("\n")]
    rest = len(text) - LONGEST_TEXT
    return "\n".join(lines) + (f"\n⟨{rest:,} more characters⟩" if rest > 0 else "")


def first_line(text: str, longest: int = 80) -> str:
    """Return the first line that is not blank, made visible, for a row of a list."""
    lines = (line.strip() for line in text.splitlines())
    return _cut(make_visible(next((line for line in lines if line), "")).replace("\t", " "), longest, "…")


def highlighted(code: str) -> SafeString:
    """Return Python code as highlighted HTML, or as plain HTML if it is very long. Highlighting stops after a while."""
    shown = make_visible(code)
    if len(shown) > LONGEST_HIGHLIGHTED:
        return format_html('<div class="code"><pre>{}</pre></div>', shown)
    formatter = HtmlFormatter(cssclass="code")  # it escapes the text
    colored: str = format(_tokens(shown), formatter)
    return mark_safe(colored)  # noqa: S308


def _tokens(code: str) -> Iterator[tuple[_TokenType, str]]:
    """Yield the tokens of `code`. When the time is up, yield the rest as one piece of text."""
    ends = time.monotonic() + LONGEST_HIGHLIGHTING_SECONDS
    taken = 0
    for kind, text in PythonLexer(stripnl=False).get_tokens(code):
        if time.monotonic() > ends:
            yield Text, code[taken:]
            return
        taken += len(text)
        yield kind, text


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


def _cut(line: str, longest: int, mark: str = "") -> str:
    if len(line) <= longest:
        return line
    return line[:longest] + (mark or f" ⟨{len(line) - longest:,} more characters⟩")
