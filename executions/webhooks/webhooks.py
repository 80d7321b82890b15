"""Delivers the webhooks that are due, in threads of their own. Each web process does so; none waits for the others."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import prometheus_client
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from executions.models import Webhook
from executions.records.late_records import LateRecords, reason
from executions.threads import Loop
from executions.webhooks.deliveries import Claim, claim, settle
from executions.webhooks.message import body_of, headers_of
from executions.webhooks.sender import NotSent

LOOK_SECONDS = 1.0

MOST_AT_ONCE = 16
MOST_OF_A_HOST = 4
"""How many attempts a process makes at once, and to one host: one that does not respond must not hold up the others."""

ATTEMPTS = prometheus_client.Counter(
    "codeexec_webhooks",
    "Attempts to deliver webhooks: delivered, failed (there will be another), given_up (after the last one), gone.",
    ["result"],
)
RESULTS = ("failed", *(state for state in Webhook.State if state is not Webhook.State.PENDING))

Post = Callable[[str, Mapping[str, str], bytes], int]

log = logging.getLogger(__name__)


def in_thread(run: Callable[[], None]) -> None:
    """Run `run` in a thread. Raises RuntimeError or MemoryError if there can be none."""

    def work() -> None:
        try:
            run()
        finally:
            connection.close()

    threading.Thread(target=work, name="webhook", daemon=True).start()


class Webhooks(Loop):
    """Looks which attempts are due, and makes them with `post` (`Sender.post`): at most `most_of_a_host` at once to one
    host. `start` runs a function elsewhere."""

    def __init__(
        self,
        post: Post,
        late_records: LateRecords,
        every_seconds: float = LOOK_SECONDS,
        start: Callable[[Callable[[], None]], None] = in_thread,
        most_of_a_host: int = MOST_OF_A_HOST,
    ) -> None:
        super().__init__("webhooks", self.look, every_seconds)
        self._post = post
        self._late_records = late_records
        self._start_thread = start
        self._most_of_a_host = most_of_a_host
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        """The attempts to each host."""

    def under_way(self) -> dict[str, int]:
        """Return how many attempts are being made to each host."""
        with self._lock:
            return dict(self._under_way)

    def look(self) -> None:
        """Begin the attempts that are due, as long as there is room. Each one is followed by the next that is due."""
        while (claimed := self._claim()) is not None:
            try:
                self._start_thread(partial(self._work, claimed))
            except (RuntimeError, MemoryError) as error:  # the attempt counts as lost, and is made again
                log.error("no thread for a webhook: %s", error)
                self._end(claimed)
                return

    def _work(self, claimed: Claim | None) -> None:
        while claimed is not None:
            try:
                self._attempt(claimed)
            except Exception:  # the outermost boundary of a thread; the attempt counts as lost, and is made again
                log.exception("the webhook of %s failed", claimed.execution.public_id)
            finally:
                self._end(claimed)
            claimed = self._claim()

    def _claim(self) -> Claim | None:
        """Return the right to make an attempt, if there is room and one is due."""
        try:
            with self._lock:
                if self.is_closing or self._under_way.total() >= MOST_AT_ONCE:
                    return None
                claimed = claim([host for host, count in self._under_way.items() if count >= self._most_of_a_host])
                if claimed is not None:
                    self._under_way[claimed.host] += 1
                return claimed
        except (DatabaseError, InterfaceError) as error:
            log.warning("webhooks have to wait: %s", reason(error))
            return None
        finally:
            close_old_connections()  # gives a pooled one back

    def _end(self, claimed: Claim) -> None:
        with self._lock:
            self._under_way[claimed.host] -= 1
            self._under_way += Counter()  # forgets the hosts with 0

    def _attempt(self, claimed: Claim) -> None:
        """Make one attempt, and record what came of it."""
        execution = claimed.execution
        began = time.monotonic()
        status, error = None, ""
        if claimed.secrets:
            body = body_of(execution)
            try:
                status = self._post(claimed.url, headers_of(execution, body, claimed.secrets), body)
            except NotSent as not_sent:
                error = str(not_sent)
        else:
            error = "The key no longer has this host, or no secret."
        seconds = time.monotonic() - began

        def record() -> None:
            result = settle(claimed, seconds, status, error, is_last=not claimed.secrets)
            ATTEMPTS.labels(result).inc()
            if result != Webhook.State.DELIVERED:
                log.warning(
                    "the webhook of %s: attempt %d: %s: %s",
                    execution.public_id,
                    claimed.number,
                    result,
                    error or f"the response is a {status}",
                )

        self._late_records.record(f"the webhook of {execution.public_id}", record)
