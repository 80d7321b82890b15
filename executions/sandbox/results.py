"""What goes into the sandbox and what comes out: the values that cross its boundary, and its errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


def never() -> bool:
    """Say no, in the place of a caller that always waits."""
    return False


class RunStatus(StrEnum):
    """How one run ended. The values are those of the HTTP contract. `cancelled`: whoever looked on has left."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    CANCELLED = "cancelled"
    NOT_RUN = "not_run"


class Flag(StrEnum):
    """What the supervisor saw a run try. It was refused in any case: this is told for review only.

    `network_attempt`: a connection or datagram to another host, or a name look-up. `forbidden_call`: a system call that
    our seccomp filter refuses. `fork_storm`: more processes or threads than a container may have.
    """

    NETWORK_ATTEMPT = "network_attempt"
    FORBIDDEN_CALL = "forbidden_call"
    FORK_STORM = "fork_storm"


@dataclass(frozen=True, slots=True)
class TestProgram:
    """How one test case runs beside the submission, in a process of its own.

    With `code`, the submission runs and then `code` in its namespace. Otherwise an `input` that is a
    Python call is evaluated after the submission and its value printed; any other `input` is the
    program's stdin. `stdin`, where given, is the program's stdin in every case; without it a test with code or a call
    has the submission's. Of what a `hidden` one shows, nothing is kept.
    """

    __test__ = False  # not for pytest to collect

    code: str = ""
    input: str = ""
    stdin: str | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """A learner's program with its test cases.

    The first run is `code` fed with `stdin`; then each of `tests` is run, in order. `timeout_seconds` is
    the wall time that all runs together may take. `is_abandoned` tells whether nobody waits for the answer any more;
    it is asked when a container has come free, before anything runs.
    """

    code: str
    stdin: str
    tests: tuple[TestProgram, ...]
    timeout_seconds: float
    is_abandoned: Callable[[], bool] = field(default=never, compare=False)


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What ended a program, and where in it, as an editor shows it.

    `line` and `column` count from 1, columns in characters; `end_column` is the one after the last character. All are
    within the program, and `source` is the line; None where no place in it is known. `hint` is a sentence, or None.
    """

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    source: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG that a program has shown. Its bytes are the program's own: nothing is certain of them but their size."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one process did.

    `stdout` and `stderr` are the head of each stream (64 KiB), decoded with replacement and without NUL;
    `truncated` tells that more was written. `exit_code` is None when a signal ended the process, whose
    name is then `signal`, and when nothing ran. `tested` tells that the test's own part was reached: for a
    test with code or a call both streams then hold only what that part printed. `completed` tells that this part came
    to its end, and was not left by the submission. `wall_seconds` is without the time for which it waited for a person;
    `waited_in_vain` tells of a timeout that nobody gave it input in time.
    `detail` is what the program's own process told of its error, and may be wrong or missing: that process is the
    program's.
    `images` is what was shown, with `images_dropped` more that were too many, too large or no images; the bounds are
    those of all runs of a submission together.
    """

    status: RunStatus
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    signal: str | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_peak_kb: int = 0
    truncated: bool = False
    tested: bool = False
    completed: bool = False
    flags: frozenset[Flag] = frozenset()
    detail: ErrorDetail | None = None
    waited_in_vain: bool = False
    images: tuple[Image, ...] = ()
    images_dropped: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The runs of one submission: the program's own and one for each test, in order.

    `waited_seconds` is how long the submission waited for a container.
    """

    main: Run
    tests: tuple[Run, ...]
    waited_seconds: float

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, the program's own first."""
        return (self.main, *self.tests)

    @property
    def cpu_seconds(self) -> float:
        """The processor time of all runs."""
        return sum(run.cpu_seconds for run in self.runs)


class SandboxError(Exception):
    """The service could not run a program. Never the program's own fault."""


class SandboxBusy(SandboxError):
    """No container came free in time, or too many callers wait already."""


class SandboxUnavailable(SandboxError):
    """Code cannot be run safely now: no engine, no image, probes not passed, or shutting down."""


class CallerGone(SandboxError):
    """Nobody waits for the answer any more. Nothing has run."""


class RunLost(SandboxError):
    """The container failed in mid-run; what it did is unknown and is not to be run again."""
