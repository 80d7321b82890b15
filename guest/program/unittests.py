"""What failed in a test that ran `unittest.main()`: it exits with 1, which says nothing to a learner."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from types import TracebackType
    from unittest import TestResult

HEADING = "Traceback (most recent call last):\n"


def first_failure(end: SystemExit) -> Exception | None:
    """Return an exception with the name and message of the first failed test, if `unittest.main()` has caused `end`."""
    trace = end.__traceback__
    while trace is not None:
        if (result := _result_in(trace)) and (failed := [*result.failures, *result.errors]):
            return _exception_in(failed[0][1])
        trace = trace.tb_next
    return None


def _result_in(trace: TracebackType) -> TestResult | None:
    frame = trace.tb_frame
    if frame.f_globals.get("__name__") != "unittest.main":
        return None
    return getattr(frame.f_locals.get("self"), "result", None)


def _exception_in(report: str) -> Exception:
    """Return an exception like the one at the end of a traceback: unittest keeps only the text."""
    lines = report.rpartition(HEADING)[2].splitlines()
    while len(lines) > 1 and lines[0].startswith(" "):
        del lines[0]
    name, _, message = "\n".join(lines).partition(": ")
    kind: type[Exception] = type(name.strip(), (Exception,), {"__module__": "builtins"})
    return kind(message)
