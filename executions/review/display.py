"""Display a program, or a part of it, as staff see it: highlighted, and with visible marks for invisible characters."""

import re
import time
from collections.abc import Iterator

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pygments import format
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Text, _TokenType

from web.visible_text import cut, make_visible

REACHES = re.compile(
    r"\b(?:os|sys|socket|subprocess|ctypes|multiprocessing|threading|signal|shutil|urllib|requests|builtins)\.\w"
    r"|\b(?:exec|eval|compile|open|__import__|getattr)\s*\(|__\w+__|/proc|/etc|/sys"
)
"""What a beginner's lesson rarely needs."""

LONGEST_HIGHLIGHTED = 20_000
LONGEST_HIGHLIGHTING_SECONDS = 0.25
"""A lexer consists of regular expressions, which hostile text can make slow: the time for blank lines alone grows with
the square of their number."""


def first_line(text: str, longest: int = 80) -> str:
    """Return the first line that is not blank, made visible, for a row of a list."""
    lines = (line.strip() for line in text.splitlines())
    return cut(make_visible(next((line for line in lines if line), "")).replace("\t", " "), longest, "…")


def telling_line(code: str, error_line: int | None = None, longest: int = 80) -> str:
    """Return the line of a program that says most about it, made visible, for a row of a list.

    The first line that uses the system; otherwise the line with the error, otherwise the first statement.
    """
    lines = [line.strip() for line in code.splitlines()]
    doing = _without_preamble(lines)
    reaching = next((line for line in doing if REACHES.search(line)), "")
    wrong = lines[error_line - 1] if error_line and error_line <= len(lines) else ""
    return first_line(reaching or wrong or next(iter(doing), "") or code, longest)


def _without_preamble(lines: list[str]) -> list[str]:
    """Return the lines that are neither imports nor comments, nor in a string that begins a line."""
    found = []
    quotes = ""
    for line in lines:
        if quotes:
            quotes = "" if quotes in line else quotes
        elif line.startswith(('"""', "'''")):
            quotes = line[:3] if line[:3] not in line[3:] else ""
        elif line and not line.startswith(("#", "import ", "from ")):
            found.append(line)
    return found


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
