"""A worker: runs the submissions that web processes assign to it, in its own sandbox. It needs no database."""

import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from redis.exceptions import RedisError

from executions.cluster.board import RETRY_SECONDS, Board
from executions.cluster.messages import Failed, Finished, Malformed, Order, Reply, Typed, WorkerState
from executions.sandbox.console import Began, Console
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.results import CallerGone, RunLost, SandboxBusy, SandboxError, SandboxUnavailable
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from executions.threads import Loop

STATE_SECONDS = 1.0
FETCH_SECONDS = 1.0

REPLY_SECONDS = 10.0
"""How long to try to send a reply while Redis fails."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Delivery:
    """A submission that has arrived. `console` is None if nobody watches it."""

    id: str
    order: Order
    console: Console | None
    has_begun: bool = False
    replies: int = 0
    has_lost_replies: bool = False


class Worker:
    """Runs submissions in `sandbox`, and tells their web processes what happens.

    `name` is its own among all workers. At most `most_interactive` submissions at once should wait for input, and none
    unless they `may_wait_for_input`: then they read its end. Needs two boards, because one thread waits for
    instructions all the time.
    """

    def __init__(
        self,
        name: str,
        sandbox: Sandbox,
        settings: SandboxSettings,
        board: Board,
        board_of_instructions: Board,
        most_interactive: int = 0,
        may_wait_for_input: bool = True,
    ) -> None:
        self.name = name
        self._sandbox = sandbox
        self._settings = settings
        self._most_interactive = most_interactive
        self._may_wait_for_input = may_wait_for_input
        self._board = board
        self._instructions = board_of_instructions.instructions(name)
        self._watched: dict[str, Delivery] = {}
        self._orphaned: Counter[str] = Counter()
        self._is_leaving = False
        self._states_shown = 0
        self._image = settings.image or image_name()
        self._loops = (Loop("state", self._show_state, STATE_SECONDS), Loop("instructions", self._fetch))

    def start(self) -> None:
        """Start to report to web processes. Returns at once."""
        for loop in self._loops:
            loop.start()

    def leave(self) -> None:
        """Announce the shutdown, so that web processes send nothing more. Returns at once."""
        self._is_leaving = True
        self._show_state()

    def close(self) -> None:
        """Stop reporting, and delete what this worker has in Redis."""
        for loop in self._loops:
            loop.close()
        for loop in self._loops:
            loop.join(FETCH_SECONDS + STATE_SECONDS)
        with contextlib.suppress(RedisError):
            self._board.remove_worker(self.name)
            self._instructions.drop()

    def run(self, submission_id: str) -> None:
        """Run a submission, unless it has begun elsewhere or was taken back. Never raises."""
        try:
            order = self._board.order(submission_id)
        except (RedisError, Malformed) as error:  # its web process takes it back in time
            log.error("%s cannot be read: %s", submission_id, error)
            return
        if order is None:
            return
        is_interactive = order.is_interactive and self._may_wait_for_input
        delivery = Delivery(submission_id, order, Console(is_interactive) if order.is_watched else None)
        forwarder = None
        if delivery.console is not None:
            forwarder = threading.Thread(target=self._forward, args=(delivery, delivery.console), daemon=True)
            try:
                forwarder.start()
            except RuntimeError as error:  # there are too many threads
                delivery.console.close()
                if (refusal := self._failed(delivery, SandboxBusy(f"no thread can be started: {error}"))) is not None:
                    self._reply(delivery, refusal)
                return
        last: Reply | None = None
        try:
            last = self._last_reply(delivery)
        finally:
            if delivery.console is not None and forwarder is not None:
                delivery.console.close()
                forwarder.join()
                if self._watched.get(submission_id) is delivery:
                    del self._watched[submission_id]
            if last is not None:
                self._reply(delivery, last)

    def _last_reply(self, delivery: Delivery) -> Reply | None:
        try:
            outcome = self._sandbox.execute(delivery.order.submission, delivery.console, partial(self._begin, delivery))
            return Finished(outcome)
        except CallerGone:  # taken back, or delivered twice
            return None
        except SandboxError as error:
            return self._failed(delivery, error)
        except RedisError as error:
            return self._failed(delivery, SandboxUnavailable(f"the worker cannot reach Redis: {error}"))
        except Exception:  # the outermost boundary of a thread: the web process must not wait in vain
            log.exception("%s failed", delivery.id)
            return self._failed(delivery, RunLost("the worker failed"))

    def _failed(self, delivery: Delivery, error: SandboxError) -> Failed | None:
        """Return the reply that a submission could not run. To refuse one, it is claimed: no later delivery begins it.

        None if another delivery has it, or nobody knows; then its web process takes it back.
        """
        try:
            if not delivery.has_begun and not self._board.begin(delivery.id):
                return None
        except RedisError as redis_error:
            log.error("%s cannot be refused: %s", delivery.id, redis_error)
            return None
        return Failed.of(error)

    def _begin(self, delivery: Delivery) -> bool:
        """Claim the submission; return False if that is too late. Raises RedisError."""
        if not self._board.begin(delivery.id):
            return False
        delivery.has_begun = True
        if delivery.console is not None:
            self._watched[delivery.id] = delivery
        self._reply(delivery, Began())
        if delivery.has_lost_replies:
            raise SandboxUnavailable("the web process cannot be told that its submission begins")
        return True

    def _forward(self, delivery: Delivery, console: Console) -> None:
        """Send the events of a submission, until it has ended."""
        while not console.is_over:
            event = console.next_event(STATE_SECONDS)
            if event is not None and not isinstance(event, Began):  # that is sent already
                self._reply(delivery, event)

    def _reply(self, delivery: Delivery, reply: Reply) -> None:
        """Send a reply, for REPLY_SECONDS if need be. If it cannot be sent, the run is lost, and ends soon."""
        number, delivery.replies = delivery.replies, delivery.replies + 1
        ends = time.monotonic() + REPLY_SECONDS
        while not delivery.has_lost_replies:
            try:
                self._board.write(delivery.order.web, delivery.id, reply, number)
                return
            except Malformed as error:
                log.error("the reply about %s cannot be sent: %s", delivery.id, error)
                reply = Failed.of(RunLost(str(error)))
            except RedisError as error:
                delivery.has_lost_replies = time.monotonic() > ends
                log.warning("the reply about %s cannot be sent: %s", delivery.id, error)
                time.sleep(RETRY_SECONDS)
        if delivery.console is not None:
            delivery.console.stop()

    def _fetch(self) -> None:
        """Pass instructions on to the submissions that they are for."""
        for submission_id, _, instruction in self._instructions.fetch(FETCH_SECONDS):
            delivery = self._watched.get(submission_id)
            if delivery is None or delivery.console is None:
                continue
            if isinstance(instruction, Typed):
                delivery.console.feed(instruction.data.decode(errors="replace"), is_end=not instruction.data)
            elif instruction.if_waiting:
                delivery.console.may_wait = False
            else:
                delivery.console.stop()

    def _show_state(self) -> None:
        """Publish the state of this worker, and stop programs that wait for input in vain."""
        self._states_shown += 1
        consoles = [delivery.console for delivery in list(self._watched.values())]
        state = WorkerState(
            name=self.name,
            host=socket.gethostname(),
            health=self._sandbox.health(),
            slots=min(self._settings.busy_concurrent, self._settings.max_concurrent),
            most_slots=self._settings.max_concurrent,
            queue_length=self._settings.queue_length,
            most_interactive=self._most_interactive,
            watched=len(consoles),
            interactive=sum(console is not None and console.is_interactive for console in consoles),
            number=self._states_shown,
            is_leaving=self._is_leaving,
            image=self._image,
            clock=time.time(),
        )
        try:
            self._board.show_worker(state)
            self._stop_waiting()
        except RedisError as error:
            log.warning("web processes cannot see this worker: %s", error)

    def _stop_waiting(self) -> None:
        """Stop the programs whose web process is gone and, at shutdown, those that wait for input."""
        watched = list(self._watched.values())
        webs = {delivery.order.web for delivery in watched}
        gone = webs - self._board.living_webs(webs)
        self._orphaned = Counter({web: self._orphaned[web] + 1 for web in gone})
        for delivery in watched:
            console = delivery.console
            if console is not None and (
                self._orphaned[delivery.order.web] > 1 or (self._is_leaving and console.is_waiting)
            ):
                console.stop()
