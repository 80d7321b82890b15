"""The executor of a web process whose programs run on other machines."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from executions.cluster.board import Board
from executions.cluster.messages import Failed, Finished, Malformed, Order, Stop, Typed
from executions.cluster.post import Correspondence, PostOffice
from executions.cluster.workers import SeenWorker, Workers
from executions.sandbox.console import Began, Console, Event
from executions.sandbox.results import (
    CallerGone,
    Outcome,
    RunLost,
    SandboxBusy,
    SandboxError,
    SandboxUnavailable,
    Submission,
    always,
)
from executions.sandbox.sandbox import SandboxHealth
from executions.sandbox.timing import Deadline
from executions.threads import Loop

LOOK_SECONDS = 0.5
"""How often to look at the workers, and whether the caller has gone."""

LATE_SECONDS = 3.0
"""How long a letter may be on its way: that a submission has begun, or what a worker wrote before it ended."""

SPARE_SECONDS = 10.0
"""How long an order outlives its caller's wait. One that has expired would look like one that has begun."""

GRACE_SECONDS = 20.0
"""How much longer than its own time a submission may take: for its start, its pictures and files, and the last letter.
"""

ATTEMPTS = 2
"""How many workers may be asked to run a submission."""

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from executions.cluster.transport import Sender


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a submission may wait for its container, and then take: `interactive_seconds` if people type."""

    queue_seconds: float
    interactive_seconds: float
    grace_seconds: float = GRACE_SECONDS

    def run_seconds(self, submission: Submission, is_interactive: bool) -> float:
        """Return how long after its begin the last letter about a submission is certainly there."""
        if is_interactive:
            return self.interactive_seconds
        return 2 * (submission.timeout_seconds + submission.trace_seconds) + self.grace_seconds


class ClusterExecutor:
    """Lets workers run submissions. See docs/decisions/0040-cluster.md."""

    def __init__(self, board: Board, post: PostOffice, sender: "Sender", patience: Patience) -> None:
        self.post = post
        self._board = board
        self._sender = sender
        self._patience = patience
        self._workers = Workers()
        self._loop = Loop("workers", self._look, LOOK_SECONDS)

    def start(self) -> None:
        """Start to look for workers. Returns at once."""
        self._loop.start()
        self.post.start()

    def health(self) -> SandboxHealth:
        """Return the last known state of the workers together, at once."""
        return self._workers.health()

    def workers(self) -> tuple[SeenWorker, ...]:
        """Return the workers that are alive, at once."""
        return self._workers.seen()

    def close(self, drain_seconds: float) -> None:
        """Wait up to `drain_seconds` for the submissions that workers have."""
        deadline = Deadline.after(drain_seconds)
        while len(self.post) and deadline.remaining_seconds():
            time.sleep(LOOK_SECONDS / 10)
        self._loop.close()
        self._loop.join(LOOK_SECONDS)
        self.post.close()
        self._sender.close()

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        """Let a worker run a submission; pass its events to `console`, and input and a request to stop to the worker.

        If the worker refuses, or is lost before it has begun, another one is asked. Raises SandboxError.
        """
        deadline = Deadline.after(self._patience.queue_seconds)
        is_interactive = console is not None and console.is_interactive
        tried: set[str] = set()
        worker = self._workers.choose(tried, is_interactive)
        while True:
            tried.add(worker)
            try:
                return self._let_run(worker, submission, console, may_begin, deadline)
            except (SandboxBusy, SandboxUnavailable) as error:
                if len(tried) == ATTEMPTS or not deadline.remaining_seconds():
                    raise
                log.warning("worker %s has not run a submission: %s", worker, error)
                try:
                    worker = self._workers.choose(tried, is_interactive)
                except SandboxError:  # there is no other: its own reason says more
                    raise error from None

    def _let_run(
        self,
        worker: str,
        submission: Submission,
        console: Console | None,
        may_begin: Callable[[], bool],
        deadline: Deadline,
    ) -> Outcome:
        submission_id = uuid.uuid4().hex
        is_interactive = console is not None and console.is_interactive
        order = Order(self.post.name, submission, console is not None, is_interactive)
        with self.post.correspondence(submission_id) as letters:
            attempt = _Attempt(submission_id, worker, letters, console, self._board, self._workers)
            self._leave_order(submission_id, order, deadline)
            try:
                self._sender.send(submission_id, worker)
            except ConnectionError as error:  # it may have arrived all the same
                attempt.give_up(SandboxUnavailable(str(error)))
            else:
                attempt.wait_for_begin(may_begin, deadline)
            return attempt.wait_for_end(Deadline.after(self._patience.run_seconds(submission, is_interactive)))

    def _leave_order(self, submission_id: str, order: Order, deadline: Deadline) -> None:
        try:
            self._board.post(submission_id, order, deadline.remaining_seconds() + SPARE_SECONDS)
        except Malformed as error:
            raise SandboxUnavailable(f"the submission cannot be sent: {error}") from error
        except RedisError as error:  # no worker has been sent it
            raise SandboxUnavailable(f"Redis fails: {error}") from error

    def _look(self) -> None:
        """See how the workers are, and show them and other web processes that this one is alive."""
        self.post.show()
        try:
            self._workers.update(self._board.workers())
        except RedisError as error:
            log.warning("Redis does not say which workers are alive: %s", error)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A submission that was sent to a worker. `console` is None if nobody watches it."""

    id: str
    worker: str
    letters: Correspondence
    console: Console | None
    board: Board
    workers: Workers

    def wait_for_begin(self, may_begin: Callable[[], bool], deadline: Deadline) -> None:
        """Return when the worker runs the submission. Otherwise take it back and raise SandboxError."""
        while not self._receive_begin(LOOK_SECONDS):
            if error := self._reason_to_give_up(may_begin, deadline):
                self.give_up(error)
                return

    def give_up(self, error: SandboxError) -> None:
        """Take the submission back and raise `error`; return if a worker runs it. Raises RunLost if one may run it."""
        try:
            was_taken_back = self.board.take_back(self.id)
        except RedisError:
            was_taken_back = False
        if was_taken_back:
            raise error
        if not self._receive_begin(LATE_SECONDS):
            raise RunLost("a worker may have begun it without saying so")

    def _receive_begin(self, seconds: float) -> bool:
        """Wait up to `seconds` for the letter that it has begun; return whether it came. Raises what a worker says."""
        letter = self.letters.next_letter(seconds)
        if isinstance(letter, Failed):
            raise letter.to_error()
        return isinstance(letter, Began)

    def _reason_to_give_up(self, may_begin: Callable[[], bool], deadline: Deadline) -> SandboxError | None:
        if not may_begin() or (self.console is not None and self.console.is_stopped):
            return CallerGone("nobody waits for the answer")
        if not self.workers.takes_orders(self.worker):
            return SandboxUnavailable("the worker has ended")
        if not deadline.remaining_seconds():
            return SandboxBusy("no container came free in time")
        return None

    def wait_for_end(self, deadline: Deadline) -> Outcome:
        """Pass on events, input and a request to stop, and return the outcome. Raises SandboxError."""
        console = self.console
        if console is not None:
            console.put(Began())
        is_stopped, may_wait = False, True
        silence: Deadline | None = None
        while deadline.remaining_seconds() and (silence is None or silence.remaining_seconds()):
            silence = None if self.workers.is_alive(self.worker) else silence or Deadline.after(LATE_SECONDS)
            match letter := self.letters.next_letter(LOOK_SECONDS, console):
                case Finished(outcome):
                    return outcome
                case Failed():
                    raise letter.to_error()
            if console is None:
                continue
            if isinstance(letter, Event):
                console.put(letter)
            try:
                for data in console.take_input():
                    self.board.instruct(self.worker, self.id, Typed(data))
                if console.is_stopped and not is_stopped:
                    self.board.instruct(self.worker, self.id, Stop())
                    is_stopped = True
                if may_wait and not console.may_wait:
                    self.board.instruct(self.worker, self.id, Stop(if_waiting=True))
                    may_wait = False
            except (RedisError, Malformed) as error:
                raise RunLost(f"its input cannot be sent: {error}") from error
        raise RunLost("the worker has ended, or does not answer")
