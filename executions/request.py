"""A valid request to run a program: its values, free of HTTP."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from executions.bounds import DEFAULT_TIMEOUT_SECONDS, TRACE_SECONDS
from executions.sandbox.results import NOBODY, File, Party, Submission, TestProgram

BYTE_ORDER_MARK = "\ufeff"


class Match(StrEnum):
    """How an actual output is compared with the expected one. `returns` compares a value rather than an output."""

    EXACT = "exact"
    CONTAINS = "contains"
    FLOAT = "float"
    IGNORE_CASE = "ignore_case"
    TOKENS = "tokens"
    UNORDERED = "unordered"
    REGEX = "regex"
    RETURNS = "returns"


class Locale(StrEnum):
    """The language of messages for learners (docs/locales.md), as an ISO 639-1 code."""

    EN = "en"
    DE = "de"
    ES = "es"


@dataclass(frozen=True)
class SentFile:
    """A file as it was sent: as text or in base64."""

    name: str
    text: str | None = None
    base64: str | None = None

    @cached_property
    def content(self) -> bytes:
        """What is in the file, decoded once. Raises ValueError if it is not base64."""
        if self.base64 is not None:
            return base64.b64decode(self.base64, validate=True)
        return (self.text or "").encode()


@dataclass(frozen=True, slots=True)
class Definition:
    """A function that a program must define, with this number of parameters if given."""

    name: str
    parameters: int | None = None


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test case as it was sent. An empty `input`, `code` or `unittest` means the same as None."""

    __test__ = False  # not for pytest to collect

    input: str | None = None
    expected_output: str | None = None
    code: str | None = None
    name: str | None = None
    stdin: str | None = None
    match: Match | None = None
    hidden: bool = False
    points: float | None = None
    on_pass: str | None = None
    on_fail: str | None = None
    group: str | None = None
    tolerance: float | None = None
    relative_tolerance: float | None = None
    exact_types: bool = False
    files: tuple[SentFile, ...] = ()
    uses: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    defines: tuple[Definition, ...] = ()
    unittest: str | None = None
    doctest: bool = False

    @classmethod
    def of(cls, values: dict[str, Any]) -> "TestCase":
        """Return the test case with these values, from a request or a record."""
        match = Match(values["match"]) if values.get("match") else None
        rules = {name: tuple(values.get(name) or ()) for name in ("uses", "avoids")}
        defines = tuple(Definition(**each) for each in values.get("defines") or ())
        files = files_of(values.get("files"))
        return cls(**{**values, **rules, "match": match, "files": files, "defines": defines})

    @property
    def words(self) -> tuple[str, ...]:
        """What its rules ask about the program's text, in their order; nothing if it has none."""
        return (*self.uses, *self.avoids, *(f"def {each.name}" for each in self.defines))

    @property
    def looks_at_main_run(self) -> bool:
        """Whether it has no run of its own, so that the output of the program itself is checked."""
        runs = self.code or self.input or self.files or self.words or self.is_suite
        return not runs and self.stdin is None

    @property
    def is_suite(self) -> bool:
        """Whether it consists of methods, each of which has a result."""
        return bool(self.unittest) or self.doctest

    def program(self, files: tuple[File, ...] = ()) -> TestProgram:
        """Return how to run the test case: all of it that enters the container.

        `files` are those of the request; its own take the place of those with the same name.
        """
        own = packed(self.files)
        names = {file.name for file in own}
        return TestProgram(
            code=self.code or "",
            input=with_plain_line_ends(self.input or ""),
            stdin=None if self.stdin is None else with_plain_line_ends(self.stdin),
            hidden=self.hidden,
            is_by_value=self.match is Match.RETURNS,
            words=self.words,
            unittest=self.unittest or "",
            doctest=self.doctest,
            files=(*(file for file in files if file.name not in names), *own),
        )


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """A valid request. `test_cases` is None if the request had none."""

    code: str
    input_data: str = ""
    test_cases: tuple[TestCase, ...] | None = None
    timeout: int = DEFAULT_TIMEOUT_SECONDS
    learner: str = ""
    interactive: bool = False
    trace: bool = False
    files: tuple[SentFile, ...] = ()
    exercise: str = ""
    locale: Locale = Locale.EN
    webhook: str = ""
    collect: tuple[str, ...] = ()

    def submission(self, party: Party = NOBODY) -> Submission:
        """Return the submission for the sandbox, which takes turns with those of others by its `party`."""
        cases = self.test_cases or ()
        files = packed(self.files)
        tests = tuple(cases[index].program(files) for index in in_running_order(cases))
        code = self.code.removeprefix(BYTE_ORDER_MARK)  # as Python does when it reads a file
        stdin = with_plain_line_ends(self.input_data)
        trace_seconds = TRACE_SECONDS if self.trace else 0
        return Submission(
            code, stdin, tests, self.timeout, party, files=files, trace_seconds=trace_seconds, collect=self.collect
        )


def files_of(values: Iterable[SentFile | dict[str, Any]] | None) -> tuple[SentFile, ...]:
    """Return the files of a request, or those with these values, from a record."""
    return tuple(each if isinstance(each, SentFile) else SentFile(**each) for each in values or ())


def packed(files: Iterable[SentFile]) -> tuple[File, ...]:
    """Return the files as a container gets them."""
    return tuple(File(file.name, file.content) for file in files)


def with_plain_line_ends(text: str) -> str:
    """Return `text` with the line ends of Windows replaced, which no program on Linux expects."""
    return text.replace("\r\n", "\n")


def in_running_order(test_cases: tuple[TestCase, ...]) -> list[int]:
    """Return the indexes of the test cases that have a run of their own: hidden ones last.

    One container runs them all, and a submission may find a way to pass data to a later run. So no run with visible
    output follows a hidden test.
    """
    indexes = [index for index, case in enumerate(test_cases) if not case.looks_at_main_run]
    return sorted(indexes, key=lambda index: test_cases[index].hidden)
