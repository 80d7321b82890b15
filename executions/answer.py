"""What a program did: the values of an answer, free of HTTP. `api/answers.py` writes them as JSON.

The order of the fields is their order in the JSON.
"""

import base64
import re
from dataclasses import dataclass

from executions.sandbox.results import ErrorDetail, File, Image, MethodResult, NotCollected
from executions.sandbox.steps import Trace


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image that a program has shown, in base64. `test_index` is None for the program's own run."""

    format: str
    data: str
    width: int
    height: int
    test_index: int | None

    @classmethod
    def of(cls, image: Image, test_index: int | None) -> "ShownImage":
        """Return `image` as it appears in an answer."""
        return cls("png", base64.b64encode(image.data).decode(), image.width, image.height, test_index)


CONTROLS = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f]")
"""JSON escapes them at six times their size, so a file with such characters is sent as base64."""


@dataclass(frozen=True, slots=True)
class CollectedFile:
    """A file that a program has left, as text or, if it is not text, in base64. A request may send it again."""

    name: str
    text: str | None
    base64: str | None

    @classmethod
    def of(cls, file: File) -> "CollectedFile":
        """Return `file` as it appears in an answer."""
        try:
            text = file.content.decode()
        except UnicodeDecodeError:
            text = "\0"
        if CONTROLS.search(text):
            return cls(file.name, None, base64.b64encode(file.content).decode())
        return cls(file.name, text, None)


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one test case. What a hidden test case would give away is None."""

    __test__ = False  # not for pytest to collect

    passed: bool
    message: str
    input: str | None
    expected_output: str | None
    name: str | None
    actual_output: str | None
    truncated: bool | None
    diff: str | None
    error_detail: ErrorDetail | None
    status: str
    execution_time: float
    hidden: bool
    points: float | None = None
    group: str | None = None
    feedback: str | None = None
    methods: tuple[MethodResult, ...] | None = None


ECHOES = ("input", "expected_output", "name", "points", "group")
"""What a result repeats of its test case. A record has it once, with the test case."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result of a group of test cases, whose points count only if all of them pass."""

    name: str
    passed: bool
    score: float
    max_score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. Times are seconds; `id` is that of the record, None where nothing is recorded."""

    output: str
    error: str
    error_detail: ErrorDetail | None
    execution_time: float
    test_results: tuple[TestResult, ...] | None
    score: float | None
    max_score: float | None
    groups: tuple[GroupResult, ...]
    status: str
    exit_code: int | None
    cpu_time: float
    memory_peak_kb: int
    truncated: bool
    images: tuple[ShownImage, ...]
    images_dropped: int
    trace: Trace | None
    files: tuple[CollectedFile, ...]
    not_collected: tuple[NotCollected, ...]
    id: str | None
