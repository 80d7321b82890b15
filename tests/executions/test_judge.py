"""When a test passes, and what the learner sees of it."""

from dataclasses import replace
from typing import Any

import pytest

from executions.answer import TestResult
from executions.bounds import MESSAGE_CHARACTERS, SHOWN_BYTES
from executions.request import ExecutionRequest, Locale, Match, TestCase, in_running_order
from executions.running.judge import judge
from executions.running.language import speaking
from executions.sandbox.results import ErrorDetail, MethodResult, Outcome, Run, RunStatus

MAIN = Run(RunStatus.SUCCESS, "main\n", wall_seconds=0.25)


def result_of(case: TestCase, run: Run, main: Run = MAIN) -> TestResult:
    """Return the result of one test case, judged by `run`, or by `main` if the case has no run of its own."""
    [result] = judge((case,), Outcome(main, () if case.looks_at_main_run else (run,), 0), 5)
    return result


def passes(expected: str | None, actual: str, match: Match | None = None, **options: Any) -> bool:
    """Return whether a call that printed `actual` passes."""
    run = Run(**{"status": RunStatus.SUCCESS, "stdout": actual, "tested": True, "completed": True, **options})
    case = TestCase(input="f()", expected_output=expected, match=match)
    return result_of(case, run).passed


# Which run is judged


@pytest.mark.parametrize(
    ("case", "is_main"),
    [
        (TestCase(), True),
        (TestCase(expected_output="x", name="x"), True),
        (TestCase(code="", input=""), True),
        (TestCase(code="1"), False),
        (TestCase(input="f()"), False),
        (TestCase(stdin="a"), False),
        (TestCase(stdin=""), False),
        (TestCase(unittest="1"), False),
        (TestCase(unittest=""), True),
        (TestCase(doctest=True), False),
    ],
    ids=repr,
)
def test_a_case_without_input_code_or_stdin_uses_the_main_run(case: TestCase, is_main: bool) -> None:
    result = result_of(case, Run(RunStatus.SUCCESS, "test\n", tested=True, completed=True))
    assert result.actual_output == ("main\n" if is_main else "test\n")


GOOD, BAD = MethodResult("T.test_a", True, ""), MethodResult("T.test_b", False, "1 != 2")


@pytest.mark.parametrize(
    ("methods", "change", "passed", "said"),
    [
        ((GOOD,), {}, True, "1 of 1 test passed"),
        ((GOOD, GOOD), {}, True, "2 of 2 tests passed"),
        ((GOOD, BAD), {}, False, "1 of 2 tests passed"),
        ((), {}, False, "no test has run"),
        ((GOOD,), {"completed": False}, False, "1 of 1 test passed (the program ended before the test did)"),
        ((GOOD,), {"status": RunStatus.ERROR}, False, "1 of 1 test passed"),
        ((GOOD,), {"status": RunStatus.TIMEOUT}, False, "1 of 1 test passed"),
    ],
    ids=range(7),
)
def test_suite_passes_only_if_it_ended_and_all_its_methods_passed(
    methods: tuple[MethodResult, ...], change: dict[str, Any], passed: bool, said: str
) -> None:
    run = Run(RunStatus.SUCCESS, tested=True, completed=True, methods=methods)
    result = result_of(TestCase(unittest="1"), replace(run, **change))
    assert (result.passed, result.methods) == (passed, methods)
    assert result.message == f"{'✅ Test passed' if passed else '❌ Test failed'}: {said}"


def test_what_we_say_about_methods_is_in_the_learners_language() -> None:
    own = MethodResult("T.test_a", False, "1 != 2")
    methods = (own, MethodResult("T.test_b", False, "did not end"), MethodResult("T.test_c", False, "not run"))
    with speaking(Locale.DE):
        result = result_of(TestCase(unittest="…"), Run(RunStatus.TIMEOUT, tested=True, methods=methods))
    assert [each.message for each in result.methods or ()] == ["1 != 2", "nicht zu Ende gelaufen", "nicht gelaufen"]


def test_methods_of_all_results_are_bounded() -> None:
    """They share the room with outputs. A message goes before a name does."""
    long = tuple(MethodResult(f"T.test_{n}", False, "é" * 500) for n in range(100))
    run = Run(RunStatus.ERROR, "x" * 1000, tested=True, methods=long)
    results = judge((TestCase(unittest="1"),) * 50, Outcome(MAIN, (run,) * 50, 0), 5)
    assert results[0].methods == long
    shown = sum(len((each.name + each.message).encode()) for result in results for each in result.methods or ())
    assert SHOWN_BYTES * 0.8 < shown <= SHOWN_BYTES
    assert not any(result.passed for result in results)


def test_results_are_in_the_order_of_the_test_cases() -> None:
    cases = (TestCase(input="1"), TestCase(), TestCase(code="2"), TestCase(), TestCase(stdin="3"))
    runs = tuple(Run(RunStatus.SUCCESS, text, tested=True, completed=True) for text in "abc")
    results = judge(cases, Outcome(MAIN, runs, 0), 5)
    assert [result.actual_output for result in results] == ["a", "main\n", "b", "main\n", "c"]


# Exact comparison, the default: only invisible differences are ignored


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("8", "8\n"),
        ("8\n", "8"),
        ("8", "8 \t\n\n \n"),
        ("a  \nb", "a\nb   \n"),
        ("a\r\nb", "a\nb\n"),
        ("  indented", "  indented\n"),
        ("a\n\nb", "a\n\nb\n"),
    ],
    ids=repr,
)
def test_trailing_blanks_and_blank_last_lines_are_ignored(expected: str, actual: str) -> None:
    assert passes(expected, actual)
    assert passes(actual, expected)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("8", "18"),
        ("8", "8\n9"),
        ("8", "8.0"),
        ("8", ""),
        ("a", "A"),
        ("a b", "a  b"),
        ("  a", "a"),
        ("a\nb", "a\n\nb"),
        ("a\nb", "a\x0cb"),
        ("a", "\na"),
    ],
    ids=repr,
)
def test_any_other_difference_fails(expected: str, actual: str) -> None:
    assert not passes(expected, actual)
    assert not passes(expected, actual, Match.EXACT)


# Containment, the default for the main run


@pytest.mark.parametrize(("expected", "actual"), [("8", "18\n"), ("b  \nc\n", "a\nb\nc\nd")], ids=repr)
def test_containment_matches_part_of_the_output(expected: str, actual: str) -> None:
    assert passes(expected, actual, Match.CONTAINS)
    assert not passes(actual, expected, Match.CONTAINS)


def test_the_main_run_is_compared_by_containment_by_default() -> None:
    main = Run(RunStatus.SUCCESS, "Hello, World!\n")
    assert result_of(TestCase(expected_output="World"), MAIN, main).passed
    assert not result_of(TestCase(expected_output="World", match=Match.EXACT), MAIN, main).passed
    assert not result_of(TestCase(expected_output="Mars"), MAIN, main).passed


def test_output_before_an_error_in_the_main_run_counts() -> None:
    failed = Run(RunStatus.ERROR, "Hello, World!\n", "Traceback\nValueError: bad\n")
    assert result_of(TestCase(expected_output="World"), MAIN, failed).passed
    assert not result_of(TestCase(expected_output="Mars"), MAIN, failed).passed
    assert not result_of(TestCase(), MAIN, failed).passed
    for status in (RunStatus.TIMEOUT, RunStatus.MEMORY_LIMIT, RunStatus.OUTPUT_LIMIT):
        assert not result_of(TestCase(expected_output="World"), MAIN, Run(status, "Hello, World!\n")).passed


# Comparison of numbers


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("0.3", "0.30000000000000004\n"),
        ("1", "1.000001"),
        ("1", "0.999999"),
        ("-0.5", "-.5"),
        ("100", "1e2"),
        ("8", "8.0"),
        ("[0.1, 0.2]", "[0.1000001, 0.2]"),
        ("Area: 3.14159 m", "Area: 3.1415901 m"),
        ("5.", "5"),
        ("1\n-5.\n", "1\n-5.0"),
        ("[1. 2.5 3.]", "[1.0 2.5 3.0]"),
        ("[[1. 2.\n  3.]]", "[[1.0 2.0\n  3.0]]"),
        ("array([1., 2.])", "array([1.0, 2])"),
        ("1.e+05", "100000"),
        ("The answer is 5.", "The answer is 5.0."),
        ("Take 5.", "Take 5."),
        ("nan inf", "nan inf"),
        ("1e9999999999999999999", "1e9999999999999999999"),
    ],
    ids=repr,
)
def test_numbers_within_a_millionth_match(expected: str, actual: str) -> None:
    assert passes(expected, actual, Match.FLOAT)
    assert passes(actual, expected, Match.FLOAT)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1", "1.0000011"),
        ("1", "0.9999989"),
        ("1", "-1"),
        ("1 2", "1"),
        ("Area: 3", "Volume: 3"),
        ("The answer is 5.", "The answer is 5"),
        ("The answer is 5", "The answer is 5."),
        ("I am 5. You are 6.", "I am 5 You are 6."),
        ("nan", "inf"),
        ("9" * 400, "9" * 399 + "8"),
        ("1e9999999999999999999", "2e9999999999999999999"),
    ],
    ids=repr,
)
def test_numbers_further_apart_do_not_match(expected: str, actual: str) -> None:
    assert not passes(expected, actual, Match.FLOAT)


# Without an expected output


@pytest.mark.parametrize(("expected", "output"), [(None, "anything"), ("", ""), ("", " \n\n")])
@pytest.mark.parametrize("status", list(RunStatus))
def test_a_test_without_expected_output_passes_if_it_ends_without_error(
    expected: str | None, output: str, status: RunStatus
) -> None:
    assert passes(expected, output, status=status) is (status is RunStatus.SUCCESS)


@pytest.mark.parametrize("output", ["None\n", "x", ".", "0"])
@pytest.mark.parametrize("match", [None, Match.EXACT, Match.FLOAT])
def test_an_empty_expected_output_is_compared(match: Match | None, output: str) -> None:
    assert not passes("", output, match)
    result = result_of(
        TestCase(stdin="", expected_output="", match=match), replace(MAIN, stdout=output, completed=True)
    )
    assert (result.passed, result.diff) == (False, f"Line 1 was not expected:\n  printed:  {output.strip()}")


def test_every_output_contains_an_empty_one_but_only_if_the_author_asks_for_that() -> None:
    assert passes("", "x", Match.CONTAINS)
    assert result_of(TestCase(expected_output="", match=Match.CONTAINS), MAIN).passed
    assert not result_of(TestCase(expected_output=""), MAIN).passed
    assert result_of(TestCase(expected_output=""), MAIN, main=replace(MAIN, stdout="")).passed


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.SUCCESS])
def test_correct_output_of_a_failed_run_does_not_pass(status: RunStatus) -> None:
    assert not passes("8", "8", status=status)


def test_an_unreached_test_does_not_pass() -> None:
    """The submission printed the answer and exited."""
    assert not passes("8", "8", tested=False, completed=False)
    assert not passes(None, "8", tested=False, completed=False)


def test_a_test_without_expected_output_must_complete() -> None:
    assert passes("8", "8", completed=False)
    assert passes(None, "8")
    assert not passes(None, "8", completed=False)
    left = Run(RunStatus.SUCCESS, "8\n", tested=True)
    message = "❌ Test failed: f() -> Expected: (expected output) (the program ended before the test did)"
    assert result_of(TestCase(input="f()"), left).message == message


def test_hidden_tests_run_last_but_keep_their_index() -> None:
    texts = ("a", "b", None, "c", "d")
    cases = tuple(TestCase(stdin=text, expected_output=text or "main", hidden=text in ("b", "d")) for text in texts)
    programs = ExecutionRequest("", test_cases=cases).submission().tests
    assert [program.stdin for program in programs] == ["a", "c", "b", "d"]
    runs = tuple(Run(RunStatus.SUCCESS, program.stdin or "", tested=True) for program in programs)
    results = judge(cases, Outcome(MAIN, runs, 0), 5)
    assert [result.passed for result in results] == [True] * 5
    assert [result.actual_output for result in results] == ["a", None, "main\n", "c", None]


# Windows line ends


@pytest.mark.parametrize("match", [match for match in Match if match not in (Match.TOKENS, Match.RETURNS)])
def test_windows_line_ends_count_as_plain_ones_on_both_sides(match: Match) -> None:
    assert passes("1.5\r\n2\r\n", "1.5\n2\n", match)
    assert passes("1.5\n2", "1.5\r\n2\r\n", match)
    assert not passes("1.5\r\n2", "1.5\n\n2", match)


def test_stdin_reaches_a_program_with_plain_line_ends() -> None:
    cases = (TestCase(stdin="y\r\nn\r"), TestCase(input="1\r\n2"), TestCase(stdin=""), TestCase(code="a\r\nb"))
    submission = ExecutionRequest("x", input_data="a\r\nb\r\n", test_cases=cases).submission()
    assert submission.stdin == "a\nb\n"
    assert [test.stdin for test in submission.tests] == ["y\nn\r", None, "", None]
    assert submission.tests[1].input == "1\n2"


def test_byte_order_mark_of_a_file_is_not_part_of_the_program() -> None:
    assert ExecutionRequest("\ufeffprint('\ufeff')").submission().code == "print('\ufeff')"


# Expected exceptions: what the child reports as raised, never what stands on stderr


def raised(name: str, message: str = "", **options: Any) -> Run:
    """Return the run of a test that an exception has ended, given its full name and its message."""
    detail = ErrorDetail(name.rpartition(".")[2], message)
    values = {"status": RunStatus.ERROR, "tested": True, "raised": name, "detail": detail, "exit_code": 1, **options}
    return Run(**values)


def is_expected(expected: str, run: Run) -> bool:
    """Return whether a call passes that should end as `expected` says, and did end as in `run`."""
    return result_of(TestCase(input="f()", expected_output=expected), run).passed


@pytest.mark.parametrize(
    ("expected", "name", "message"),
    [
        ("ZeroDivisionError", "ZeroDivisionError", "division by zero"),
        ("ZeroDivisionError: division by zero", "ZeroDivisionError", "division by zero"),
        ("ValueError: bad", "ValueError", "bad luck"),
        ("ValueError:bad", "ValueError", "bad"),
        (" ValueError: bad\n", "ValueError", "bad"),
        ("ValueError:", "ValueError", "bad"),
        ("ValueError:  bad", "ValueError", " bad"),
        ("ValueError: first", "ValueError", "first\nsecond"),
        ("ValueError: first\nsecond", "ValueError", "first\nsecond\nthird"),
        ("ValueError: first\r\nsecond", "ValueError", "first\nsecond"),
        ("ValueError: first\nsecond", "ValueError", "first\r\nsecond"),
        ("ExceptionGroup: many", "ExceptionGroup", "many (1 sub-exception)"),
        ("KeyError: 'x'", "KeyError", "'x'"),
        ("KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("OverdrawnAccount", "__main__.OverdrawnAccount", "5 too much"),
        ("Bank.Overdrawn", "__main__.Bank.Overdrawn", ""),
        ("Overdrawn", "__main__.Bank.Overdrawn", ""),
        ("JSONDecodeError", "json.decoder.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
        ("json.decoder.JSONDecodeError", "json.decoder.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
        ("struct.error", "struct.error", "unpack requires a buffer of 4 bytes"),
        ("error: unpack", "struct.error", "unpack requires a buffer of 4 bytes"),
        ("no_money", "__main__.no_money", "5"),
        ("Überzogen", "__main__.Überzogen", ""),
        ("ValueError: " + "x" * 2000, "ValueError", "x" * 1000),  # a detail has no more
    ],
)
def test_an_expected_exception_passes(expected: str, name: str, message: str) -> None:
    assert is_expected(expected, raised(name, message))


@pytest.mark.wall("begun_test")
def test_an_expected_exception_before_the_test_does_not_pass() -> None:
    """The submission itself failed, so the test never began."""
    assert not is_expected("ZeroDivisionError", raised("ZeroDivisionError", "division by zero", tested=False))


@pytest.mark.parametrize(
    ("expected", "name", "message"),
    [
        ("ValueError", "TypeError", "bad"),
        ("ValueError: bad", "ValueError", "good"),
        ("ValueError: bad", "ValueError", "so bad"),
        ("A", "NameError", "name 'A' is not defined"),
        ("r", "struct.error", "r"),
        ("error", "shutil.Terror", "error"),
        ("other.JSONDecodeError", "json.decoder.JSONDecodeError", "other.JSONDecodeError"),
        ("ValueError", "RuntimeError", "ValueError: not a ValueError"),
        ("TooOld", "ValueError", "a base class"),
        ("yes", "SystemExit", "yes"),
        ("ValueError: " + "x" * 2000, "ValueError", "x" * 999),
        ("ValueError: " + "x" * 2000, "ValueError", "y" * 1000),
    ],
)
def test_another_exception_does_not_pass(expected: str, name: str, message: str) -> None:
    stderr = f"Traceback (most recent call last):\n{name}: {message}\n"
    assert not is_expected(expected, raised(name, message, stderr=stderr))


@pytest.mark.parametrize(
    ("expected", "passed"),
    [
        ("TooOld", True),
        ("ValueError", True),
        ("ValueError: bad", True),
        ("Exception", True),
        ("BaseException", True),
        ("limits.Limit", True),
        ("Limit", True),
        ("ValueError: good", False),
        ("TypeError", False),
        ("object", False),
        ("imit", False),
    ],
)
def test_a_subclass_of_the_expected_exception_passes(expected: str, passed: bool) -> None:
    bases = ("limits.Limit", "ValueError", "Exception", "BaseException")
    assert is_expected(expected, raised("__main__.TooOld", "bad", bases=bases)) is passed


@pytest.mark.parametrize("expected", ["KeyError", "IndexError", "LookupError", "Exception"])
def test_an_exception_that_would_be_several_builtins_is_none_of_them(expected: str) -> None:
    """Otherwise one class would pass all tests that expect an exception."""
    bases = ("KeyError", "IndexError", "LookupError", "Exception", "BaseException")
    assert not is_expected(expected, raised("__main__.Any", bases=bases))
    assert is_expected("Any", raised("__main__.Any", bases=bases))


def test_a_group_of_exceptions_is_an_exception() -> None:
    assert is_expected(
        "Exception", raised("ExceptionGroup", bases=("BaseExceptionGroup", "Exception", "BaseException"))
    )


@pytest.mark.wall("whole_exception_names")
@pytest.mark.parametrize("expected", ["Error", "rror", "r"])
def test_part_of_an_exceptions_name_does_not_pass(expected: str) -> None:
    assert not is_expected(expected, raised("ZeroDivisionError", "division by zero"))
    assert not is_expected(expected, raised("__main__.MyError", "bad"))


def test_an_exception_of_the_program_is_not_the_builtin_of_that_name() -> None:
    assert not is_expected("ValueError", raised("__main__.ValueError"))
    assert not is_expected("ValueError", raised("__main__.Other", bases=("__main__.ValueError", "Exception")))
    assert is_expected("__main__.ValueError", raised("__main__.ValueError"))


@pytest.mark.wall("exceptions_as_raised")
@pytest.mark.parametrize(
    "stderr",
    [
        "ValueError: bad\n",
        'Traceback (most recent call last):\n  File "main.py", line 1, in <module>\nValueError: bad\n',
    ],
)
def test_an_exception_that_is_only_printed_does_not_pass(stderr: str) -> None:
    """The process exited with 1 after it had written this, or reported another exception."""
    left = Run(RunStatus.ERROR, "", stderr, exit_code=1, tested=True)
    assert not is_expected("ValueError: bad", left)
    assert not is_expected("ValueError: bad", raised("SystemExit", "ValueError: bad", stderr=stderr))
    assert not passes("ValueError", "", stderr=stderr)
    assert not result_of(TestCase(expected_output="ValueError: bad"), MAIN, replace(left, tested=False)).passed


def test_the_text_of_an_exception_may_be_expected_as_output() -> None:
    assert passes("ValueError: bad", "ValueError: bad\n")


def test_the_main_run_may_have_an_expected_exception() -> None:
    assert result_of(TestCase(expected_output="ValueError"), MAIN, raised("ValueError", "bad", tested=False)).passed


# Messages and results


@pytest.mark.parametrize(
    ("case", "output", "message"),
    [
        (TestCase(input="add(5, 3)", expected_output="8"), "8", "✅ Test passed: add(5, 3) -> Expected: 8"),
        (TestCase(input="add(5, 3)", expected_output="8"), "9", "❌ Test failed: add(5, 3) -> Expected: 8"),
        (TestCase(code="print(8)", expected_output="8"), "8", "✅ Test passed: (no input) -> Expected: 8"),
        (
            TestCase(input="", stdin="", expected_output=""),
            "",
            "✅ Test passed: (no input) -> Expected: (expected output)",
        ),
        (TestCase(input="f()"), "", "✅ Test passed: f() -> Expected: (expected output)"),
    ],
)
def test_a_message_has_the_documented_wording(case: TestCase, output: str, message: str) -> None:
    assert result_of(case, Run(RunStatus.SUCCESS, output, tested=True, completed=True)).message == message


def test_a_result_has_every_field() -> None:
    case = TestCase(
        input="f()", expected_output="9", name="nine", points=1.5, on_pass="Yes.", on_fail="Look again.", group="g"
    )
    assert result_of(case, Run(RunStatus.SUCCESS, "8\n", wall_seconds=0.5, tested=True, completed=True)) == TestResult(
        passed=False,
        message="❌ Test failed: f() -> Expected: 9",
        input="f()",
        expected_output="9",
        name="nine",
        actual_output="8\n",
        truncated=False,
        diff="Line 1 differs:\n  expected: 9\n  printed:  8\n            ^",
        error_detail=None,
        status="success",
        execution_time=0.5,
        hidden=False,
        points=1.5,
        group="g",
        feedback="Look again.",
    )


@pytest.mark.wall("hidden_tests")
@pytest.mark.parametrize(("output", "message"), [("8", "✅ Test passed"), ("9", "❌ Test failed")])
def test_a_hidden_test_shows_only_its_verdict(output: str, message: str) -> None:
    case = TestCase("f()", "8", "print(8)", "name", "stdin", Match.EXACT, True, 1.5, "Yes.", "No.", "g")
    assert result_of(
        case, Run(RunStatus.SUCCESS, output, wall_seconds=1.234567, tested=True, completed=True)
    ) == TestResult(
        passed=output == "8",
        message=message,
        input=None,
        expected_output=None,
        name=None,
        actual_output=None,
        truncated=None,
        diff=None,
        error_detail=None,
        status="success",
        execution_time=1.0,
        hidden=True,
        points=None,
        group=None,
        feedback="Yes." if output == "8" else "No.",
    )


def test_long_input_is_truncated_only_in_the_message() -> None:
    at, past = "x" * MESSAGE_CHARACTERS, "x" * MESSAGE_CHARACTERS + "y"
    run = Run(RunStatus.SUCCESS, past, tested=True)
    result = result_of(TestCase(input=at, expected_output=past), run)
    assert (result.message, result.passed) == (f"✅ Test passed: {at} -> Expected: {at}…", True)
    assert (result.input, result.expected_output, result.truncated) == (at, past, False)


# Bounds on the shown output


def shown(*outputs: str, hidden: tuple[int, ...] = (), **options: Any) -> tuple[TestResult, ...]:
    """Return the results of tests that printed `outputs` as expected."""
    options = {"tested": True, **options}
    cases = tuple(TestCase(stdin="", expected_output=text, hidden=at in hidden) for at, text in enumerate(outputs))
    runs = tuple(Run(RunStatus.SUCCESS, outputs[at], **options) for at in in_running_order(cases))
    return judge(cases, Outcome(MAIN, runs, 0), 5)


@pytest.mark.parametrize(("letter", "size"), [("x", 1), ("я", 2), ("\ufffd", 3), ("🐍", 4)])
def test_shown_output_of_all_tests_together_is_bounded(letter: str, size: int) -> None:
    half = letter * (SHOWN_BYTES // 2 // size)
    rest = letter * ((SHOWN_BYTES - 2 * len(half.encode())) // size)
    assert [result.truncated for result in shown(half, half + rest)] == [False, False]
    results = shown(half, half + rest + letter, letter)
    assert [result.truncated for result in results] == [False, True, True]
    assert [result.actual_output for result in results] == [half, half + rest, ""]
    assert [result.passed for result in results] == [True] * 3


def test_shown_output_is_cut_between_characters() -> None:
    for text in ("e\u0301", "กี่", "👩\u200d🚀", "👍🏽", "🇩🇪", "❤\ufe0f"):
        [result] = shown("x" * (SHOWN_BYTES - 2) + text)
        assert (result.actual_output, result.truncated) == ("x" * (SHOWN_BYTES - 2), True)
        message = result_of(TestCase(input="y" * (MESSAGE_CHARACTERS - 1) + text), MAIN).message
        assert f"{'y' * (MESSAGE_CHARACTERS - 1)}… ->" in message


def test_truncated_output_is_compared_in_full() -> None:
    long = "x" * SHOWN_BYTES
    runs = (Run(RunStatus.SUCCESS, long, tested=True), Run(RunStatus.SUCCESS, "a\nb\n", tested=True))
    cases = (TestCase(stdin="", expected_output=long), TestCase(stdin="", expected_output="a\nc\n"))
    passed, failed = judge(cases, Outcome(MAIN, runs, 0), 5)
    assert passed.passed
    assert (failed.passed, failed.actual_output, failed.truncated) == (False, "", True)
    assert failed.diff == "Line 2 differs:\n  expected: c\n  printed:  b\n            ^"


def test_a_hidden_test_does_not_use_up_the_shown_output() -> None:
    first, last = shown("x" * SHOWN_BYTES, "y" * SHOWN_BYTES, hidden=(0,))
    assert (first.truncated, last.truncated) == (None, False)


def test_tests_of_the_main_run_use_the_shown_output_first() -> None:
    """Their results are sent first, before the other tests run."""
    main = Run(RunStatus.SUCCESS, "x" * SHOWN_BYTES)
    cases = (TestCase(stdin="", expected_output="8"), TestCase(expected_output="x"))
    test = Run(RunStatus.SUCCESS, "8", tested=True)
    assert [result.truncated for result in judge(cases, Outcome(main, (test,), 0), 5)] == [True, False]


def test_output_truncated_by_the_run_is_marked() -> None:
    assert [result.truncated for result in shown("x", truncated=True)] == [True]


# Tests that were not run, and errors


def test_a_test_that_was_not_run_gives_the_reason() -> None:
    case = TestCase(input="f()", expected_output="8")
    result = result_of(case, Run(RunStatus.NOT_RUN))
    reason = "(not run: earlier runs used up the time or the memory)"
    assert result.message == f"❌ Test failed: f() -> Expected: 8 {reason}"
    assert (result.status, result.error_detail) == ("not_run", None)
    assert result_of(replace(case, hidden=True), Run(RunStatus.NOT_RUN)).message == f"❌ Test failed {reason}"


FAILED = Run(
    RunStatus.ERROR, "", tested=True, raised="ValueError", detail=ErrorDetail("ValueError", "bad", 1), exit_code=1
)


def test_a_test_that_failed_with_an_error_has_its_detail() -> None:
    detail = result_of(TestCase(input="f()", expected_output="8"), FAILED).error_detail
    assert detail is not None
    assert (detail.type, detail.message, detail.line) == ("ValueError", "bad", 1)
    detail = result_of(TestCase(input="f()", expected_output="8"), Run(RunStatus.TIMEOUT)).error_detail
    assert detail is not None
    assert (detail.type, detail.message) == ("Timeout", "Execution timed out after 5 seconds")


def test_an_expected_error_has_no_detail() -> None:
    assert result_of(TestCase(input="f()", expected_output="ValueError"), FAILED).error_detail is None


def test_a_hidden_test_has_no_error_detail() -> None:
    result = result_of(TestCase(input="f()", expected_output="8", hidden=True), FAILED)
    assert (result.error_detail, result.diff) == (None, None)
