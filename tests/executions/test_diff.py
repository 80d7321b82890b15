"""Where an output differs, as a beginner is shown it."""

import time

import pytest

from executions.request import Match, TestCase
from executions.running.judge import judge
from executions.sandbox.results import Outcome, Run, RunStatus


def diff(expected: str, actual: str, match: Match = Match.EXACT) -> str | None:
    run = Run(RunStatus.SUCCESS, actual, tested=True)
    case = TestCase(input="f()", expected_output=expected, match=match)
    [result] = judge((case,), Outcome(run, (run,), 0), 5)
    shown: str | None = result["diff"]
    return shown


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ("8", "9\n", ["Line 1 differs:", "  expected: 8", "  printed:  9", "            ^"]),
        (
            "a\nHello, Ada!",
            "a\nHello Ada!\nb",
            ["Line 2 differs:", "  expected: Hello, Ada!", "  printed:  Hello Ada!", "                 ^"],
        ),
        ("Ada", "ada", ["Line 1 differs in capital letters:", "  expected: Ada", "  printed:  ada", "            ^"]),
        ("a b", "a  b", ["Line 1 differs in its blanks:", "  expected: a b", "  printed:  a  b", "              ^"]),
        ("a\tb", "a b", ["Line 1 differs in its blanks:", "  expected: a→b", "  printed:  a b", "             ^"]),
        ("ab", "a", ["Line 1 differs:", "  expected: ab", "  printed:  a", "             ^"]),
        ("a\x1b[2Jb", "ab", ["Line 1 differs:", "  expected: a\ufffd[2Jb", "  printed:  ab", "             ^"]),
        ("a\nb", "a", ["Line 2 is missing:", "  expected: b"]),
        ("a\nb\nc\nd", "a", ["Line 2 is missing, and 2 more:", "  expected: b"]),
        ("a", "a\nb", ["Line 2 is too much:", "  printed:  b"]),
        ("8", "", ["Line 1 differs:", "  expected: 8", "  printed:  ", "            ^"]),
    ],
)
def test_the_first_difference_is_shown(expected: str, actual: str, lines: list[str]) -> None:
    assert diff(expected, actual) == "\n".join(lines)


@pytest.mark.parametrize("match", list(Match))
def test_there_is_none_where_a_test_passes(match: Match) -> None:
    assert diff("1.0\n", "1.0", match) is None


def test_numbers_that_are_close_are_no_difference() -> None:
    shown = diff("0.3\n2", "0.30000000000000004\n3", Match.FLOAT)
    assert shown == "Line 2 differs:\n  expected: 2\n  printed:  3\n            ^"


def test_what_is_not_contained_is_shown() -> None:
    assert diff("Ada\nBob", "Ada\nEve", Match.CONTAINS) == "This was not printed:\n  expected: Bob"
    shown = diff("Ada\nBob", "Bob\nAda", Match.CONTAINS)
    assert shown == "The expected lines were not printed one after the other."


@pytest.mark.parametrize("place", [0, 39, 40, 79, 80, 81, 1000, 1999])
def test_a_long_line_is_shown_around_its_difference(place: int) -> None:
    expected = "x" * 2000
    shown = diff(expected, expected[:place] + "y" + expected[place + 1 :])
    assert shown is not None
    _, _, printed, mark = shown.split("\n")
    assert printed[mark.index("^")] == "y"
    assert len(printed) < 100


def test_one_that_did_not_fail_by_its_output_has_none() -> None:
    for status in (RunStatus.ERROR, RunStatus.TIMEOUT, RunStatus.NOT_RUN):
        case = TestCase(input="f()", expected_output="8")
        [result] = judge((case,), Outcome(Run(status), (Run(status, "9"),), 0), 5)
        assert (result["passed"], result["diff"]) == (False, None)


@pytest.mark.parametrize("match", list(Match))
def test_texts_made_to_differ_in_hard_ways_take_no_time(match: Match) -> None:
    expected = "\n".join(f"{number:x}" for number in range(12_000))
    actual = "\n".join(f"{number:x}" for number in reversed(range(12_000)))
    started = time.monotonic()
    shown = diff(expected, actual, match)
    assert shown is not None
    assert len(shown) < 500
    assert time.monotonic() - started < 5
