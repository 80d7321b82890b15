"""What a web process makes of a worker that takes nothing from its queue."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec
import pytest

from executions.cluster.board import Board, connect
from executions.cluster.executor import LATE_SECONDS, ClusterExecutor, Patience
from executions.cluster.messages import Finished, WorkerState
from executions.cluster.post import PostOffice
from executions.cluster.transport import Sender
from executions.sandbox.console import Began
from executions.sandbox.results import Outcome, RunLost, SandboxBusy, SandboxUnavailable, Submission
from executions.sandbox.sandbox import SandboxHealth
from tests.fakes import HELLO
from tests.servers import Redis
from tests.waiting import eventually

pytestmark = pytest.mark.server

WEB = "web"
QUEUE_SECONDS = 1.2
"""Not a multiple of the executor's looks: the wait is over before it notices."""

IDLE = WorkerState("hanging", "host", SandboxHealth(True, "connected", "", 4, 0, 0), 8, 8, 8)


OTHER = msgspec.structs.replace(IDLE, name="other")
SUBMISSION = Submission("print(1)", "", (), 1)
OUTCOME = Outcome(HELLO, (), 0.25, 0.0, "container", 1)


class ScriptedSender(Sender):
    """Runs a script in place of the worker that a submission is sent to."""

    def __init__(self, url: str, script: Callable[[str], None]) -> None:
        super().__init__(url)
        self._script = script

    def send(self, submission_id: str, worker: str) -> None:
        self._script(submission_id)


@contextlib.contextmanager
def executor_of(redis: Redis, sender: Sender) -> Iterator[ClusterExecutor]:
    board = Board(connect(redis.url))
    post = PostOffice(WEB, board, Board(connect(redis.url)))
    executor = ClusterExecutor(board, post, sender, Patience(QUEUE_SECONDS, 5, grace_seconds=1))
    executor.start()
    board.show_worker(IDLE)
    assert eventually(lambda: bool(executor.workers()))
    with contextlib.closing(redis.client()) as client:
        yield executor
        executor.close(0)
        assert not client.keys("codeexec:run:*")
        client.flushdb()


@pytest.fixture
def executor(redis: Redis) -> Iterator[ClusterExecutor]:
    with executor_of(redis, Sender(redis.url)) as executor:
        yield executor


@pytest.fixture
def board(redis: Redis) -> Iterator[Board]:
    with contextlib.closing(redis.client()) as client:
        yield Board(client)


def in_background(script: Callable[[str], None]) -> Callable[[str], None]:
    return lambda submission_id: threading.Thread(target=script, args=(submission_id,)).start()


def test_submission_that_is_not_begun_in_time_is_refused_and_not_lost(executor: ClusterExecutor) -> None:
    started = time.monotonic()
    with pytest.raises(SandboxBusy):
        executor.execute(Submission("print(1)", "", (), 5))
    assert QUEUE_SECONDS <= time.monotonic() - started < QUEUE_SECONDS + 3


def test_the_reason_of_the_only_worker_is_that_of_the_refusal(executor: ClusterExecutor, redis: Redis) -> None:
    """Looking for another worker gave a reason of its own."""
    ending = threading.Timer(0.2, Board(connect(redis.url)).remove_worker, (IDLE.name,))
    ending.start()
    with pytest.raises(SandboxUnavailable, match="the worker has ended"):
        executor.execute(Submission("print(1)", "", (), 5))
    ending.join()


@pytest.mark.parametrize("begins", [True, False])
def test_submission_that_the_broker_may_have_delivered_runs_at_most_once(
    redis: Redis, board: Board, begins: bool
) -> None:
    """A connection that breaks after a message was sent: another worker ran it, too."""
    sent: list[str] = []

    def deliver(submission_id: str) -> None:
        sent.append(submission_id)
        if begins:
            assert board.begin(submission_id)
            board.write(WEB, submission_id, Began(), 0)
            board.write(WEB, submission_id, Finished(OUTCOME), 1)
        raise ConnectionError("reset by peer")

    with executor_of(redis, ScriptedSender(redis.url, deliver)) as executor:
        board.show_worker(OTHER)
        assert eventually(lambda: len(executor.workers()) == 2)
        if begins:
            assert executor.execute(SUBMISSION) == OUTCOME
        else:
            with pytest.raises(SandboxUnavailable, match="reset by peer"):
                executor.execute(SUBMISSION)
    assert len(sent) == (1 if begins else 2)


def test_submission_whose_last_letter_is_lost_ends_soon_after_its_own_time(redis: Redis, board: Board) -> None:
    """Its request waited for six minutes, as long as a program may take that waits for input."""

    def begin_alone(submission_id: str) -> None:
        assert board.begin(submission_id)
        board.write(WEB, submission_id, Began(), 0)

    with executor_of(redis, ScriptedSender(redis.url, begin_alone)) as executor:
        started = time.monotonic()
        with pytest.raises(RunLost):
            executor.execute(SUBMISSION)
        assert 2 < time.monotonic() - started < 2 * SUBMISSION.timeout_seconds + 1 + 3


def test_worker_that_is_silent_for_a_moment_loses_nothing(redis: Redis, board: Board) -> None:
    """Whatever ran for three seconds more was lost, though the worker was back."""

    def fall_silent(submission_id: str) -> None:
        assert board.begin(submission_id)
        board.write(WEB, submission_id, Began(), 0)
        board.remove_worker(IDLE.name)
        time.sleep(1.5)
        board.show_worker(IDLE)
        time.sleep(LATE_SECONDS)
        board.write(WEB, submission_id, Finished(OUTCOME), 1)

    with executor_of(redis, ScriptedSender(redis.url, in_background(fall_silent))) as executor:
        assert executor.execute(replace(SUBMISSION, timeout_seconds=5)) == OUTCOME
