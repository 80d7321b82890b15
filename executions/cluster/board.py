"""What web processes and workers leave for each other in Redis. All of it expires.

The order for a submission is one key. A worker that is about to run it deletes the key; so does a web process that
takes the order back. Only one of them finds it: whatever the broker delivers late or twice, nothing runs twice, and
what was taken back never runs.
"""

import logging
import time
from collections.abc import Iterator
from typing import Any, Generic, cast
from uuid import UUID

import msgspec
import redis
from prometheus_client import Counter
from redis.exceptions import RedisError
from redis.lock import Lock

from executions.cluster.messages import (
    INSTRUCTIONS,
    LETTERS,
    ORDERS,
    WEB_STATES,
    WORKER_STATES,
    Instruction,
    Kind,
    Letter,
    Malformed,
    Order,
    WebState,
    WorkerState,
    pack,
    unpack,
)
from executions.owner import REMEMBERED_FOR

PREFIX = "codeexec:"

LIFE_SECONDS = 5
"""How long a process counts as alive after it last said so. It says so every second."""

STREAM_SECONDS = 600
"""How long replies and instructions are kept for a process that does not fetch them."""

MOST_ENTRIES = 100_000
"""Of a stream."""

CALL_SECONDS = 3.0
"""The longest that one call to Redis may take."""

RETRY_SECONDS = 0.5
"""How long to pause after a call that failed."""

LOST = Counter("codeexec_workers_lost", "Workers that stopped reporting without announcing their shutdown.")
"""Of several web processes, the first to notice counts it."""

log = logging.getLogger(__name__)


def connect(url: str, **options: Any) -> "redis.Redis":
    """Return a client of the server at `url` whose calls take bounded time."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=CALL_SECONDS, socket_timeout=CALL_SECONDS, health_check_interval=10, **options
    )


class MessageStream(Generic[Kind]):
    """A stream of messages for one process, each for one of its submissions. For one reading thread."""

    def __init__(self, client: "redis.Redis", name: str, decoder: msgspec.json.Decoder[Kind]) -> None:
        self._client = client
        self._key = f"{PREFIX}{name}"
        self._decoder = decoder

    def fetch(self, seconds: float) -> Iterator[tuple[str, int, Kind]]:
        """Wait up to `seconds` for messages; yield the submission, number and content of each.

        They are deleted, for they hold what learners have typed and their programs printed. Malformed ones are skipped.
        If Redis fails, there are none, after a pause.
        """
        try:
            entries = self._take(seconds)
        except RedisError as error:
            log.warning("%s cannot be read: %s", self._key, error)
            time.sleep(RETRY_SECONDS)
            return
        for fields in entries:
            try:
                yield fields[b"run"].decode(), int(fields[b"number"]), unpack(fields[b"message"], self._decoder)
            except (Malformed, KeyError, ValueError):
                continue

    def _take(self, seconds: float) -> list[dict[bytes, bytes]]:
        """Return the messages, and delete them."""
        block = max(1, int(seconds * 1000))
        found = cast(Any, self._client.xread({self._key: "0"}, count=256, block=block))
        if not found:
            return []
        [(_, entries)] = found
        self._client.xdel(self._key, *(number for number, _ in entries))
        return [fields for _, fields in entries]

    def drop(self) -> None:
        """Delete the stream. Raises RedisError."""
        self._client.delete(self._key)


class Board:
    """The keys in Redis. Each method raises RedisError."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def write(self, web: str, submission_id: str, letter: Letter, number: int = 0) -> None:
        """Send a letter to a web process; those about one submission are numbered from 0. Raises Malformed."""
        self._send(f"letters:{web}", submission_id, letter, number)

    # For web processes

    def post(self, submission_id: str, order: Order, seconds: float) -> None:
        """Leave an order for a worker, for `seconds`. Raises Malformed if the order is too long."""
        self._client.set(_order_key(submission_id), pack(order), px=max(1, int(seconds * 1000)))

    def take_back(self, submission_id: str) -> bool:
        """Let no worker begin a submission; return False if one has begun, or the order is lost."""
        return bool(self._client.delete(_order_key(submission_id)))

    def letters(self, web: str) -> MessageStream[Letter]:
        """Return the letters to a web process."""
        return MessageStream(self._client, f"letters:{web}", LETTERS)

    def instruct(self, worker: str, submission_id: str, instruction: Instruction) -> None:
        """Send an instruction to the worker that runs a submission."""
        self._send(f"instructions:{worker}", submission_id, instruction, 0)

    def workers(self) -> list[WorkerState]:
        """Return the states of all workers that are alive and speak our version, and forget those that are dead."""
        states, forgotten = self._living("worker", WORKER_STATES)
        LOST.inc(forgotten)  # one that has ended says so itself
        return states

    def roll(self, kind: str = "worker") -> dict[str, bytes | None]:
        """Return what each worker last said, or each web process ("web"), by its name; None of a dead one."""
        names = sorted(name.decode() for name in cast(set[bytes], self._client.smembers(f"{PREFIX}{kind}s")))
        packed = self._client.mget([f"{PREFIX}{kind}:{name}" for name in names]) if names else []
        return dict(zip(names, cast(list[bytes | None], packed), strict=True))

    def _living(self, kind: str, decoder: msgspec.json.Decoder[Kind]) -> tuple[list[Kind], int]:
        """Return what those of a kind said that are alive and speak our version; forget the dead, and return how many.

        Of several processes that ask at once, one counts them.
        """
        roll = self.roll(kind)
        dead = [name for name, packed in roll.items() if packed is None]
        forgotten = self._client.srem(f"{PREFIX}{kind}s", *dead) if dead else 0
        said = (read_state(packed, decoder) for packed in roll.values() if packed is not None)
        return [state for state in said if state is not None], forgotten

    def announce(self, public_id: UUID, web: str, seconds: float) -> None:
        """Note for `seconds` which web process takes the input of an execution."""
        self._client.set(f"{PREFIX}input:{public_id}", web, ex=int(seconds))

    def takes_input(self, public_id: UUID) -> str | None:
        """Return the web process that takes the input of an execution, None if there is none."""
        web = cast(bytes | None, self._client.get(f"{PREFIX}input:{public_id}"))
        return None if web is None else web.decode()

    def show_web(self, state: WebState) -> None:
        """Publish the state of a web process. It counts as alive until this expires."""
        self._show("web", state)

    def webs(self) -> list[WebState]:
        """Return the states of all web processes that are alive and speak our version."""
        return self._living("web", WEB_STATES)[0]

    def lock_places(self) -> Lock:
        """Return the lock of the one process that may give away places. Expires by itself."""
        return cast(Lock, self._client.lock(f"{PREFIX}places", CALL_SECONDS, 0.002, blocking_timeout=CALL_SECONDS))

    # For workers

    def order(self, submission_id: str) -> Order | None:
        """Return the order for a submission, None if it has begun or was taken back. Raises Malformed."""
        packed = cast(bytes | None, self._client.get(_order_key(submission_id)))
        return None if packed is None else unpack(packed, ORDERS)

    def begin(self, submission_id: str) -> bool:
        """Return whether the caller may now run a submission: True once, for one worker."""
        return bool(self._client.delete(_order_key(submission_id)))

    def instructions(self, worker: str) -> MessageStream[Instruction]:
        """Return the instructions to a worker."""
        return MessageStream(self._client, f"instructions:{worker}", INSTRUCTIONS)

    def show_worker(self, state: WorkerState) -> None:
        """Publish the state of a worker. It counts as alive until this expires."""
        self._show("worker", state)

    def remove_worker(self, name: str) -> None:
        """Note that a worker has ended."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(f"{PREFIX}worker:{name}")
            pipeline.srem(f"{PREFIX}workers", name)
            pipeline.execute()

    def living_webs(self, webs: set[str]) -> set[str]:
        """Return which of these web processes are alive."""
        names = sorted(webs)
        found = cast(list[bytes | None], self._client.mget([f"{PREFIX}web:{name}" for name in names])) if names else []
        return {name for name, value in zip(names, found, strict=True) if value is not None}

    def show_owner(self, owner: str) -> None:
        """Note that the owner of containers is alive."""
        now, key = self._now(), f"{PREFIX}owners"
        with self._client.pipeline() as pipeline:
            pipeline.zadd(key, {owner: now})
            pipeline.zremrangebyscore(key, 0, now - REMEMBERED_FOR.total_seconds())
            pipeline.expire(key, REMEMBERED_FOR)
            pipeline.execute()

    def dead_owners(self, seconds: float) -> frozenset[str]:
        """Return the owners that have not been seen for `seconds`."""
        found = cast(list[bytes], self._client.zrangebyscore(f"{PREFIX}owners", 0, self._now() - seconds))
        return frozenset(owner.decode() for owner in found)

    def _now(self) -> int:
        """Return the server's time, so that clocks need not agree."""
        return self._client.time()[0]

    def _show(self, kind: str, state: WorkerState | WebState) -> None:
        with self._client.pipeline() as pipeline:
            pipeline.set(f"{PREFIX}{kind}:{state.name}", pack(state), ex=LIFE_SECONDS)
            pipeline.sadd(f"{PREFIX}{kind}s", state.name)
            pipeline.execute()

    def _send(self, name: str, submission_id: str, message: Letter | Instruction, number: int) -> None:
        key, fields = f"{PREFIX}{name}", {"run": submission_id, "number": number, "message": pack(message)}
        with self._client.pipeline() as pipeline:
            pipeline.xadd(key, fields, maxlen=MOST_ENTRIES, approximate=True)  # type: ignore[arg-type]
            pipeline.expire(key, STREAM_SECONDS)
            pipeline.execute()


def _order_key(submission_id: str) -> str:
    return f"{PREFIX}run:{submission_id}"


def read_state(packed: bytes, decoder: msgspec.json.Decoder[Kind]) -> Kind | None:
    """Return what a process said about itself, None if it speaks another version."""
    try:
        return unpack(packed, decoder)
    except Malformed:
        return None
