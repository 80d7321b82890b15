"""What the rules of test cases ask about a program's text, answered by a container before the program runs in it.

A process of its own reads the program. Nothing of the submission has run in the container then, so nothing but the text
can influence the answer, and a program without an end is judged too. The service itself never parses it.
"""

from dataclasses import replace

from executions.sandbox.container.container import Container
from executions.sandbox.results import Run, RunStatus, Submission, TestProgram


class RuleRuns:
    """The run that has answered for the rules of a submission; None if it has none."""

    def __init__(self, container: Container, submission: Submission) -> None:
        tests = [test for test in submission.tests if test.words]
        words = sorted({word for test in tests for word in test.words})
        self._shares = len(tests)
        self._uses: dict[str, tuple[int, int]] = {}
        self.run: Run | None = None
        if words:
            # At most half of the time, so that the program has some left.
            self.run, answers = container.find_uses(submission.code, words, submission.timeout_seconds / 2)
            self._uses = dict(zip(words, answers, strict=False))

    def of(self, test: TestProgram) -> Run:
        """Return the run of one test: the answers to its words, and its part of the time."""
        run = self.run or Run(RunStatus.NOT_RUN)
        return replace(
            run,
            stdout="",
            stderr="",
            wall_seconds=run.wall_seconds / self._shares,
            delayed_seconds=run.delayed_seconds / self._shares,
            cpu_seconds=run.cpu_seconds / self._shares,
            uses=tuple(self._uses[word] for word in test.words) if run.status is RunStatus.SUCCESS else (),
        )
