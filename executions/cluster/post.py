"""The inbox of a web process, for letters from workers and from other web processes. One thread reads it."""

import contextlib
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from executions.cluster.board import Board
from executions.cluster.messages import Failed, GiveUp, Input, Letter, Place, Taken, WebState
from executions.sandbox.console import Console
from executions.sandbox.results import RunLost, SandboxUnavailable
from executions.threads import Loop

FETCH_SECONDS = 1.0
"""How long one call to Redis waits for letters."""

INPUT_SECONDS = 5.0
"""How long another web process may take to say whether a program takes input."""

log = logging.getLogger(__name__)


class Correspondence:
    """The letters about one matter. One thread adds them, another waits for them.

    Letters that come twice count once. If some are missing, the run that they are about counts as lost.
    """

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._expected = 0
        self._lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._is_closed = True
            os.close(self._wake)

    def add(self, number: int, letter: Letter) -> None:
        """Add the letter with this number."""
        with self._lock:
            if self._is_closed or number < self._expected:
                return
            is_next = number == self._expected
            self._expected = number + 1
            self._letters.append(letter if is_next else Failed.of(RunLost("letters are missing")))
            os.eventfd_write(self._wake, 1)

    def next_letter(self, seconds: float, console: Console | None = None) -> Letter | None:
        """Return the next letter; None if none comes in time, or there is news of the console."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if console is not None:
            poll.register(console.fileno(), select.POLLIN)
        poll.poll(seconds * 1000)
        with self._lock:
            if not self._letters:
                return None
            letter = self._letters.popleft()
            if not self._letters:
                os.eventfd_read(self._wake)
            return letter


class PostOffice:
    """The letters of the web process `name`.

    Needs two boards, because one thread waits for letters all the time. `take_input` says what becomes of input that
    other web processes pass on, `places` what is in use here, and `give_up` ends the wait of one of these for input.
    """

    def __init__(self, name: str, board: Board, board_of_letters: Board, input_seconds: float = INPUT_SECONDS) -> None:
        self.name = name
        self.take_input: Callable[[Input], Taken] = lambda _: Taken(False)
        self.places: Callable[[], tuple[Place, ...]] = tuple
        self.give_up: Callable[[UUID], None] = lambda _: None
        self._board = board
        self._input_seconds = input_seconds
        self._stream = board_of_letters.letters(name)
        self._open: dict[str, Correspondence] = {}
        self._showing = threading.Lock()
        self._loop = Loop("letters", self._fetch)

    def __len__(self) -> int:
        return len(self._open)

    def start(self) -> None:
        """Start to read letters. Returns at once."""
        self._loop.start()

    def close(self) -> None:
        """Stop reading, and delete what arrives later."""
        self._loop.close()
        self._loop.join(2 * FETCH_SECONDS)
        with contextlib.suppress(RedisError):
            self._stream.drop()

    @contextlib.contextmanager
    def correspondence(self, matter: str) -> Iterator[Correspondence]:
        """Collect the letters about a matter."""
        with Correspondence() as letters:
            self._open[matter] = letters
            try:
                yield letters
            finally:
                del self._open[matter]

    def show(self) -> None:
        """Show all others that this process is alive, and its places in use."""
        try:
            with self._showing:  # what is shown last is the latest
                self._board.show_web(WebState(self.name, self.places()))
        except RedisError as error:  # the next call, which comes soon, shows them
            log.warning("others cannot see this web process: %s", error)

    @contextlib.contextmanager
    def places_elsewhere(self) -> Iterator[list[Place]]:
        """Yield the places that other web processes have in use; these give none away until the end.

        If Redis fails, there are none: then no program can begin either.
        """
        taken: list[Place] = []
        lock = self._board.lock_places()
        is_locked = False
        try:
            is_locked = lock.acquire()
            webs = [state for state in self._board.webs() if state.name != self.name]
            taken = [msgspec.structs.replace(place, web=web.name) for web in webs for place in web.places]
        except RedisError as error:
            log.warning("the places of other web processes are unknown: %s", error)
        try:
            yield taken
            self.show()
        finally:
            if is_locked:
                with contextlib.suppress(RedisError):  # it has expired, or will
                    lock.release()

    def let_give_up(self, place: Place) -> None:
        """Let another web process give up a place of its own."""
        try:
            self._board.write(place.web, os.urandom(16).hex(), GiveUp(place.id))
        except RedisError as error:  # it keeps the place until its program ends
            log.warning("another web process cannot be asked for a place: %s", error)

    def announce(self, public_id: UUID, seconds: float) -> None:
        """Let other web processes pass on input for an execution of this one, for `seconds`."""
        try:
            self._board.announce(public_id, self.name, seconds)
        except RedisError as error:  # input that comes to this process still arrives
            log.warning("other web processes cannot be told of %s: %s", public_id, error)

    def pass_on(self, input: Input) -> Taken:
        """Let the web process of an execution take input for it. Raises SandboxUnavailable if it does not answer."""
        matter = os.urandom(16).hex()
        try:
            web = self._board.takes_input(input.public_id)
            if web is None or web == self.name:
                return Taken(False)
            with self.correspondence(matter) as letters:
                self._board.write(web, matter, input)
                answer = letters.next_letter(self._input_seconds)
        except RedisError as error:
            raise SandboxUnavailable(f"Redis fails: {error}") from error
        if not isinstance(answer, Taken):
            raise SandboxUnavailable("another web process does not answer")
        return answer

    def _fetch(self) -> None:
        for matter, number, letter in self._stream.fetch(FETCH_SECONDS):
            if isinstance(letter, Input):
                self._answer(matter, letter)
            elif isinstance(letter, GiveUp):
                self.give_up(letter.place_id)
            elif (letters := self._open.get(matter)) is not None:
                letters.add(number, letter)

    def _answer(self, matter: str, letter: Input) -> None:
        try:
            self._board.write(letter.web, matter, self.take_input(letter))
        except RedisError as error:  # the letters after this one have left Redis: they must still be delivered
            log.warning("another web process cannot be told what became of its input: %s", error)
