"""What a test's own code has found wrong, in words for the learner. unittest and doctest keep it to themselves."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from doctest import DocTest, Example
    from types import CodeType
    from typing import Any

NO_TESTS_RAN = 5
"""The exit code of `unittest.main()` if it finds no test."""

LOOKS = {"wasSuccessful", "failures", "errors", "failed"}
"""A test that uses one of these names decides by itself what a failure means."""

_compile = compile  # because a submission may replace it


class Findings:
    """Notes what unittest and doctest report from now on. Loads neither unless the test's code names it."""

    def __init__(self, code: str) -> None:
        """Begin. `code` is not kept: a frame or an object would show it to the submission."""
        self._failures: list[BaseException] = []
        self._errors: list[BaseException] = []
        self._uses_cases = False
        self._decides = not any(word in code for word in LOOKS) or LOOKS.isdisjoint(_names_in(code))
        self._has_unittest = "unittest" in code
        if self._has_unittest:
            self._watch_unittest()
        if "doctest" in code:
            self._watch_doctest()

    def verdict(self, namespace: dict[str, Any], file_name: str) -> BaseException | None:
        """Return why the test has failed, although it has come to its end; `file_name` is that of its code."""
        if not self._decides:
            return None
        if self._has_unittest and not self._uses_cases and (names := _test_classes(namespace, file_name)):
            return AssertionError(f"the test runs no test of {names[0]}: end it with unittest.main()")
        return self.first()

    def first(self, exit_code: object = 1) -> BaseException | None:
        """Return the first failure or, without one, the first error; None if `exit_code` has another cause."""
        if self._failures or self._errors:
            return first_of(self._failures, self._errors)
        return AssertionError("unittest found no test") if exit_code == NO_TESTS_RAN else None

    def _watch_unittest(self) -> None:
        import unittest

        def note_case(case: unittest.TestCase, *_: object) -> None:
            self._uses_cases = True

        def note(into: list[BaseException]) -> Callable[..., None]:
            def add(_: object, test: unittest.TestCase, *details: Any) -> None:
                if not details:
                    into.append(named(AssertionError("expected to fail, but passed"), test.id()))
                elif (error := details[-1]) is not None:  # a subtest that has passed has none
                    into.append(named(error[1], (details[0] if len(details) > 1 else test).id()))

            return add

        _before(unittest.TestCase, "__init__", note_case)
        _before(unittest.TestResult, "addError", note(self._errors))
        for name in ("addFailure", "addSubTest", "addUnexpectedSuccess"):
            _before(unittest.TestResult, name, note(self._failures))

    def _watch_doctest(self) -> None:
        import doctest

        def note(_: object, out: object, test: DocTest, example: Example, got: Any) -> None:
            self._failures.append(named(doctest_failure(example, got), test.name))

        _before(doctest.DocTestRunner, "report_failure", note)
        _before(doctest.DocTestRunner, "report_unexpected_exception", note)


def _names_in(source: str) -> set[str]:
    """Return the names and attributes that `source` uses, not what is in its strings; none if it cannot be compiled."""
    try:
        return set(_names_of(_compile(source, "", "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return set()


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _names_of(constant)


def name_assertion(error: BaseException, source: str, file_name: str) -> None:
    """Let an assertion of the test's code that says nothing say which one it is."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename != file_name or str(error):
        return
    import ast

    line = trace.tb_lineno
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert | ast.Raise) and node.lineno <= line <= (node.end_lineno or 0):
            statement = " ".join((ast.get_source_segment(source, node) or "").split())
            error.args = (f"line {node.lineno} of the test: {statement}",)


def _before(kind: type, name: str, note: Callable[..., None]) -> None:
    """Let `note` be called with the same arguments before the method `name` of `kind`."""
    method = getattr(kind, name)

    def both(*arguments: Any, **named: Any) -> Any:
        note(*arguments, **named)
        return method(*arguments, **named)

    setattr(kind, name, both)


def doctest_failure(example: Example, got: Any) -> BaseException:
    """Return what went wrong with an example, which has printed `got` or has raised that exception."""
    said = _without_traceback(got) if isinstance(got, str) else f"{got[0].__name__}: {got[1]}"
    error = AssertionError(f"{example.source.strip()} gave {said}, not {_without_traceback(example.want)}")
    return error.with_traceback(None if isinstance(got, str) else got[2])


def _without_traceback(printed: str) -> str:
    """Return what an example prints, or only the last line of a traceback."""
    printed = printed.strip() or "nothing"
    return printed.rpartition("\n")[2] if printed.startswith("Traceback (most recent call last):") else printed


def named(error: BaseException, test: str) -> BaseException:
    """Return an exception like `error` whose message also says which test has failed."""
    kind = type(error)
    attributes = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    like: type[Exception] = type(kind.__name__, (Exception,), attributes)
    line, end, rest = str(error).partition("\n")
    name, space, parameters = test.partition(" ")
    said = like(f"{line} ({name.rpartition('.')[2]}{space}{parameters}){end}{rest}".lstrip())
    return said.with_traceback(error.__traceback__)


def first_of(failures: list[BaseException], errors: list[BaseException]) -> BaseException:
    """Return the first failure or, without one, the first error, with the number of the others in its message."""
    first, *others = [*failures, *errors]
    if others:
        _append(first, f", and {len(others)} more")
    return first


def _append(error: BaseException, text: str) -> None:
    line, end, rest = str(error).partition("\n")
    error.args = (f"{line.removesuffix(')')}{text}){end}{rest}",)


def _test_classes(namespace: dict[str, Any], file_name: str) -> list[str]:
    """Return the names of the test case classes that have a test method from the file."""
    import unittest

    def is_test(name: str, method: object) -> bool:
        code: CodeType | None = getattr(method, "__code__", None)
        return name.startswith("test") and code is not None and code.co_filename == file_name

    classes = [each for each in namespace.values() if isinstance(each, type) and issubclass(each, unittest.TestCase)]
    return [each.__name__ for each in classes if any(is_test(*item) for item in vars(each).items())]
