"""The first difference between the output and the expected output, as a beginner sees it."""

import time

import pytest

from executions.request import Match, TestCase
from executions.running.judge import judge
from executions.sandbox.results import Outcome, Run, RunStatus


def diff(expected: str, actual: str, match: Match = Match.EXACT) -> str | None:
    run = Run(RunStatus.SUCCESS, actual, tested=True, completed=True)
    case = TestCase(input="f()", expected_output=expected, match=match)
    [result] = judge((case,), Outcome(run, (run,), 0), 5)
    return result.diff


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ("8", "9\n", ["Line 1 differs:", "  expected: 8", "  printed:  9", "            ^"]),
        (
            "a\nHello, Ada!",
            "a\nHello Ada!\nb",
            ["Line 2 differs:", "  expected: Hello, Ada!", "  printed:  Hello Ada!", "                 ^"],
        ),
        (
            "Ada",
            "ada",
            ["Line 1 differs only in capital letters:", "  expected: Ada", "  printed:  ada", "            ^"],
        ),
        ("a b", "a  b", ["Line 1 differs only in spaces:", "  expected: a b", "  printed:  a  b", "              ^"]),
        ("a\tb", "a b", ["Line 1 differs only in spaces:", "  expected: a→b", "  printed:  a b", "             ^"]),
        ("ab", "a", ["Line 1 differs:", "  expected: ab", "  printed:  a", "             ^"]),
        ("a\x1b[2Jb", "ab", ["Line 1 differs:", "  expected: a\ufffd[2Jb", "  printed:  ab", "             ^"]),
        ("a\nb", "a", ["Line 2 is missing:", "  expected: b"]),
        ("a\nb\nc\nd", "a", ["Line 2 is missing (and 2 more):", "  expected: b"]),
        ("a", "a\nb", ["Line 2 was not expected:", "  printed:  b"]),
        ("8", "", ["Line 1 differs:", "  expected: 8", "  printed:  ", "            ^"]),
        ("日本1", "日本2", ["Line 1 differs:", "  expected: 日本1", "  printed:  日本2", "                ^"]),
        ("🐍 a", "🐍 b", ["Line 1 differs:", "  expected: 🐍 a", "  printed:  🐍 b", "               ^"]),
        ("e\u0301a", "e\u0301b", ["Line 1 differs:", "  expected: e\u0301a", "  printed:  e\u0301b", "             ^"]),
        ("e\u0301", "e\u0300", ["Line 1 differs:", "  expected: e\u0301", "  printed:  e\u0300", "            ^"]),
        ("กี่1", "กี่2", ["Line 1 differs:", "  expected: กี่1", "  printed:  กี่2", "             ^"]),
        ("👍🏽", "👍🏿", ["Line 1 differs:", "  expected: 👍🏽", "  printed:  👍🏿", "            ^"]),
        ("", "x\ny", ["Line 1 was not expected (and 1 more):", "  printed:  x"]),
    ],
)
def test_diff_shows_the_first_difference(expected: str, actual: str, lines: list[str]) -> None:
    assert diff(expected, actual) == "\n".join(lines)


@pytest.mark.parametrize("match", list(Match))
def test_passed_test_has_no_diff(match: Match) -> None:
    assert diff("1.0\n", "1.0", match) is None


def test_numbers_within_the_tolerance_are_not_a_difference() -> None:
    shown = diff("0.3\n2", "0.30000000000000004\n3", Match.FLOAT)
    assert shown == "Line 2 differs:\n  expected: 2\n  printed:  3\n            ^"


@pytest.mark.parametrize(
    ("match", "expected", "actual", "place"),
    [
        (Match.IGNORE_CASE, "Hello Ada", "HELLO Bob", 6),
        (Match.IGNORE_CASE, "Straße 1", "STRASSE 2", None),
        (Match.FLOAT, "0.30 and 2", "0.31 and 3", 3),
        (Match.FLOAT, "0.3 2", "0.30000000000000004 3", None),
        (Match.FLOAT, "1.0000001 2", "1.0000002 3", 10),
        (Match.FLOAT, "1.0 a", "1.0 b", 4),
        (Match.FLOAT, "1.0", "1.0 1", 3),
        (Match.RETURNS, "[1, 2]", "(1, 3)", 4),
        (Match.RETURNS, "(1,)", "[2]", 1),
        (Match.RETURNS, "[0.3, 2]", "[0.30000000000000004, 3]", None),
        (Match.RETURNS, "[1, 'b']", "[1.0, 'c']", None),
        (Match.RETURNS, "'abc'", "'abd'", 3),
        (Match.RETURNS, "8", "None", 0),
    ],
)
def test_mark_stands_below_no_difference_that_the_comparison_allows(
    match: Match, expected: str, actual: str, place: int | None
) -> None:
    output, value = ("", actual) if match is Match.RETURNS else (actual, None)
    run = Run(RunStatus.SUCCESS, output, tested=True, completed=True, returned=value)
    [result] = judge((TestCase(input="f()", expected_output=expected, match=match),), Outcome(run, (run,), 0), 5)
    assert result.diff is not None
    _, _, _, *marks = result.diff.split("\n")
    assert marks == ([] if place is None else [" " * (12 + place) + "^"])


def test_program_that_prints_none_without_a_call_is_told_of_no_function() -> None:
    run = Run(RunStatus.SUCCESS, "None\n[1, 3]\n", tested=True, completed=True)
    case = TestCase(stdin="", expected_output="[1, 3]", match=Match.EXACT)
    [result] = judge((case,), Outcome(run, (run,), 0), 5)
    assert result.diff is not None
    assert result.diff.startswith("Line 1 differs:\n  expected: [1, 3]\n  printed:  None")


def test_diff_shows_the_line_that_the_output_does_not_contain() -> None:
    assert diff("Ada\nBob", "Ada\nEve", Match.CONTAINS) == "This line was not printed:\n  expected: Bob"
    shown = diff("Ada\nBob", "Bob\nAda", Match.CONTAINS)
    assert shown == "The expected lines were not printed one after another, in this order."


@pytest.mark.parametrize("place", [0, 39, 40, 79, 80, 81, 1000, 1999])
def test_long_line_is_cut_around_its_difference(place: int) -> None:
    expected = "x" * 2000
    shown = diff(expected, expected[:place] + "y" + expected[place + 1 :])
    assert shown is not None
    _, _, printed, mark = shown.split("\n")
    assert printed[mark.index("^")] == "y"
    assert len(printed) < 100


@pytest.mark.parametrize("text", ["e\u0301", "👩\u200d🚀", "👍🏽", "🇩🇪", "❤\ufe0f", "กี่"])
def test_long_line_is_cut_between_characters(text: str) -> None:
    for before in range(36, 42):
        expected = "x" * before + text + "y" * 38 + text * 9
        shown = diff(expected, expected[: before + len(text) + 37] + "z" + expected[before + len(text) + 38 :])
        assert shown is not None
        piece = shown.split("\n")[1].removeprefix("  expected: ").replace("\ufffd", "\u200d").strip("…xy")
        assert piece.replace(text, "").replace("y", "") == "", ascii(piece)


def test_test_that_failed_without_comparing_output_has_no_diff() -> None:
    for status in (RunStatus.ERROR, RunStatus.TIMEOUT, RunStatus.NOT_RUN):
        case = TestCase(input="f()", expected_output="8")
        [result] = judge((case,), Outcome(Run(status), (Run(status, "9"),), 0), 5)
        assert (result.passed, result.diff) == (False, None)


@pytest.mark.parametrize("match", [match for match in Match if match not in (Match.UNORDERED, Match.RETURNS)])
def test_outputs_made_hard_to_compare_take_little_time(match: Match) -> None:
    expected = "\n".join(f"{number:x}" for number in range(12_000))
    actual = "\n".join(f"{number:x}" for number in reversed(range(12_000)))
    started = time.monotonic()
    shown = diff(expected, actual, match)
    assert shown is not None
    assert len(shown) < 500
    assert time.monotonic() - started < 5
