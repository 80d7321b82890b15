"""What the rules of test cases ask about a program's text, answered by a container before the program runs in it.

A separate process reads the program. Nothing of the submission has run in the container by then, so only the text can
influence the answer, and a program that never ends is judged, too. The service itself never parses it.
"""

from dataclasses import replace

from executions.sandbox.container.container import Container
from executions.sandbox.container.task import Task
from executions.sandbox.results import Run, RunStatus, Submission, TestProgram
from guest import protocol

UNREADABLE = ("SyntaxError", "IndentationError", "TabError")


class RuleRuns:
    """The run that answered the rules of a submission; None if it has no rules.

    If Python cannot parse the program, this run replaces all others (`stands_for_all`). Nothing of the submission has
    run, so the error can be trusted. If parsing used up the container, it replaces the main run (`stands_for_main`).
    """

    def __init__(self, container: Container, submission: Submission) -> None:
        tests = [test for test in submission.tests if test.words]
        words = sorted({word for test in tests for word in test.words})
        self._uses: dict[str, tuple[int, int]] = {}
        self.run: Run | None = None
        self.stands_for_all = False
        if words:
            # At most half of the time, so that the program has some left.
            self.run, answers = container.find_uses(submission.code, words, submission.timeout_seconds / 2)
            self._uses = dict(zip(words, answers, strict=False))
            is_unreadable = self.run.status is RunStatus.ERROR and self.run.raised in UNREADABLE
            # Only the program's own run can say which files come back.
            self.stands_for_all = is_unreadable and not submission.collect
        self.stands_for_main = self.stands_for_all or (self.run is not None and not container.is_usable)
        self._shares = len(submission.tests if self.stands_for_all else tests) + self.stands_for_main

    def share(self) -> Run:
        """Return the run with its share of the time."""
        run = self.run or Run(RunStatus.NOT_RUN)
        return replace(
            run,
            wall_seconds=run.wall_seconds / self._shares,
            delayed_seconds=run.delayed_seconds / self._shares,
            cpu_seconds=run.cpu_seconds / self._shares,
        )

    def of(self, test: TestProgram) -> Run:
        """Return the run of one test: the answers for its words, and its share of the time."""
        run = self.share()
        if not test.words:  # the run replaces all others
            has_begun = Task.of("", "", test).kind == protocol.TEST_STDIN
            return replace(run, tested=has_begun, completed=has_begun)
        uses = tuple(self._uses[word] for word in test.words) if run.status is RunStatus.SUCCESS else ()
        return replace(run, stdout="", stderr="", uses=uses)
