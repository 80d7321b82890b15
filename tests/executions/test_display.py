"""Hostile text is shown harmlessly: nothing in it hides, moves, overwrites or runs."""

import re
import time
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.review.display import first_line, highlighted, telling_line
from web.visible_text import BLANK, HIDDEN, LONGEST_LINE, LONGEST_TEXT, make_visible

ANYTHING = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("é 日本語 العربية 🙂", "é 日本語 العربية 🙂"),
        ("\x1b[2J\x07\b\r", "␛[2J␇␈␍"),
        ("\x00\x7f", "␀␡"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\u202eb\u2066c\u200bd", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d"),
        ("\ufeff\U000e0041\uffff\u2028", "⟨U+FEFF⟩⟨U+E0041⟩⟨U+FFFF⟩⟨U+2028⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\u034f\u115f\u3164\u2800\ufe0fb", "a⟨U+034F⟩⟨U+115F⟩⟨U+3164⟩⟨U+2800⟩⟨U+FE0F⟩b"),
        ("e" + "\u0301" * 3, "e" + "\u0301" * 3),
        ("e" + "\u0301" * 100, "e" + "\u0301" * 4 + "⟨96 more marks⟩"),
    ],
)
def test_hidden_characters_become_visible_marks(text: str, shown: str) -> None:
    assert make_visible(text) == shown


def test_long_lines_and_texts_are_truncated_with_a_note() -> None:
    assert make_visible("x" * 2_500) == "x" * LONGEST_LINE + " ⟨500 more characters⟩"
    assert make_visible("x\n" * LONGEST_TEXT).endswith(f"⟨{LONGEST_TEXT:,} more characters⟩")


@given(ANYTHING)
def test_no_hidden_character_is_left(text: str) -> None:
    shown = make_visible(text)
    assert not {character for character in shown if unicodedata.category(character) in HIDDEN} - {"\n", "\t"}
    assert not BLANK & set(shown)
    shown.encode()  # no lone surrogate is left, either


@given(ANYTHING)
def test_any_code_is_escaped(code: str) -> None:
    html = highlighted(code)
    assert "<script" not in html
    assert html.count("<div") == html.count("</div>") == 1


@pytest.mark.parametrize("code", ["</pre><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}"])
def test_markup_in_code_is_escaped(code: str) -> None:
    for html in (highlighted(code), highlighted(code * 1_000)):
        assert "<script" not in html
        assert "<img" not in html


def test_short_code_is_highlighted_and_long_code_is_not() -> None:
    assert '<span class="k">def</span>' in highlighted("def f(): pass")
    assert "<span" not in highlighted("def f(): pass\n" * 2_000)


@pytest.mark.parametrize(
    "code", [" \n" * 10_000, "\t\n" * 10_000, "x\n" + " \n" * 9_990], ids=("blanks", "tabs", "after code")
)
def test_highlighting_is_bounded_in_time(code: str) -> None:
    """Blank lines alone once took 12 seconds."""
    started = time.monotonic()
    html = highlighted(code)
    assert time.monotonic() - started < 3
    shown = unescape(re.sub(r"<[^>]+>", "", html))
    assert len(shown.strip()) == len(code.strip())
    assert abs(shown.count("\n") - code.count("\n")) <= 3


@pytest.mark.parametrize(
    ("text", "line"),
    [("", ""), ("\n\n  print(1)\nprint(2)", "print(1)"), ("x" * 100, "x" * 80 + "…"), ("\u202e\x1b\r\n1", "⟨U+202E⟩␛")],
)
def test_first_line_is_the_first_that_is_not_blank(text: str, line: str) -> None:
    assert first_line(text) == line


@pytest.mark.parametrize(
    ("code", "error_line", "line"),
    [
        ("import os\nimport sys\n\nprint(1)", None, "print(1)"),
        ("import os\nname = 'ada'\nos.fork()", None, "os.fork()"),
        ("# lesson 3\n'''A long\nstory'''\nfrom math import pi\nprint(pi)", None, "print(pi)"),
        ('"""One line"""\nx = 1', None, "x = 1"),
        ("x = 1\nprint(y)", 2, "print(y)"),
        ("x = 1\neval('y')\nprint(y)", 3, "eval('y')"),
        ("x = 1", 9, "x = 1"),
        ("import os", None, "import os"),
        ("", None, ""),
    ],
)
def test_the_most_telling_line_is_shown(code: str, error_line: int | None, line: str) -> None:
    assert telling_line(code, error_line) == line
