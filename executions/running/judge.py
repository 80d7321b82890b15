"""Compares what a program did with what was expected, on the host: no expected output enters a container."""

import builtins
import re
from collections.abc import Iterator
from dataclasses import replace

from executions.answer import TestResult
from executions.bounds import MESSAGE_CHARACTERS, SHOWN_BYTES
from executions.request import Match, TestCase, in_running_order, with_plain_line_ends
from executions.running.comparison.literals import parse
from executions.running.comparison.texts import (
    Tolerance,
    equal_but_for_case,
    equal_but_for_rounding,
    have_the_same_lines,
    matcher,
    trimmed,
)
from executions.running.comparison.values import ValueComparison
from executions.running.diff import head
from executions.running.explanation import explain
from executions.running.language import gettext, gettext_noop, ngettext
from executions.running.outcome import error_detail
from executions.running.rules import keeps_rules, rule_sentences
from executions.sandbox.results import METHOD_NOT_ENDED, METHOD_NOT_RUN, MethodResult, Outcome, Run, RunStatus
from guest.reports import MESSAGE_CHARACTERS as DETAIL_CHARACTERS

EXCEPTION_PATTERN = re.compile(r"([^\W\d][\w.]*)(?::(.*))?", re.DOTALL)

NOT_RUN = gettext_noop("(not run: earlier runs used up the time or the memory)")
LEFT = gettext_noop("(the program ended before the test did)")

METHOD_BYTES = 50
"""What the JSON of a method's result takes besides its name and its message."""


def judge(test_cases: tuple[TestCase, ...], outcome: Outcome, timeout_seconds: int) -> tuple[TestResult, ...]:
    """Return the result of each of `test_cases`, in their order."""
    runs = dict(zip(in_running_order(test_cases), outcome.tests, strict=True))
    results = [judge_run(case, runs.get(index, outcome.main), timeout_seconds) for index, case in enumerate(test_cases)]
    budget = OutputBudget()
    for index in sorted(range(len(test_cases)), key=lambda index: index in runs):  # in the order of the events
        results[index] = budget.cut(results[index])
    return tuple(results)


class OutputBudget:
    """Limits how much output, and how many methods of suites, the results of one request show.

    The verdicts use all output that was kept, and all methods.
    """

    def __init__(self) -> None:
        self._left_bytes = SHOWN_BYTES

    def cut(self, result: TestResult) -> TestResult:
        """Return the next result, with as much of its output as there is room for."""
        output = result.actual_output
        if output is None:  # a hidden one
            return result
        if result.methods:
            result = replace(result, methods=tuple(self._cut_methods(result.methods)))
        kept = output[: self._left_bytes].encode()[: self._left_bytes].decode(errors="ignore")
        if kept == output:
            self._left_bytes -= len(kept.encode())
            return result
        self._left_bytes = 0
        return replace(result, actual_output=head(output, len(kept)), truncated=True)

    def _cut_methods(self, methods: tuple[MethodResult, ...]) -> Iterator[MethodResult]:
        """Yield the methods that there is room for, without their message if they are too long."""
        for method in methods:
            for each in (method, replace(method, message="")):
                size = len(each.name.encode()) + len(each.message.encode()) + METHOD_BYTES
                if size <= self._left_bytes:
                    self._left_bytes -= size
                    yield each
                    break


def judge_run(case: TestCase, run: Run, timeout_seconds: int) -> TestResult:
    """Return the result of one test case from its `run`, with the whole output."""
    passed = _passes(case, run)
    verdict = gettext("✅ Test passed") if passed else gettext("❌ Test failed")
    result = TestResult(
        passed=passed,
        message=f"{verdict}: {_said(case, run, timeout_seconds)}{_reason(case, run)}",
        input=case.input,
        expected_output=case.expected_output,
        name=case.name,
        actual_output=_compared(case, run),
        truncated=run.truncated and not _is_by_value(case),
        diff=None if passed or not _output_counts(case, run) else explain(case, _match(case), run),
        error_detail=None if passed else error_detail(run, timeout_seconds),
        status=str(run.status),
        # In whole seconds if hidden: a program could reveal its input by how long it sleeps.
        execution_time=round(run.wall_seconds, 0 if case.hidden else 6),
        hidden=case.hidden,
        points=case.points,
        group=case.group,
        feedback=(case.on_pass if passed else case.on_fail) or None,
        methods=_methods(run) if case.is_suite else None,
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
            methods=None,
        )
    return result


def _said(case: TestCase, run: Run, timeout_seconds: int) -> str:
    if case.words:
        return _short(rule_sentences(case, run, timeout_seconds))
    if case.is_suite:
        return _suite_sentence(len(run.methods), sum(method.passed for method in run.methods))
    given, expected = (
        _short(case.input or gettext("(no input)")),
        _short(case.expected_output or gettext("(expected output)")),
    )
    return gettext("{input} -> Expected: {expected}").format(input=given, expected=expected)


def _suite_sentence(count: int, passed: int) -> str:
    if not count:
        return gettext("no test has run")
    return ngettext("{passed} of {count} test passed", "{passed} of {count} tests passed", count).format(
        passed=passed, count=count
    )


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARACTERS else f"{head(text, MESSAGE_CHARACTERS)}…"


def _reason(case: TestCase, run: Run) -> str:
    """Return why a test failed, if neither its output nor its error shows it."""
    if run.status is RunStatus.NOT_RUN:
        return f" {gettext(NOT_RUN)}"
    if run.status is RunStatus.SUCCESS and not _output_counts(case, run):
        return f" {gettext(LEFT)}"
    return ""


def _passes(case: TestCase, run: Run) -> bool:
    if case.words:
        return keeps_rules(case, run)
    if case.is_suite:
        return _output_counts(case, run) and bool(run.methods) and all(method.passed for method in run.methods)
    expected = case.expected_output
    if expected and _raised(expected, run):
        return run.tested or case.looks_at_main_run  # what the submission raises before the test begins does not count
    return _output_counts(case, run) and (expected is None or _matches(case, expected, run))


def _output_counts(case: TestCase, run: Run) -> bool:
    """Whether the output decides the verdict, rather than how the run ended."""
    if case.looks_at_main_run:
        # As documented: its output counts even if the program failed afterwards.
        return run.status is RunStatus.SUCCESS or (run.status is RunStatus.ERROR and bool(case.expected_output))
    if case.words:
        return run.status is RunStatus.SUCCESS
    if _is_by_value(case):
        return run.status is RunStatus.SUCCESS and run.tested and run.returned is not None
    # Without an output to look for, only reaching the end of its own part shows that a test ran.
    return run.status is RunStatus.SUCCESS and (run.tested if case.expected_output else run.completed)


def _methods(run: Run) -> tuple[MethodResult, ...]:
    """Return the methods of a suite, with our own messages in the learner's language."""
    ours = {METHOD_NOT_RUN: gettext("not run"), METHOD_NOT_ENDED: gettext("did not end")}
    return tuple(replace(each, message=ours.get(each.message, each.message)) for each in run.methods)


def _match(case: TestCase) -> Match:
    # Every output contains an empty one.
    return case.match or (Match.CONTAINS if case.looks_at_main_run and case.expected_output else Match.EXACT)


def _is_by_value(case: TestCase) -> bool:
    return case.match is Match.RETURNS


def _compared(case: TestCase, run: Run) -> str:
    """Return what is compared with the expected output."""
    return (run.returned or "") if _is_by_value(case) else run.stdout


def _raised(expected: str, run: Run) -> bool:
    """Whether an exception is expected, such as `ValueError` or `ValueError: bad`, and ended the run.

    A subclass counts, as in `except ValueError`, unless it inherits from several builtins: it could stand for any. A
    name that only ends alike does not count. The name may leave out the module, unless it is a builtin's. What the
    program wrote to stderr does not count.
    """
    expectation = _expectation(expected)
    if run.status is not RunStatus.ERROR or run.detail is None or expectation is None:
        return False
    name, message = expectation.groups(default="")
    bases = run.bases if _have_one_meaning((run.raised, *run.bases)) else ()
    is_named = any(_is_name_of(name, full_name) for full_name in (run.raised, *bases))
    said = with_plain_line_ends(run.detail.message).lstrip()
    return is_named and said.startswith(message.strip()[:DETAIL_CHARACTERS])


def _have_one_meaning(full_names: tuple[str, ...]) -> bool:
    """Whether one builtin exception is a subclass of all the others that are named."""
    kinds = {getattr(builtins, name, None) for name in full_names}
    found = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseException)}
    return not found or any(found <= set(kind.__mro__) for kind in found)


def _expectation(expected: str) -> re.Match[str] | None:
    return EXCEPTION_PATTERN.fullmatch(with_plain_line_ends(expected).strip())


def _is_name_of(name: str, full_name: str) -> bool:
    return full_name == name or (not hasattr(builtins, name) and full_name.endswith(f".{name}"))


def _matches(case: TestCase, expected: str, run: Run) -> bool:
    actual, tolerance = run.stdout, Tolerance.of(case.tolerance, case.relative_tolerance)
    match _match(case):
        case Match.CONTAINS:
            return trimmed(expected) in trimmed(actual)
        case Match.FLOAT:
            return equal_but_for_rounding(expected, actual, tolerance)
        case Match.IGNORE_CASE:
            return equal_but_for_case(expected, actual)
        case Match.TOKENS:
            return expected.split() == actual.split()
        case Match.UNORDERED:
            return have_the_same_lines(expected, actual)
        case Match.REGEX:
            return _matches_pattern(expected, trimmed(actual))
        case Match.RETURNS:
            return _returns(expected, run.returned or "", ValueComparison(tolerance, case.exact_types))
        case Match.EXACT:
            return trimmed(expected) == trimmed(actual)


def _matches_pattern(pattern: str, text: str) -> bool:
    try:
        return matcher(with_plain_line_ends(pattern).rstrip("\n"))(text)
    except ValueError:  # a record of another version
        return False


def is_value_or_exception(expected: str) -> bool:
    """Return whether a call can return, or raise, what is expected."""
    try:
        parse(expected)
    except ValueError:
        return _expectation(expected) is not None
    return True


def _returns(expected: str, returned: str, comparison: ValueComparison) -> bool:
    """Whether what a container has sent is a literal, and equal to the expected one."""
    try:
        return comparison.are_equal(parse(expected), parse(returned, is_sent=True))
    except ValueError:
        return False
