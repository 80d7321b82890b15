"""Compares what a program did with what was expected, on the host: no expected output enters a container."""

import builtins
import re
from dataclasses import replace
from decimal import Decimal

from executions.answer import TestResult
from executions.bounds import MESSAGE_CHARACTERS, SHOWN_BYTES
from executions.request import Match, TestCase, in_running_order, with_plain_line_ends
from executions.running.diff import first_difference, head, missing_line
from executions.running.outcome import error_detail
from executions.sandbox.results import Outcome, Run, RunStatus
from guest.protocol import MESSAGE_CHARACTERS as DETAIL_CHARACTERS

FLOAT_TOLERANCE = Decimal("0.000001")
EXCEPTION_PATTERN = re.compile(r"([^\W\d][\w.]*)(?::(.*))?", re.DOTALL)
NUMBER_PATTERN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")

NOT_RUN = " (not run: earlier runs used up the time or the memory)"
LEFT = " (the program ended before the test did)"


def judge(test_cases: tuple[TestCase, ...], outcome: Outcome, timeout_seconds: int) -> tuple[TestResult, ...]:
    """Return the result of each of `test_cases`, in their order."""
    runs = dict(zip(in_running_order(test_cases), outcome.tests, strict=True))
    results = [judge_run(case, runs.get(index, outcome.main), timeout_seconds) for index, case in enumerate(test_cases)]
    budget = OutputBudget()
    for index in sorted(range(len(test_cases)), key=lambda index: index in runs):  # in the order of the events
        results[index] = budget.cut(results[index])
    return tuple(results)


class OutputBudget:
    """Limits how much output the results of one request show. The verdicts use all output that was kept."""

    def __init__(self) -> None:
        self._left_bytes = SHOWN_BYTES

    def cut(self, result: TestResult) -> TestResult:
        """Return the next result, with as much of its output as there is room for."""
        output = result.actual_output
        if output is None:  # a hidden one
            return result
        kept = output[: self._left_bytes].encode()[: self._left_bytes].decode(errors="ignore")
        if kept == output:
            self._left_bytes -= len(kept.encode())
            return result
        self._left_bytes = 0
        return replace(result, actual_output=head(output, len(kept)), truncated=True)


def judge_run(case: TestCase, run: Run, timeout_seconds: int) -> TestResult:
    """Return the result of one test case from its `run`, with the whole output."""
    passed = _passes(case, run)
    verdict = "✅ Test passed" if passed else "❌ Test failed"
    given, expected = _short(case.input or "(no input)"), _short(case.expected_output or "(expected output)")
    result = TestResult(
        passed=passed,
        message=f"{verdict}: {given} -> Expected: {expected}{_reason(case, run)}",
        input=case.input,
        expected_output=case.expected_output,
        name=case.name,
        actual_output=run.stdout,
        truncated=run.truncated,
        diff=None if passed else _diff(case, run),
        error_detail=None if passed else error_detail(run, timeout_seconds),
        status=str(run.status),
        # In whole seconds if hidden: a program could reveal its input by how long it sleeps.
        execution_time=round(run.wall_seconds, 0 if case.hidden else 6),
        hidden=case.hidden,
        points=case.points,
        group=case.group,
        feedback=(case.on_pass if passed else case.on_fail) or None,
    )
    if case.hidden:  # the answer must not reveal what is tested
        return replace(
            result,
            message=f"{verdict}{_reason(case, run)}",
            input=None,
            expected_output=None,
            name=None,
            actual_output=None,
            truncated=None,
            diff=None,
            error_detail=None,
            points=None,
            group=None,
        )
    return result


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARACTERS else f"{head(text, MESSAGE_CHARACTERS)}…"


def _reason(case: TestCase, run: Run) -> str:
    """Return why a test failed, if neither its output nor its error shows it."""
    if run.status is RunStatus.NOT_RUN:
        return NOT_RUN
    if run.status is RunStatus.SUCCESS and not _output_counts(case, run):
        return LEFT
    return ""


def _passes(case: TestCase, run: Run) -> bool:
    expected = case.expected_output
    if expected and _raised(expected, run):
        return run.tested or case.looks_at_main_run  # what the submission raises before the test begins does not count
    return _output_counts(case, run) and (expected is None or _matches(_match(case), expected, run.stdout))


def _output_counts(case: TestCase, run: Run) -> bool:
    """Whether the output decides the verdict, rather than how the run ended."""
    if case.looks_at_main_run:
        # As documented: its output counts even if the program failed afterwards.
        return run.status is RunStatus.SUCCESS or (run.status is RunStatus.ERROR and bool(case.expected_output))
    # Without an output to look for, only reaching the end of its own part shows that a test ran.
    return run.status is RunStatus.SUCCESS and (run.tested if case.expected_output else run.completed)


def _match(case: TestCase) -> Match:
    return case.match or (Match.CONTAINS if case.looks_at_main_run else Match.EXACT)


def _diff(case: TestCase, run: Run) -> str | None:
    """Return where the output of a failed test differs, if that is why it failed."""
    if case.expected_output is None or not _output_counts(case, run):
        return None
    text = _trimmed(run.stdout)
    expected, actual = _trimmed(case.expected_output).split("\n"), text.split("\n")
    if expected == [""]:
        expected = []
    match _match(case):
        case Match.EXACT:
            return first_difference(expected, actual, str.__eq__)
        case Match.FLOAT:
            return first_difference(expected, actual, _equal_but_for_rounding)
        case Match.CONTAINS:
            return missing_line(expected, text)


def _raised(expected: str, run: Run) -> bool:
    """Whether an exception is expected, such as `ValueError` or `ValueError: bad`, and ended the run.

    A subclass counts, as in `except ValueError`, but not a name that only ends alike. The name may leave out the
    module, unless it is a builtin's. What the program wrote to stderr does not count.
    """
    expectation = EXCEPTION_PATTERN.fullmatch(with_plain_line_ends(expected).strip())
    if run.status is not RunStatus.ERROR or run.detail is None or expectation is None:
        return False
    name, message = expectation.groups(default="")
    is_named = any(_is_name_of(name, full_name) for full_name in (run.raised, *run.bases))
    said = with_plain_line_ends(run.detail.message).lstrip()
    return is_named and said.startswith(message.strip()[:DETAIL_CHARACTERS])


def _is_name_of(name: str, full_name: str) -> bool:
    return full_name == name or (not hasattr(builtins, name) and full_name.endswith(f".{name}"))


def _matches(match: Match, expected: str, actual: str) -> bool:
    if match is Match.CONTAINS:
        return _trimmed(expected) in _trimmed(actual)
    if match is Match.FLOAT:
        return _equal_but_for_rounding(expected, actual)
    return _trimmed(expected) == _trimmed(actual)


def _trimmed(text: str) -> str:
    """Return `text` without invisible differences: trailing blanks of lines, and blank lines at its end."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")


def _equal_but_for_rounding(expected: str, actual: str) -> bool:
    """Whether the texts are the same except for numbers that differ by at most 1e-6."""
    # Each text is split once; together they are at most 128 KiB. Every second piece is a number.
    pieces, others = (NUMBER_PATTERN.split(_trimmed(text)) for text in (expected, actual))
    if pieces[::2] != others[::2]:
        return False
    return all(one == other or _is_close(one, other) for one, other in zip(pieces[1::2], others[1::2], strict=True))


def _is_close(one: str, other: str) -> bool:
    """Whether two numbers are within 1e-6. Computed exactly: as floats, all very large integers would be equal."""
    try:
        return abs(Decimal(one) - Decimal(other)) <= FLOAT_TOLERANCE
    except ArithmeticError:  # the exponent is too large
        return False
