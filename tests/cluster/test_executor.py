"""What a web process makes of a worker that takes nothing from its queue."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from executions.cluster.board import Board, connect
from executions.cluster.executor import ClusterExecutor, Patience
from executions.cluster.messages import WorkerState
from executions.cluster.post import PostOffice
from executions.cluster.transport import Sender
from executions.sandbox.results import SandboxBusy, SandboxUnavailable, Submission
from executions.sandbox.sandbox import SandboxHealth
from tests.servers import Redis
from tests.waiting import eventually

pytestmark = pytest.mark.server

QUEUE_SECONDS = 1.2
"""Not a multiple of the executor's looks: the wait is over before it notices."""

IDLE = WorkerState("hanging", "host", SandboxHealth(True, "connected", "", 4, 0, 0), 8, 8, 8)


@pytest.fixture
def executor(redis: Redis) -> Iterator[ClusterExecutor]:
    board = Board(connect(redis.url))
    post = PostOffice(uuid.uuid4().hex, board, Board(connect(redis.url)))
    executor = ClusterExecutor(board, post, Sender(redis.url), Patience(QUEUE_SECONDS, 5))
    executor.start()
    board.show_worker(IDLE)
    assert eventually(lambda: bool(executor.workers()))
    with contextlib.closing(redis.client()) as client:
        yield executor
        executor.close(0)
        assert not client.keys("codeexec:run:*")
        client.flushdb()


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
