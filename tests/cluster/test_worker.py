"""A worker: what it does with submissions that the broker delivers."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from executions.cluster.board import Board
from executions.cluster.messages import Failed, Finished, Letter, Order, Typed, WebState
from executions.cluster.worker import Worker
from executions.configuration import sandbox_settings
from executions.sandbox.console import Asked, Began, Console
from executions.sandbox.results import Outcome, SandboxBusy, SandboxError, SandboxUnavailable, Submission, always
from executions.sandbox.sandbox import Sandbox
from tests.fakes import FakeExecutor
from tests.servers import Redis
from tests.service import ROOT

pytestmark = pytest.mark.server


class BothAtOnce(FakeExecutor):
    """Begins no submission before two have arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Barrier(2)

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        self.arrived.wait(10)
        return super().execute(submission, console, may_begin)


@pytest.fixture
def board(redis: Redis) -> Iterator[Board]:
    client = redis.client()
    client.flushdb()
    yield Board(client)
    client.close()


@pytest.fixture
def worker(board: Board, redis: Redis) -> Iterator[Worker]:
    client = redis.client()
    worker = Worker("worker", cast(Sandbox, BothAtOnce()), sandbox_settings(), board, Board(client))
    worker.start()
    yield worker
    worker.close()
    client.close()


def test_submission_that_is_delivered_twice_at_once_runs_once_and_gets_its_input(worker: Worker, board: Board) -> None:
    board.show_web(WebState("web"))
    board.post("one", Order("web", Submission("input()", "", (), 5), is_watched=True, is_interactive=True), 60)
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(worker.run, "one") for _ in range(2)]
        letters: list[Letter] = [letter for _, _, letter in board.letters("web").fetch(5)]
        while not all(run.done() for run in runs):
            if any(run.done() for run in runs):  # the other waits for input
                board.instruct("worker", "one", Typed(b"typed"))
            letters += [letter for _, _, letter in board.letters("web").fetch(0.5)]
        letters += [letter for _, _, letter in board.letters("web").fetch(0.5)]
    assert [run.exception() for run in runs] == [None, None]
    assert letters.count(Began()) == 1
    [finished] = [letter for letter in letters if isinstance(letter, Finished)]
    assert finished.outcome.main.stdout.endswith("typed")


@pytest.mark.parametrize("error", [SandboxBusy("the line is full"), SandboxUnavailable("no engine")])
def test_submission_that_was_refused_does_not_begin_when_it_is_delivered_again(
    board: Board, redis: Redis, error: SandboxError
) -> None:
    """Its web process has sent it to another worker by then."""
    sandbox = FakeExecutor()
    sandbox.error = error
    with contextlib.closing(redis.client()) as client:
        worker = Worker("worker", cast(Sandbox, sandbox), sandbox_settings(), board, Board(client))
        board.post("one", Order("web", Submission("print(1)", "", (), 5)), 60)
        worker.run("one")
        sandbox.error = None
        worker.run("one")
    assert [letter for _, _, letter in board.letters("web").fetch(1)] == [Failed.of(error)]
    assert len(sandbox.submissions) == 1
    assert board.order("one") is None


@pytest.mark.parametrize(
    ("given", "named"), [({}, "REDIS_URL"), ({"REDIS_URL": "redis://x", "DOCKER_HOST": "ssh://x"}, "DOCKER_HOST")]
)
def test_worker_that_could_never_run_a_program_does_not_start(given: dict[str, str], named: str) -> None:
    command = [sys.executable, "-m", "codeexec.run_worker"]
    done = subprocess.run(command, cwd=ROOT, env={"ENV_FILE": "", **given}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert named in done.stderr


def test_worker_whose_programs_cannot_wait_for_input_gives_them_its_end(board: Board, redis: Redis) -> None:
    """As under gVisor: the web process does not know how its workers run programs."""
    with contextlib.closing(redis.client()) as client:
        worker = Worker(
            "worker", cast(Sandbox, FakeExecutor()), sandbox_settings(), board, Board(client), may_wait_for_input=False
        )
        board.post("one", Order("web", Submission("input()", "", (), 5), is_watched=True, is_interactive=True), 60)
        worker.run("one")
    letters = [letter for _, _, letter in board.letters("web").fetch(1)]
    assert isinstance(letters[-1], Finished)
    assert Asked() not in letters
