"""What is left in Redis: who may run a submission, what is read once, what is dropped, and what expires."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from prometheus_client import REGISTRY

from executions.cluster.board import LIFE_SECONDS, PREFIX, STREAM_SECONDS, Board
from executions.cluster.messages import Input, Order, Stop, Taken, Typed, WebState, WorkerState
from executions.cluster.post import Correspondence, PostOffice
from executions.owner import REMEMBERED_FOR
from executions.sandbox.console import Printed
from executions.sandbox.results import SandboxUnavailable, Submission
from executions.sandbox.sandbox import SandboxHealth
from tests.servers import Redis

pytestmark = pytest.mark.server

ORDER = Order("web", Submission("print(1)", "", (), 5))
HEALTH = SandboxHealth(True, "connected", "", 4, 0, 0)


@pytest.fixture
def client(redis: Redis) -> Iterator["redis.Redis"]:
    client = redis.client()
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def board(client: "redis.Redis") -> Board:
    return Board(client)


def state(name: str) -> WorkerState:
    return WorkerState(name, "host", HEALTH, 8, 8, 8)


def test_only_one_of_many_may_begin_a_submission(board: Board) -> None:
    for _ in range(20):
        run = uuid4().hex
        board.post(run, ORDER, 60)
        assert board.order(run) == ORDER
        with ThreadPoolExecutor(8) as workers:
            assert sorted(workers.map(lambda _, run=run: board.begin(run), range(8))) == [False] * 7 + [True]
        assert board.order(run) is None


def test_submission_either_begins_or_is_taken_back(board: Board) -> None:
    for _ in range(50):
        run = uuid4().hex
        board.post(run, ORDER, 60)
        with ThreadPoolExecutor(2) as both:
            begins, is_taken_back = both.submit(board.begin, run), both.submit(board.take_back, run)
            assert begins.result() != is_taken_back.result()


def test_submission_that_nobody_posted_does_not_begin(board: Board) -> None:
    assert board.order("unknown") is None
    assert not board.begin("unknown")
    assert not board.take_back("unknown")


def test_letters_are_read_once_in_order_and_deleted(board: Board, client: "redis.Redis") -> None:
    for number in range(600):
        board.write("web", "run", Printed("stdout", str(number)), number)
    mailbox = board.letters("web")
    read: list[tuple[str, int, object]] = []
    while len(read) < 600:
        read += mailbox.fetch(0.01)
    assert read == [("run", number, Printed("stdout", str(number))) for number in range(600)]
    assert list(mailbox.fetch(0.01)) == []
    assert client.xlen(f"{PREFIX}letters:web") == 0


def test_letters_that_are_none_are_skipped(board: Board, client: "redis.Redis") -> None:
    key = f"{PREFIX}letters:web"
    client.xadd(key, {"run": "a", "number": 0, "message": b"\1\0{"})
    client.xadd(key, {"run": b"\xff", "number": 0, "message": b""})
    client.xadd(key, {"run": "a", "number": "x", "message": b""})
    client.xadd(key, {"something": "else"})
    board.write("web", "b", Taken(True))
    assert list(board.letters("web").fetch(0.01)) == [("b", 0, Taken(True))]


def test_instructions_reach_one_worker(board: Board) -> None:
    board.instruct("one", "run", Typed(b"x\n"))
    board.instruct("one", "run", Stop())
    assert list(board.instructions("two").fetch(0.01)) == []
    assert [message for *_, message in board.instructions("one").fetch(0.01)] == [Typed(b"x\n"), Stop()]


def test_everything_expires(board: Board, client: "redis.Redis") -> None:
    board.post("run", ORDER, 15)
    board.write("web", "run", Taken(True))
    board.instruct("worker", "run", Stop())
    board.announce(uuid4(), "web", 60)
    board.show_web(WebState("web"))
    board.show_worker(state("worker"))
    board.show_owner("owner")
    times = {key.decode().removeprefix(PREFIX).split(":")[0]: client.ttl(key) for key in client.scan_iter()}
    longest = {
        "run": 15,
        "letters": STREAM_SECONDS,
        "instructions": STREAM_SECONDS,
        "input": 60,
        "owners": int(REMEMBERED_FOR.total_seconds()),
    }
    assert times.pop("workers") == times.pop("webs") == -1  # names only
    assert times.keys() == {*longest, "web", "worker"}
    assert all(0 < seconds <= longest.get(name, LIFE_SECONDS) for name, seconds in times.items())


def test_dead_worker_is_forgotten(board: Board, client: "redis.Redis") -> None:
    board.show_worker(state("one"))
    board.show_worker(state("two"))
    assert {each.name for each in board.workers()} == {"one", "two"}
    lost = lost_workers()
    client.delete(f"{PREFIX}worker:one")  # as when it expires
    assert [each.name for each in board.workers()] == ["two"]
    assert client.smembers(f"{PREFIX}workers") == {b"two"}
    board.workers()
    assert lost_workers() == lost + 1


def test_worker_that_ends_and_one_that_redis_has_forgotten_are_not_lost(board: Board, client: "redis.Redis") -> None:
    board.show_worker(state("one"))
    lost = lost_workers()
    board.remove_worker("one")
    assert board.workers() == []
    board.show_worker(state("two"))
    client.flushdb()  # as when Redis restarts
    assert board.workers() == []
    assert lost_workers() == lost


def lost_workers() -> float:
    value = REGISTRY.get_sample_value("codeexec_workers_lost_total")
    assert value is not None
    return value


def test_worker_of_another_version_is_not_seen(board: Board, client: "redis.Redis") -> None:
    board.show_worker(state("one"))
    packed = client.get(f"{PREFIX}worker:one")
    assert isinstance(packed, bytes)
    client.set(f"{PREFIX}worker:one", b"\xff" + packed[1:])
    assert board.workers() == []


def test_owner_is_dead_once_it_has_been_silent_for_long(board: Board) -> None:
    board.show_owner("one")
    assert board.dead_owners(60) == frozenset()
    assert board.dead_owners(0) == {"one"}


def test_letters_that_come_twice_count_once_and_a_gap_is_a_lost_run() -> None:
    with Correspondence() as letters:
        for number in (0, 1, 1, 0):
            letters.add(number, Printed("stdout", str(number)))
        assert [letters.next_letter(0.01) for _ in range(3)] == [Printed("stdout", "0"), Printed("stdout", "1"), None]
        letters.add(3, Printed("stdout", "3"))
        failed = letters.next_letter(0.01)
    assert failed is not None
    assert "missing" in str(failed)


def test_input_for_a_web_process_that_does_not_answer_is_refused(board: Board, redis: Redis) -> None:
    public_id = uuid4()
    post = PostOffice("here", board, Board(redis.client()), input_seconds=0.2)
    post.start()
    passed_on = Input("here", public_id, (uuid4(), None, True), "x", is_end=False)
    assert post.pass_on(passed_on) == Taken(False)  # nobody takes it
    board.announce(public_id, "gone", 60)
    with pytest.raises(SandboxUnavailable):
        post.pass_on(passed_on)
    post.close()
