"""Any output gets a verdict from the judge, in time."""

import time
from dataclasses import asdict, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executions.answer import TestResult
from executions.bounds import CODE_BYTES
from executions.request import Match, TestCase
from executions.running.comparison.literals import parse
from executions.running.comparison.texts import Tolerance
from executions.running.comparison.values import ValueComparison
from executions.running.judge import LEFT, NOT_RUN, is_value_or_exception, judge
from executions.sandbox.results import ErrorDetail, Outcome, Run, RunStatus
from guest.program.literal import literal

TEXTS = st.text() | st.text("0123456789.-+eE \n") | st.lists(st.floats() | st.integers()).map(str)
NAMES = st.sampled_from(["", "ValueError", "__main__.ValueError", "json.decoder.JSONDecodeError"]) | TEXTS
RUNS = st.builds(
    Run,
    st.sampled_from(list(RunStatus)),
    TEXTS,
    TEXTS,
    tested=st.booleans(),
    completed=st.booleans(),
    raised=NAMES,
    detail=st.none() | st.builds(ErrorDetail, NAMES, TEXTS),
)
CASES = st.builds(
    TestCase, *[st.none() | TEXTS] * 5, match=st.none() | st.sampled_from(list(Match)), hidden=st.booleans()
)


def result(case: TestCase, run: Run, main: Run) -> TestResult:
    [found] = judge((case,), Outcome(main, () if case.looks_at_main_run else (run,), 0), 5)
    return found


def passes(match: Match, expected: str, actual: str) -> bool:
    run = Run(RunStatus.SUCCESS, actual, tested=True, completed=True)
    return result(TestCase(input="f()", expected_output=expected, match=match), run, run).passed


@given(CASES, RUNS, RUNS)
@example(TestCase(input="f()", hidden=True), Run(RunStatus.SUCCESS), Run(RunStatus.SUCCESS))
@example(TestCase(input="f()", hidden=True), Run(RunStatus.NOT_RUN), Run(RunStatus.SUCCESS))
def test_every_run_has_a_verdict(case: TestCase, run: Run, main: Run) -> None:
    found = result(case, run, main)
    assert found.passed in (True, False)
    assert found.message.startswith("✅ Test passed" if found.passed else "❌ Test failed")
    looked_at = main if case.looks_at_main_run else run
    if looked_at.status not in (RunStatus.SUCCESS, RunStatus.ERROR):
        assert not found.passed
    if case.hidden:
        assert {name for name, value in asdict(found).items() if value is not None} == {
            *("passed", "message", "status", "execution_time", "hidden")
        }
        assert found.message in (
            "✅ Test passed",
            *(f"❌ Test failed{reason}" for reason in ("", f" {NOT_RUN}", f" {LEFT}")),
        )


@given(NAMES, TEXTS, RUNS)
@example("ValueError", "bad", Run(RunStatus.ERROR, stderr="ValueError: bad", tested=True))
def test_failed_test_passes_only_for_an_exception_that_was_reported(name: str, message: str, run: Run) -> None:
    failed = replace(run, status=RunStatus.ERROR)
    found = result(TestCase(input="f()", expected_output=f"{name}: {message}"), failed, failed)
    if found.passed:
        assert failed.detail is not None
        assert failed.tested
        assert f".{failed.raised}".endswith(f".{name.partition(':')[0].strip()}")


@pytest.mark.parametrize("match", [match for match in Match if match not in (Match.REGEX, Match.RETURNS)])
@given(text=TEXTS)
def test_equal_output_passes(match: Match, text: str) -> None:
    assert passes(match, text, text)
    assert passes(match, text, text + " \n\n")


@pytest.mark.parametrize("match", [Match.EXACT, Match.FLOAT])
@given(one=TEXTS.filter(bool), other=TEXTS.filter(bool))
@example("٣", "3")
@example("1e9999999999999999999", "1")
def test_exact_and_float_comparison_are_symmetric(match: Match, one: str, other: str) -> None:
    assert passes(match, one, other) is passes(match, other, one)


@given(TEXTS.filter(bool), TEXTS)
def test_output_that_matches_exactly_passes_every_comparison(expected: str, actual: str) -> None:
    if passes(Match.EXACT, expected, actual):
        assert passes(Match.CONTAINS, expected, actual)
        assert passes(Match.FLOAT, expected, actual)


@given(st.integers(), st.text("abc \n"))
def test_different_integers_do_not_match(number: int, words: str) -> None:
    assert not passes(Match.FLOAT, f"{words}{number}", f"{words}{number + 1}")


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner),
) | st.sets(st.text() | st.floats() | st.integers())


@given(DATA)
@example("\ud800\0'\"\\\n\x85\u2028")
def test_plain_data_equals_itself_after_it_has_left_a_container(value: object) -> None:
    text = literal(value).decode()
    for exact_types in (False, True):
        comparison = ValueComparison(Tolerance.of(0, 0), exact_types)
        assert comparison.are_equal(parse(text), parse(text, is_sent=True))
    parse(repr(value))  # as a teacher would write it
    run = Run(RunStatus.SUCCESS, returned=text, tested=True, completed=True)
    assert result(TestCase(input="f()", expected_output=repr(value), match=Match.RETURNS), run, run).passed


@given(TEXTS | st.text("[](){}<>'\",:1 -+.exj\\"))
def test_any_returned_text_has_a_verdict(text: str) -> None:
    run = Run(RunStatus.SUCCESS, returned=text, tested=True, completed=True)
    assert result(TestCase(input="f()", expected_output="8", match=Match.RETURNS), run, run).passed in (True, False)
    if is_value_or_exception(text):
        assert result(TestCase(input="f()", expected_output=text, match=Match.RETURNS), run, run).diff != ""


SLOW = ["1 ", "1.", ".", "1e", "1e+", "-+", " \n", "\n", "9", "1e999999999 ", "0.1 ", "٣", "a.", "9" * 30 + " "]


@pytest.mark.parametrize("match", list(Match))
@pytest.mark.parametrize("piece", SLOW, ids=ascii)
def test_the_longest_texts_are_compared_in_time(match: Match, piece: str) -> None:
    """A request has room for about thirty of these."""
    text = piece * (CODE_BYTES // len(piece.encode()))
    others = [text + "x", text[:-1], text.replace("1", "2"), text.replace(" ", "0 ")]
    started = time.perf_counter()
    for other in others:
        passes(match, text, other)
    assert time.perf_counter() - started < 4 * 1.0
