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
    """An attempt of a run that the supervisor saw. It was refused in any case: the flag is for review only.

    `network_attempt`: a connection or datagram to another host, or a name lookup. `forbidden_call`: a system call that
    our seccomp filter refuses. `fork_storm`: more processes or threads than a container may have.
    """

    NETWORK_ATTEMPT = "network_attempt"
    FORBIDDEN_CALL = "forbidden_call"
    FORK_STORM = "fork_storm"


class File(NamedTuple):
    """A file in the directory of a program, when it starts or when it has ended. The name is safe, and none of ours."""

    name: str
    content: bytes


class Reason(StrEnum):
    """Why a file was not collected. The values are those of the HTTP contract.

    `missing`: the program has left no such file. `too_large`: there was no room for it. `unreadable`: it is no regular
    file, or cannot be read. `lost`: the run ended its container, or nothing ran; or it is not kept.
    """

    MISSING = "missing"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class NotCollected:
    """A file that was asked for and is not in the answer."""

    name: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class TestProgram:
    """How one test case runs, in a process of its own.

    With `code`, the submission runs and then `code` in its namespace. Otherwise an `input` that is a
    Python call is evaluated after the submission and its value printed; any other `input` is the
    program's stdin. If the test `is_by_value`, `input` is an expression whose value is reported, not printed. `stdin`,
    if given, is always the program's stdin; without it, a test with code or an expression gets the submission's. The
    images of a `hidden` test are not kept. The sandbox itself finds out whether an `input` `is_call`. `files`
    are all that the test finds. With `words`, nothing runs: they are looked for in the submission's text. `unittest` is
    the code of a suite, whose methods run after the submission; a `doctest` runs the submission's own examples.
    """

    __test__ = False  # not for pytest to collect

    code: str = ""
    input: str = ""
    stdin: str | None = None
    hidden: bool = False
    is_by_value: bool = False
    is_call: bool = False
    files: tuple[File, ...] = ()
    words: tuple[str, ...] = ()
    unittest: str = ""
    doctest: bool = False


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
    """A learner's program with its test cases.

    The first run is `code` with `stdin`; then each of `tests` runs, in order. `timeout_seconds` is the wall time that
    all runs together may take, not counting what other work on the machine keeps from them, and at most half of what
    they take. `party` takes turns with others in line. `files` are those of the first run.
    With `trace_seconds`, the program runs once more after the first run, step by step, for so long. `collect` names the
    files that come back from the first run.
    """

    code: str
    stdin: str
    tests: tuple[TestProgram, ...]
    timeout_seconds: float
    party: Party = NOBODY
    files: tuple[File, ...] = ()
    trace_seconds: float = 0
    collect: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What became of one method of a suite, or of the examples of one docstring. `message` says why it has failed."""

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
    """The result of one process.

    `stdout` and `stderr` are the head of each stream (64 KiB), decoded with replacement and without NUL;
    `truncated` means that more was written. `exit_code` is None if a signal ended the process, whose
    name is then `signal`, and if nothing ran. `tested` means that the test's own part was reached: for a
    test with code or a call, both streams then hold only the output of that part. `completed` means that this part
    ran to its end and the submission did not leave it. `wall_seconds` excludes the time for which it waited for input;
    of that, it was kept from its share of the processors for `delayed_seconds`;
    `waited_in_vain` marks a timeout because no input came in time.
    `raised` is the full name of the exception that ended it, with its module unless it is a builtin, `bases` are those
    of the classes that it inherits, `detail` has its message and position, but no hint, and `hint` is what would help:
    the program's own report, which may be wrong or missing.
    `returned` is the literal of what the expression of a test by value has returned: not trusted, at most 64 KiB. For a
    test by a call it is empty if all output is that value, which the call did not print itself; otherwise it is None.
    `uses` has for each of a test's words the line that first uses it, or 0, and how many parameters a function has.
    `images` are those shown; `images_dropped` counts those that were too many, too large or invalid. The limits
    apply to all runs of a submission together. `trace` is what a traced run has written: not trusted, at most 512 KiB.
    `position` is where a run was shortly before its timeout, and its message has the variables of the loop: `n = 3`.
    That, too, is the program's own report.
    `methods` are those of a suite, as its process reports them; none if the report contradicts itself.
    `collected` are the files of a program that were asked for, at most 1 MiB together, and `not_collected` those that
    it has not left or that could not be sent; a container that has ended reports neither.
    """

    status: RunStatus
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    signal: str | None = None
    wall_seconds: float = 0.0
    delayed_seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_peak_kb: int = 0
    truncated: bool = False
    tested: bool = False
    completed: bool = False
    flags: frozenset[Flag] = frozenset()
    raised: str = ""
    bases: tuple[str, ...] = ()
    detail: ErrorDetail | None = None
    hint: Hint | None = None
    returned: str | None = None
    uses: tuple[tuple[int, int], ...] = ()
    waited_in_vain: bool = False
    images: tuple[Image, ...] = ()
    images_dropped: int = 0
    trace: bytes = b""
    methods: tuple[MethodResult, ...] = ()
    position: ErrorDetail | None = None
    collected: tuple[File, ...] = ()
    not_collected: tuple[NotCollected, ...] = ()

    @property
    def charged_seconds(self) -> float:
        """How much of the submission's timeout it has used up. All runs together take at most twice the timeout."""
        return max(self.wall_seconds - self.delayed_seconds, self.wall_seconds / 2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The runs of one submission: the main run and one for each test, in order.

    `waited_seconds` is the time for which the submission waited for a container, `asking_cpu_seconds` the CPU time that
    it took to find out which inputs are calls. `container` is the name of its container, and this was the
    `submission_number`th that it ran, from 1. `traced` is the traced run, if there was to be one, and `trace`
    its steps.
    """

    main: Run
    tests: tuple[Run, ...]
    waited_seconds: float
    asking_cpu_seconds: float = 0.0
    container: str = ""
    submission_number: int = 1
    traced: Run | None = None
    trace: Trace | None = None

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
