"""Web processes share the places for interactive programs: two here, with one Redis server."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from apikeys.callers import Caller
from apikeys.limits import Refused, Unavailable
from apikeys.models import ApiKey
from executions.cluster.board import LIFE_SECONDS, Board, connect
from executions.cluster.messages import WebState
from executions.cluster.post import PostOffice
from executions.running import interactive
from executions.running.interactive import InteractiveSession, InteractiveSessions
from executions.running.peers import Peers
from executions.sandbox.console import Console
from tests.servers import Redis
from tests.waiting import eventually

pytestmark = pytest.mark.server

KEY = ApiKey()


def begin(sessions: InteractiveSessions, *names: str) -> InteractiveSession:
    return sessions.begin(Caller(KEY, None), names, Console(is_interactive=True))


@pytest.fixture
def board(redis: Redis) -> Iterator[Board]:
    with contextlib.closing(redis.client()) as client:
        yield Board(client)
        client.flushdb()


@pytest.fixture
def web(redis: Redis, board: Board) -> Iterator[Callable[[str], InteractiveSessions]]:
    """Return a function that starts a web process of that name and returns its sessions."""
    with contextlib.ExitStack() as stack:

        def start(name: str) -> InteractiveSessions:
            post = PostOffice(name, Board(connect(redis.url)), Board(connect(redis.url)))
            sessions = InteractiveSessions()
            Peers(post, sessions)
            post.start()
            stack.callback(post.close)
            post.show()
            return sessions

        yield start


Web = Callable[[str], InteractiveSessions]


def test_learner_has_as_many_places_in_two_processes_as_in_one(web: Web, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 16
    one, other = web("one"), web("other")
    begin(one, "learner:ada")
    last = begin(other, "learner:ada")
    for sessions in (one, other):
        with pytest.raises(Refused, match="already running 2 interactive programs"):
            begin(sessions, "learner:ada")
    begin(one, "learner:bob")
    other.end(last)
    begin(one, "learner:ada")


def test_two_processes_together_have_no_more_places_than_one(web: Web, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 6
    processes = [web("one"), web("other")]

    def begin_one(number: int) -> bool:
        try:
            begin(processes[number % 2], f"learner:{number}")
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(24) as threads:
        assert list(threads.map(begin_one, range(24))).count(True) == 6
    assert sum(len(each) for each in processes) == 6


def test_caller_without_a_place_gets_one_of_another_process(web: Web, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 2
    one, other = web("one"), web("other")
    given_up, kept = begin(one, "address:192.0.2.1"), begin(one, "address:192.0.2.2")
    given_up.active -= interactive.THINKING_SECONDS
    one.elsewhere.show()
    begin(other, "address:192.0.2.3")
    assert eventually(lambda: not given_up.console.may_wait, 5)
    assert kept.console.may_wait
    assert (len(one), len(other)) == (1, 1)
    with pytest.raises(Unavailable):
        begin(other, "address:192.0.2.4")


def test_places_of_a_dead_process_are_free(web: Web, board: Board, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 1
    dead, living = web("dead"), web("living")
    place = begin(dead, "learner:ada").place
    board.show_web(WebState("dead", (place,)))
    with pytest.raises(Unavailable):
        begin(living, "learner:bob")
    assert eventually(lambda: can_begin(living), LIFE_SECONDS + 3)


def can_begin(sessions: InteractiveSessions) -> bool:
    with contextlib.suppress(Unavailable):
        begin(sessions, "learner:bob")
        return True
    return False


def test_process_that_ends_while_it_gives_places_away_holds_up_nobody_for_long(
    web: Web, board: Board, settings: Settings
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 1
    one = web("one")
    assert board.lock_places().acquire()  # and never released
    begun = threading.Thread(target=begin, args=(one, "learner:ada"))
    begun.start()
    begun.join(10)
    assert not begun.is_alive()
    assert len(one) == 1


def test_without_redis_each_process_has_places_of_its_own(settings: Settings) -> None:
    """No program can begin, so nothing is given away; the request must not fail for another reason than that."""
    settings.SANDBOX_MAX_INTERACTIVE = 1
    sessions = InteractiveSessions()
    nothing_listens = Board(connect("redis://127.0.0.1:1"))
    Peers(PostOffice("alone", nothing_listens, nothing_listens), sessions)
    session = begin(sessions, "learner:ada")
    with pytest.raises(Unavailable):
        begin(sessions, "learner:bob")
    sessions.end(session)
    assert len(sessions) == 0


def test_lock_that_is_lost_lets_nobody_in(web: Web, redis: Redis, settings: Settings) -> None:
    """The error of its release hid the refusal."""
    settings.SANDBOX_MAX_INTERACTIVE = 1
    one, other = web("one"), web("other")
    begin(one, "learner:ada")

    def begin_too_late() -> None:
        with contextlib.closing(redis.client()) as client, other.elsewhere.places() as taken:
            client.delete("codeexec:places")
            assert len(taken) == 1
            raise Unavailable("as begin does")

    with pytest.raises(Unavailable):
        begin_too_late()
