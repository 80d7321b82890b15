"""A test by unittest: its code defines TestCase classes, whose methods this runs. Nothing need call unittest.main()."""

from __future__ import annotations

import unittest
from unittest import TestCase, TestLoader, TestResult, TestSuite

from guest.program.findings import name_assertion
from guest.program.main_module import TEST_FILE_NAME
from guest.program.suite import Suite

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from guest.program.main_module import MainModule
    from guest.program.suite import Report
    from guest.supervisor.mailbox import Trace

    Raised = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

SEALED = (
    "unittest",
    "unittest.case",
    "unittest.loader",
    "unittest.result",
    "unittest.suite",
    "unittest.util",
    "guest.program.unittests",
)


class UnittestSuite(Suite):
    """The test methods of the classes that the test's code defines."""

    nothing = "the test defines no test method"

    def __init__(self, trace: Trace) -> None:
        Suite.__init__(self, trace, *SEALED)
        self._tests: list[TestCase] = []

    def find(self, main: MainModule) -> list[str]:
        """Run the test's code, and return the methods of the classes that have come with it."""
        known = list(main.namespace.values())  # themselves: the id of one that is gone could become another's
        original = unittest.main
        unittest.main = _do_nothing  # type: ignore[assignment]
        try:
            main.execute(TEST_FILE_NAME)
        finally:
            unittest.main = original
        ids = {id(each) for each in known}
        new = {each: None for each in main.namespace.values() if isinstance(each, type) and id(each) not in ids}
        for kind in new:
            if issubclass(kind, TestCase) and not _is_skipped(kind):
                names = TestLoader().getTestCaseNames(kind)
                self._tests += [kind(name) for name in names if not _is_skipped(getattr(kind, name))]
        return [test.id().partition(".")[2] for test in self._tests]

    def run_methods(self, main: MainModule, report: Report) -> None:
        """Run them in the order of their names, as unittest does."""
        TestSuite(self._tests).run(_Result(report, self._tests, main.sources[TEST_FILE_NAME]))


class _Result(TestResult):
    """Tells a report how each method ends. A method passes only if unittest says so, and says nothing else about it."""

    def __init__(self, report: Report, tests: list[TestCase], source: Callable[[], str]) -> None:
        TestResult.__init__(self)
        self._report = report
        self._source = source
        self._numbers = {id(test): number for number, test in enumerate(tests)}
        self._has_passed = False
        self._found: list[tuple[BaseException, str]] = []

    def startTest(self, test: TestCase) -> None:
        self._has_passed, self._found = False, []
        self._report.begin(self._numbers[id(test)])

    def stopTest(self, test: TestCase) -> None:
        if self._has_passed and not self._found:
            self._report.passes(self._numbers[id(test)])
        else:
            self._report.fails(self._numbers[id(test)], self._found)

    def addSuccess(self, test: TestCase) -> None:
        self._has_passed = True

    def addExpectedFailure(self, test: TestCase, err: Any) -> None:
        self._has_passed = True

    def addUnexpectedSuccess(self, test: TestCase) -> None:
        self._found.append((AssertionError("expected to fail, but passed"), ""))

    def addSkip(self, test: TestCase, reason: str) -> None:
        """A method that skips itself as it runs has tested nothing, and the submission can make it do so."""
        self._found.append((AssertionError(f"skipped: {reason}"), ""))

    def addSubTest(self, test: TestCase, subtest: TestCase, err: Raised | None) -> None:
        if err is not None and err[1] is not None:
            self._note(err[1], f"{subtest._subDescription()} ")  # type: ignore[attr-defined]

    def addFailure(self, test: TestCase, err: Raised) -> None:
        self.addError(test, err)

    def addError(self, test: TestCase, err: Raised) -> None:
        if err[1] is None:
            return
        if id(test) in self._numbers:
            self._note(err[1], "")
        else:
            self._report.found(err[1], test.id())  # of setUpClass, tearDownClass, setUpModule or tearDownModule

    def _note(self, error: BaseException, words: str) -> None:
        name_assertion(error, self._source(), TEST_FILE_NAME)
        self._found.append((error, words))


def _is_skipped(decorated: object) -> bool:
    return bool(getattr(decorated, "__unittest_skip__", False))


def _do_nothing(*_: object, **__: object) -> None:
    """Stand for unittest.main() in a suite that ends with it."""
