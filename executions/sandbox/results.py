"""The values that go into the sandbox and come out of it, and its errors."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from executions.sandbox.steps import Trace


def always() -> bool:
    """Return True: for callers that always wait."""
    return True


class RunStatus(StrEnum):
    """How one run ended. The values are those of the HTTP contract. `cancelled`: its watcher stopped it."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    CANCELLED = "cancelled"
    NOT_RUN = "not_run"


class Flag(StrEnum):
    """Something that a run tried. It was refused; the flag is only for review.

    `network_attempt`: a connection or datagram to another host, or a name lookup. `forbidden_call`: a system call that
    our seccomp filter refuses. `fork_storm`: more processes or threads than a container may have.
    """

    NETWORK_ATTEMPT = "network_attempt"
    FORBIDDEN_CALL = "forbidden_call"
    FORK_STORM = "fork_storm"


class File(NamedTuple):
    """A file in the directory of a program, at its start or after its end. The name is safe, and not one of ours."""

    name: str
    content: bytes


class Reason(StrEnum):
    """Why a file was not collected. The values are those of the HTTP contract.

    `missing`: the program left no such file. `too_large`: there was no room for it. `unreadable`: it is not a regular
    file, or cannot be read. `lost`: the run ended its container, nothing ran, or the file is not kept.
    """

    MISSING = "missing"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class NotCollected:
    """A requested file that is not in the answer."""

    name: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class TestProgram:
    """How one test case runs, in a process of its own: the submission first, then the test's own part."""

    __test__ = False  # not for pytest to collect

    code: str = ""
    """Runs after the submission, in its namespace."""
    input: str = ""
    """Without `code`: a Python call that is evaluated after the submission, its value printed; or else the stdin."""
    stdin: str | None = None
    """The program's stdin in any case. If None, a test with code or a call gets the submission's."""
    hidden: bool = False
    """Its images are not kept."""
    is_by_value: bool = False
    """Whether `input` is an expression whose value is reported, not printed."""
    is_call: bool = False
    """Whether `input` is a call. The sandbox itself finds this out."""
    files: tuple[File, ...] = ()
    """All files that the test finds."""
    words: tuple[str, ...] = ()
    """If there are any, nothing runs: the sandbox looks for them in the submission's text."""
    unittest: str = ""
    """The code of a suite, whose methods run after the submission."""
    doctest: bool = False
    """Whether the examples in the submission's docstrings run."""


class Party(NamedTuple):
    """Who waits in line, in three nested levels: the key's family, the learner or address that is charged, and the
    learner that a page claims."""

    key: str
    who: str
    claimed: str = ""

    @property
    def caller(self) -> tuple[str, str]:
        """Whose program it is, whoever a page claims to be."""
        return self.key, self.who


NOBODY = Party("", "")
"""Staff and the service itself."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A learner's program with its test cases: `code` runs with `stdin`, and then each of `tests`, in order."""

    code: str
    stdin: str
    tests: tuple[TestProgram, ...]
    timeout_seconds: float
    """The wall time that all runs together may take. Delays by other work on the machine do not count, up to half of
    the whole time."""
    party: Party = NOBODY
    """Takes turns with others in line."""
    files: tuple[File, ...] = ()
    """The files that the first run finds."""
    trace_seconds: float = 0
    """If not 0, traces the program in a second run of up to this many seconds."""
    collect: tuple[str, ...] = ()
    """The names of the files that come back from the first run."""


@dataclass(frozen=True, slots=True)
class ErrorInFile:
    """Where an error is, in a file beside the program: `name` is the file's, the others are as in ErrorDetail."""

    name: str
    line: int
    column: int | None
    end_column: int | None
    source: str


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """The error that ended a program, and its position, as an editor shows it.

    `line` and `column` count from 1, columns in characters; `end_column` is the one after the last character. All are
    within the program, and `source` is the line; None if the position is unknown. `hint` is a sentence, or None.
    If the error is in a `file` beside the program, the line is the one that led there.
    """

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    source: str | None = None
    hint: str | None = None
    file: ErrorInFile | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """What would help with an error: the key of a sentence, and the words that are filled in, each with its name.

    The program's own process reports it, and can report anything.
    """

    key: str
    words: tuple[tuple[str, str], ...] = ()


METHOD_NOT_RUN, METHOD_NOT_ENDED = "not run", "did not end"
"""What we report for methods that did not report how they ended."""


@dataclass(frozen=True, slots=True)
class MethodResult:
    """The result of one method of a suite, or of the examples in one docstring. `message` says why it failed."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG that a program has shown. Its bytes are the program's own: only their size is certain."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one process. Whatever the process itself reports may be wrong or missing."""

    status: RunStatus
    stdout: str = ""
    """The head of the stream (64 KiB), decoded with replacement and without NUL; for a test with code or a call, only
    what its own part wrote."""
    stderr: str = ""
    exit_code: int | None = None
    """None if a signal ended the process, and if nothing ran."""
    signal: str | None = None
    """The name of the signal that ended the process."""
    wall_seconds: float = 0.0
    """Without the time that it spent waiting for input."""
    delayed_seconds: float = 0.0
    """How many of these other work kept it from its share of the processors."""
    cpu_seconds: float = 0.0
    memory_peak_kb: int = 0
    truncated: bool = False
    """Whether more was written to a stream than was kept."""
    tested: bool = False
    """Whether the test's own part was reached."""
    completed: bool = False
    """Whether that part ran to its end, and the submission did not leave it."""
    flags: frozenset[Flag] = frozenset()
    raised: str = ""
    """The full name of the exception that ended it, with its module unless it is a builtin; the process reports it."""
    bases: tuple[str, ...] = ()
    """The full names of the classes that this exception inherits."""
    detail: ErrorDetail | None = None
    """The message and the position of the exception, without a hint."""
    hint: Hint | None = None
    """What would help with it."""
    returned: str | None = None
    """The literal, at most 64 KiB, of what the expression of a test by value has returned. Of a test by a call: empty
    if all output is that value, which the call did not print itself; otherwise None."""
    uses: tuple[tuple[int, int], ...] = ()
    """For each of a test's words, the line that first uses it, or 0, and how many parameters a function has."""
    waited_in_vain: bool = False
    """Whether it timed out because no input came in time."""
    images: tuple[Image, ...] = ()
    """Those shown. The limits apply to all runs of a submission together."""
    images_dropped: int = 0
    """How many were too many, too large or invalid."""
    trace: bytes = b""
    """What a traced run has written, at most 512 KiB."""
    methods: tuple[MethodResult, ...] = ()
    """Those of a suite; none if the report contradicts itself."""
    position: ErrorDetail | None = None
    """Where a run was shortly before its timeout. The message has the variables of the loop: `n = 3`."""
    collected: tuple[File, ...] = ()
    """The files that were asked for, at most 1 MiB together; none if the container has ended."""
    not_collected: tuple[NotCollected, ...] = ()

    @property
    def charged_seconds(self) -> float:
        """How much of the submission's timeout it has used up. All runs together take at most twice the timeout."""
        return max(self.wall_seconds - self.delayed_seconds, self.wall_seconds / 2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The runs of one submission: the main run and one for each test, in order."""

    main: Run
    tests: tuple[Run, ...]
    waited_seconds: float
    """How long the submission waited for a container."""
    asking_cpu_seconds: float = 0.0
    """The CPU time that it took to find out which inputs are calls."""
    container: str = ""
    """The name of its container."""
    submission_number: int = 1
    """Which of the container's submissions it was, from 1."""
    traced: Run | None = None
    """The traced run, if one was requested."""
    trace: Trace | None = None
    """The steps of that run."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that are judged: the main one first."""
        return (self.main, *self.tests)

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """All runs, also the traced one."""
        return self.runs if self.traced is None else (*self.runs, self.traced)

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of all processes of the submission."""
        return self.asking_cpu_seconds + sum(run.cpu_seconds for run in self.all_runs)


class SandboxError(Exception):
    """The service could not run a program. It is never the program's fault."""


class SandboxBusy(SandboxError):
    """No container came free in time, or too many callers are waiting."""


class SandboxUnavailable(SandboxError):
    """Code cannot be run safely now: no engine, no image, probes not passed, or shutting down."""


class CallerGone(SandboxError):
    """Nobody waits for the answer any more. Nothing has run."""


class RunLost(SandboxError):
    """The container failed during a run. What the program did is unknown: the service does not run it again."""
