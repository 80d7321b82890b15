"""A test by the examples in the docstrings of the program itself."""

from __future__ import annotations

import sys
from doctest import DocTestFinder, DocTestRunner

from guest.program.findings import doctest_failure
from guest.program.main_module import FILE_NAME
from guest.program.suite import Suite

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from doctest import DocTest, Example
    from typing import Any

    from guest.program.main_module import MainModule
    from guest.program.suite import Report
    from guest.supervisor.mailbox import Trace

# Saved because a submission may replace it.
_loaded = sys.modules


class DoctestSuite(Suite):
    """The docstrings of the program that have examples. Each counts as a method."""

    nothing = "the program has no docstring with an example (>>>)"

    def __init__(self, trace: Trace) -> None:
        Suite.__init__(self, trace, "doctest", "guest.program.doctests")
        self._tests: list[DocTest] = []

    def find(self, main: MainModule) -> list[str]:
        """Return the names of what has a docstring with examples, in the order of the program."""
        found = [test for test in DocTestFinder().find(_loaded["__main__"]) if test.examples]
        self._tests = sorted(found, key=lambda test: test.lineno or 0)
        return [test.name.partition(".")[2] or FILE_NAME for test in self._tests]

    def run_methods(self, main: MainModule, report: Report) -> None:
        """Run the examples of each docstring."""
        for number, test in enumerate(self._tests):
            report.begin(number)
            runner = _Runner()
            results = runner.run(test, out=_drop, clear_globs=False)
            if results.attempted == results.skipped:  # type: ignore[attr-defined]  # since Python 3.13
                runner.found.append(AssertionError("all examples are skipped"))
            if runner.found:
                report.fails(number, [(error, "") for error in runner.found])
            else:
                report.passes(number)


class _Runner(DocTestRunner):
    """Keeps what its examples got wrong, and prints nothing."""

    def __init__(self) -> None:
        DocTestRunner.__init__(self, verbose=False)
        self.found: list[BaseException] = []

    def report_failure(self, out: Any, test: DocTest, example: Example, got: str) -> None:
        self.found.append(doctest_failure(example, got))

    def report_unexpected_exception(self, out: Any, test: DocTest, example: Example, exc_info: Any) -> None:
        self.found.append(doctest_failure(example, exc_info))


def _drop(_: str) -> None:
    pass
