"""A test that consists of methods. What becomes of each is in shared memory at once, however the process may end."""

from __future__ import annotations

import sys

from guest import reports
from guest.hints.raised import innermost_frame, message_of
from guest.program.findings import first_of, named
from guest.program.main_module import FILE_NAME
from guest.program.seal import Seal

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.program.main_module import MainModule
    from guest.supervisor.mailbox import Trace

# Saved because a submission may replace or delete them.
_settrace, _setprofile = sys.settrace, sys.setprofile
_monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
_register = getattr(_monitoring, "register_callback", None)
_EVENTS = [event for event in vars(_monitoring.events).values() if event.bit_count() == 1] if _monitoring else []
_TOOLS = range(6)

ALWAYS_SEALED = (
    "builtins",
    "contextlib",
    "guest.protocol",
    "guest.reports",
    "guest.supervisor.mailbox",
    "guest.program.findings",
    "guest.program.seal",
    "guest.program.suite",
)


class Report:
    """Writes down what becomes of the methods of `names`, and remembers what went wrong."""

    def __init__(self, trace: Trace, names: list[str]) -> None:
        self._trace = trace
        self._names = names
        self._passed = 0
        self._failures: list[BaseException] = []
        self._errors: list[BaseException] = []
        for number, name in enumerate(names):
            self._write(number, reports.METHOD_IS, name[: reports.METHOD_CHARACTERS])

    def begin(self, number: int) -> None:
        """Note that a method begins."""
        self._write(number, reports.METHOD_BEGAN)

    def passes(self, number: int) -> None:
        """Note that it has passed."""
        self._passed += 1
        self._write(number, reports.METHOD_PASSED)

    def fails(self, number: int, failures: list[tuple[BaseException, str]]) -> None:
        """Note that it has failed. What it has found is given with words that stand before it."""
        found = [f"{words}{_said(error)}" for error, words in failures] or ["it did not end"]
        text = found[0] if len(found) == 1 else f"{found[0]}\n(and {len(found) - 1} more)"
        self._write(number, reports.METHOD_FAILED, text[: reports.METHOD_MESSAGE_CHARACTERS])
        for error, words in failures:
            self.found(error, f"{self._names[number]} {words.strip()}".strip())

    def found(self, error: BaseException, where: str) -> None:
        """Note an error of a method, or of what surrounds methods."""
        into = self._failures if isinstance(error, AssertionError) else self._errors
        into.append(named(error, where))

    def verdict(self) -> BaseException | None:
        """Return why the suite has failed; None if each of its methods has passed."""
        if self._failures or self._errors:
            return first_of(self._failures, self._errors)
        return None if self._passed == len(self._names) else AssertionError("not all tests have run")

    def void(self) -> None:
        """Make all that is written worthless."""
        self._trace.put(b"\0")

    def _write(self, number: int, what: int, text: str = "") -> None:
        if number < reports.METHODS:
            self._trace.put(reports.pack_method(number, what, text))


class Suite:
    """The methods of a test. It begins before the submission runs, so that it notices what that has changed.

    `nothing` is what to say if there is no method.
    """

    nothing = ""

    def __init__(self, trace: Trace, *sealed: str) -> None:
        self._trace = trace
        self._seal = Seal(*ALWAYS_SEALED, *sealed)

    def run(self, main: MainModule) -> BaseException | None:
        """Run all methods; return why the suite has failed, None if all have passed. Raises Failed."""
        _end_tracing()  # a tracer of the submission's could jump over lines of a method
        if change := self._change():
            return change
        names = self.find(main)
        if not names:
            return AssertionError(self.nothing)
        self._seal.renew()  # the suite itself may change what it likes
        report = Report(self._trace, names)
        self.run_methods(main, report)
        if change := self._change():
            report.void()
            return change
        return report.verdict()

    def find(self, main: MainModule) -> list[str]:
        """Return the names of the methods, in the order in which they run."""
        raise NotImplementedError

    def run_methods(self, main: MainModule, report: Report) -> None:
        """Run the methods that `find` has named."""
        raise NotImplementedError

    def _change(self) -> BaseException | None:
        part = self._seal.broken()
        return None if part is None else AssertionError(f"the program changes {part}, which its tests rely on")


def _end_tracing() -> None:
    """Take away whatever the submission has asked Python to call as it runs."""
    _settrace(None)
    _setprofile(None)
    if _register is not None:
        for tool in _TOOLS:
            for event in _EVENTS:
                _register(tool, event, None)


def _said(error: BaseException) -> str:
    """Return what a learner reads about an error that has ended a method."""
    if isinstance(error, AssertionError):
        return message_of(error).strip()
    frame = innermost_frame(error, FILE_NAME)
    position = "" if frame is None else f" (line {frame.tb_lineno} of the program)"
    return f"{type(error).__name__}: {message_of(error)}{position}"
