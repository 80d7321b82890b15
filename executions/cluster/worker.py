"""A worker: runs the submissions that web processes assign to it, in its own sandbox. It needs no database."""

import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass

from redis.exceptions import RedisError

from executions.cluster.board import RETRY_SECONDS, Board
from executions.cluster.messages import (
    Began,
    Failed,
    Finished,
    Malformed,
    Order,
    Reply,
    Typed,
    WorkerState,
    to_reply,
)
from executions.sandbox.console import Console
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
class Running:
    """A submission that has begun, or is about to. `console` is None if nobody watches it."""

    run: str
    order: Order
    console: Console | None
    replies: int = 0
    has_lost_replies: bool = False


class Worker:
    """Runs submissions in `sandbox`, and tells their web processes what happens.

    `name` is its own among all workers. Needs two boards, because one thread waits for instructions all the time.
    """

    def __init__(
        self, name: str, sandbox: Sandbox, settings: SandboxSettings, board: Board, board_of_instructions: Board
    ) -> None:
        self.name = name
        self._sandbox = sandbox
        self._settings = settings
        self._board = board
        self._instructions = board_of_instructions.instructions(name)
        self._watched: dict[str, Running] = {}
        self._orphaned: Counter[str] = Counter()
        self._is_leaving = False
        self._states_shown = 0
        self._image = settings.image or image_name()
        self._loops = (Loop("state", self._show_state, STATE_SECONDS), Loop("instructions", self._fetch))

    def start(self) -> None:
        """Start to be seen by web processes. Returns at once."""
        for loop in self._loops:
            loop.start()

    def leave(self) -> None:
        """Let web processes assign nothing more to this worker. Returns at once."""
        self._is_leaving = True
        self._show_state()

    def close(self) -> None:
        """Be seen no more."""
        for loop in self._loops:
            loop.close()
        for loop in self._loops:
            loop.join(FETCH_SECONDS + STATE_SECONDS)
        with contextlib.suppress(RedisError):
            self._board.remove_worker(self.name)
            self._instructions.drop()

    def run(self, run: str) -> None:
        """Run a submission, unless it has begun elsewhere or was taken back. Never raises."""
        try:
            order = self._board.order(run)
        except (RedisError, Malformed) as error:  # its web process takes it back in time
            log.error("%s cannot be read: %s", run, error)
            return
        if order is None:
            return
        running = Running(run, order, Console(order.is_interactive) if order.is_watched else None)
        forwarder = None
        if running.console is not None:
            forwarder = threading.Thread(target=self._forward, args=(running, running.console), daemon=True)
            try:
                forwarder.start()
            except RuntimeError as error:  # there are too many threads
                running.console.close()
                self._reply(running, Failed.of(SandboxBusy(f"no thread can be started: {error}")))
                return
            self._watched[run] = running
        last: Reply | None = None
        try:
            last = self._last_reply(running)
        finally:
            if running.console is not None and forwarder is not None:
                running.console.close()
                forwarder.join()
                del self._watched[run]
            if last is not None:
                self._reply(running, last)

    def _last_reply(self, running: Running) -> Reply | None:
        submission = running.order.submission(is_abandoned=lambda: not self._begin(running))
        try:
            return Finished(self._sandbox.execute(submission, running.console))
        except CallerGone:  # taken back, or delivered twice
            return None
        except SandboxError as error:
            return Failed.of(error)
        except RedisError as error:
            return Failed.of(SandboxUnavailable(f"the worker cannot reach Redis: {error}"))
        except Exception:  # the outermost boundary of a thread: the web process must not wait in vain
            log.exception("%s failed", running.run)
            return Failed.of(RunLost("the worker failed"))

    def _begin(self, running: Running) -> bool:
        """Return whether the submission is to run now. Raises RedisError."""
        if not self._board.begin(running.run):
            return False
        self._reply(running, Began())
        if running.has_lost_replies:
            raise SandboxUnavailable("the web process cannot be told that its submission begins")
        return True

    def _forward(self, running: Running, console: Console) -> None:
        """Send the events of a submission, until it has ended."""
        while not console.is_over:
            event = console.next_event(STATE_SECONDS)
            reply = None if event is None else to_reply(event)
            if reply is not None:
                self._reply(running, reply)

    def _reply(self, running: Running, reply: Reply) -> None:
        """Send a reply, for REPLY_SECONDS if need be. If it cannot be sent, the run is lost, and ends soon."""
        number, running.replies = running.replies, running.replies + 1
        ends = time.monotonic() + REPLY_SECONDS
        while not running.has_lost_replies:
            try:
                self._board.write(running.order.web, running.run, reply, number)
                return
            except Malformed as error:
                log.error("the reply about %s cannot be sent: %s", running.run, error)
                reply = Failed.of(RunLost(str(error)))
            except RedisError as error:
                running.has_lost_replies = time.monotonic() > ends
                log.warning("the reply about %s cannot be sent: %s", running.run, error)
                time.sleep(RETRY_SECONDS)
        if running.console is not None:
            running.console.stop()

    def _fetch(self) -> None:
        """Pass instructions on to the submissions that they are for."""
        for run, _, instruction in self._instructions.fetch(FETCH_SECONDS):
            running = self._watched.get(run)
            if running is None or running.console is None:
                continue
            if isinstance(instruction, Typed):
                running.console.feed(instruction.data.decode(errors="replace"), is_end=not instruction.data)
            elif instruction.if_waiting:
                running.console.may_wait = False
            else:
                running.console.stop()

    def _show_state(self) -> None:
        """Say how this worker is, and end programs that wait for input in vain."""
        self._states_shown += 1
        state = WorkerState(
            self.name,
            socket.gethostname(),
            self._sandbox.health(),
            min(self._settings.busy_concurrent, self._settings.max_concurrent),
            self._settings.max_concurrent,
            self._settings.queue_length,
            len(self._watched),
            self._states_shown,
            self._is_leaving,
            self._image,
            time.time(),
        )
        try:
            self._board.show_worker(state)
            self._stop_waiting()
        except RedisError as error:
            log.warning("web processes cannot see this worker: %s", error)

    def _stop_waiting(self) -> None:
        """End the programs whose web process is gone; and those that wait for people, for whom no restart waits."""
        watched = list(self._watched.values())
        webs = {running.order.web for running in watched}
        gone = webs - self._board.living_webs(webs)
        self._orphaned = Counter({web: self._orphaned[web] + 1 for web in gone})
        for running in watched:
            console = running.console
            if console is not None and (
                self._orphaned[running.order.web] > 1 or (self._is_leaving and console.is_waiting)
            ):
                console.stop()
