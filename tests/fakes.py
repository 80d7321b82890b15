"""A stand-in for the sandbox: it runs nothing, and tells what it is told to tell."""

from executions.sandbox.results import Outcome, Run, RunStatus, SandboxError, Submission
from executions.sandbox.sandbox import SandboxHealth

HEALTHY = SandboxHealth(ready=True, engine="connected", reason="", idle=4, in_use=1, waiting=2)
HELLO = Run(RunStatus.SUCCESS, "Hello\n", exit_code=0, wall_seconds=0.25, cpu_seconds=0.125, memory_peak_kb=9000)
EIGHT = Run(RunStatus.SUCCESS, "8\n", exit_code=0, wall_seconds=0.5, cpu_seconds=0.25, tested=True, completed=True)


class FakeExecutor:
    """Answers every submission with `main` and, for each of its tests, `test`; or with `error`."""

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        self.main = HELLO
        self.test = EIGHT
        self.error: SandboxError | None = None
        self.state = HEALTHY

    def execute(self, submission: Submission) -> Outcome:
        self.submissions.append(submission)
        if self.error is not None:
            raise self.error
        return Outcome(self.main, (self.test,) * len(submission.tests), waited_seconds=0.0625)

    def health(self) -> SandboxHealth:
        return self.state
