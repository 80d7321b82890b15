"""Answers each of the service's calls by a call of the broker's own to the engine. It has no other state."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any

from executions.sandbox.broker.allowed_calls import Call, CallDenied, Kind, rebuild_options
from executions.sandbox.broker.wire import PIECE_BYTES, Answer, Connection, EngineAway, EngineSocket, read_call, status
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import ImageError, build_image, image_name
from executions.sandbox.engine.options import LABEL

LARGEST_HEAD_BYTES = 16 * 1024
MOST_CONNECTIONS = 1024
LINGER_SECONDS = 1
LAST_WORDS_SECONDS = 5
SWITCHING_PROTOCOLS = 101
INFO = (
    "CgroupDriver",
    "CgroupVersion",
    "CpuCfsQuota",
    "DockerRootDir",
    "KernelVersion",
    "MemTotal",
    "MemoryLimit",
    "PidsLimit",
    "Runtimes",
    "SecurityOptions",
    "ServerVersion",
    "SwapLimit",
    "SystemTime",
)
"""What the service reads from `docker info`, which also has the addresses and passwords of proxies."""

log = logging.getLogger(__name__)


class Broker:
    """Serves the calls of `Engine` on a socket of its own.

    It lets at most `most_containers` run at once: a container starts only while it is attached here, and ends with that
    connection.
    """

    def __init__(
        self,
        engine: EngineSocket,
        runtime: str | None,
        most_containers: int,
        make_engine: Callable[[], Engine] = Engine,
    ) -> None:
        self._engine = engine
        self._runtime = runtime
        self._most_containers = most_containers
        self._make_engine = make_engine
        self._attached: dict[str, bool] = {}
        """The attached containers, and whether the engine has said already that they are ours."""
        # asyncio itself would drop a conversation whose client has gone while it waits for the engine.
        self._conversations: set[asyncio.Task[None] | None] = set()
        self._building = asyncio.Lock()

    async def serve(self, path: str) -> None:
        """Serve on the socket `path`, which the group may use, until cancelled."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        old_mask = os.umask(0o117)
        try:
            server = await asyncio.start_unix_server(self._converse, path, limit=LARGEST_HEAD_BYTES)
        finally:
            os.umask(old_mask)
        log.info("serving on %s", path)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._conversations.add(asyncio.current_task())
        try:
            if len(self._conversations) <= MOST_CONNECTIONS:
                while await self._answer_next(reader, writer):
                    pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            self._conversations.discard(asyncio.current_task())
            writer.close()

    async def _answer_next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; return whether another may follow on this connection."""
        try:
            request = await read_call(reader)
            if request is None:
                return False
            call, body = request
            if call.kind is Kind.ATTACH:
                answer = await self._attach(call, (reader, writer))
            elif call.kind is Kind.EVENTS:
                await self._follow(call, (reader, writer))
                return False
            else:
                answer = await self._answer(call, body)
        except CallDenied as error:
            log.warning("refused: %.300s", error)
            answer = Answer.error(403, str(error), is_last=True)
        except EngineAway as error:
            answer = Answer.error(502, str(error))
        if answer is None:
            return False
        writer.write(answer.encoded())
        await writer.drain()
        if answer.is_last:
            # A client that still sends a body would otherwise find a closed connection, and no answer.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_drop_all(reader), LINGER_SECONDS)
        return not answer.is_last

    async def _answer(self, call: Call, body: bytes) -> Answer:
        match call.kind:
            case Kind.INFO:
                return _changed(await self._ask(call), lambda info: {name: info.get(name) for name in INFO})
            case Kind.BUILD:
                return await self._build()
            case Kind.CREATE:
                image = await self._engine.ask("GET", f"/images/{image_name()}/json")
                if image.status != 200:
                    return image
                return await self._ask(call, rebuild_options(body, json.loads(image.body)["Id"], self._runtime))
            case Kind.INSPECT:
                return _changed(
                    await self._ask(call), lambda found: found if _is_ours(found) else _whether_alive(found)
                )
            case Kind.START if not self._attached.get(call.container_id):
                raise CallDenied("start of a container that is not attached")
            case Kind.REMOVE:
                return await self._find(call) or await self._ask(call)
        return await self._ask(call)

    async def _ask(self, call: Call, body: bytes = b"") -> Answer:
        return await self._engine.ask(call.method, call.target, body)

    async def _find(self, call: Call) -> Answer | None:
        """Return the engine's answer if it does not know the call's container. Raises CallDenied if it is not ours."""
        found = await self._engine.ask("GET", f"/containers/{call.container_id}/json")
        if found.status != 200:
            return found
        if not _is_ours(json.loads(found.body)):
            raise CallDenied("a container of somebody else")
        return None

    async def _attach(self, call: Call, client: Connection) -> Answer | None:
        """Connect the client and a container until either ends. None: there is nothing more to answer."""
        if call.container_id in self._attached:
            raise CallDenied("attached already")
        if len(self._attached) >= self._most_containers:
            return Answer.error(503, f"{self._most_containers} containers are attached, and no more may be")
        self._attached[call.container_id] = False
        try:
            missing = await self._find(call)
            if missing is not None:
                return missing
            self._attached[call.container_id] = True
            container, head = await self._engine.open_stream(call)
            with contextlib.closing(container[1]):
                # Otherwise the engine would read what the client sends as its next call.
                if status(head) != SWITCHING_PROTOCOLS:
                    return Answer.error(status(head), "the engine does not attach", is_last=True)
                client[1].write(head)
                await _until_one_ends(_pass_on(container[0], client[1]), _pass_on_and_outlast(client[0], container[1]))
            return None
        finally:
            del self._attached[call.container_id]

    async def _follow(self, call: Call, client: Connection) -> None:
        """Pass on events until either side ends. What the client sends meanwhile is dropped."""
        engine, head = await self._engine.open_stream(call)
        with contextlib.closing(engine[1]):
            client[1].write(head)
            await _until_one_ends(_pass_on(engine[0], client[1]), _drop_all(client[0]))

    async def _build(self) -> Answer:
        """Build the guest image from the broker's own files, whatever the client has sent."""
        async with self._building:
            lines = await asyncio.to_thread(self._build_image)
        return Answer(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines), is_chunked=True)

    def _build_image(self) -> list[dict[str, str]]:
        try:
            with contextlib.closing(self._make_engine()) as engine:
                return [{"stream": line} for line in build_image(engine)]
        except (EngineError, ImageError) as error:
            return [{"error": str(error)}]


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    if answer.status != 200:
        return answer
    return Answer(200, json.dumps(change(json.loads(answer.body))).encode())


def _is_ours(container: dict[str, Any]) -> bool:
    return LABEL in (container["Config"]["Labels"] or {})


def _whether_alive(container: dict[str, Any]) -> dict[str, Any]:
    """Return the little that the service needs to know about other containers: their environment has secrets."""
    return {"Id": container["Id"], "State": {"Running": container["State"]["Running"]}}


async def _until_one_ends(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()


async def _pass_on_and_outlast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and then the end. Return some time later: the container may still send something.

    A container that was never started does not notice the end.
    """
    await _pass_on(reader, writer)
    with contextlib.suppress(OSError):
        writer.write_eof()
    await asyncio.sleep(LAST_WORDS_SECONDS)


async def _drop_all(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(PIECE_BYTES):
            pass
