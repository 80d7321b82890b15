"""Runs a submission with a console: collects its events in order and answers its input requests."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from executions.sandbox.console import Asked, Console, Event, Printed
from executions.sandbox.results import Outcome, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox


class Watched:
    """Runs a program in a thread. Each of `answers` is input for one request, or None for the end of input."""

    def __init__(
        self,
        sandbox: Sandbox,
        code: str,
        *answers: str | None,
        stdin: str = "",
        tests: Sequence[TestProgram] = (),
        timeout_seconds: float = 8,
        is_interactive: bool = True,
    ) -> None:
        self.console = Console(is_interactive)
        self.events: list[Event] = []
        self._answers = list(answers)
        self._outcome: Future[Outcome] = Future()
        submission = Submission(code, stdin, tuple(tests), timeout_seconds)
        self._thread = threading.Thread(target=self._run, args=(sandbox, submission))
        self._thread.start()

    def _run(self, sandbox: Sandbox, submission: Submission) -> None:
        try:
            self._outcome.set_result(sandbox.execute(submission, self.console))
        except BaseException as error:  # noqa: BLE001 (the test gets it)
            self._outcome.set_exception(error)
        finally:
            self.console.close()

    def __iter__(self) -> Iterator[Event]:
        """Yield the events as they arrive, and answer input requests."""
        while not self.console.is_over:
            event = self.console.next_event(1)
            if event is not None:
                self.events.append(event)
                yield event
            if isinstance(event, Asked) and self._answers:
                answer = self._answers.pop(0)
                self.console.feed(answer or "", is_end=answer is None)

    def until(self, kind: type[Event]) -> None:
        """Return the next event of a kind."""
        for event in self:
            if isinstance(event, kind):
                return
        raise AssertionError(f"no {kind.__name__}: {self.events}")

    def finish(self) -> Outcome:
        """Wait for the end and return the outcome."""
        for _ in self:
            pass
        self._thread.join()
        return self._outcome.result()

    @property
    def printed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Printed) and event.stream == "stdout")

    @property
    def questions(self) -> int:
        return sum(isinstance(event, Asked) for event in self.events)


def seconds_of(watched: Watched) -> float:
    """Wait for the end and return how long that took."""
    started = time.monotonic()
    watched.finish()
    return time.monotonic() - started
