"""The clients of a soak: they run programs, answer their input, send bad and incomplete requests, and keep count."""

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from benchmarks.soak.hostile import hostile
from benchmarks.soak.programs import Answer, Program, conversation, honest
from benchmarks.soak.tally import Tally
from tests.service import ORIGIN, Service

CLIENTS = 64
HOSTILE_SHARE = 0.15
BAD_SHARE = 0.03
LEAVING_SHARE = 0.02
INTERACTIVE_SHARE = 0.05
WATCHED_SHARE = 0.15
"""The share of the other programs, hostile ones included, whose answers come as events."""

ANSWER_SECONDS = 60
EVENTS = {"Accept": "text/event-stream"}
LOST = "the run was lost"

# body, changed headers, expected status
BAD_REQUESTS: tuple[tuple[bytes, dict[str, str], int], ...] = (
    (b"{", {}, 400),
    (b'{"code": "print(1)", "timeout": 0}', {}, 400),
    (b'{"code": "print(1)", "image": "evil"}', {}, 400),
    (b'{"code": "\\ud800"}', {}, 400),
    (b"[" * 50_000, {}, 400),
    (b'{"code": "print(1)"}', {"X-API-Key": "nobody"}, 403),
    (b'{"code": "print(1)"}', {"Origin": "https://evil.example"}, 403),
    (b"code=print(1)", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
)


class Client:
    """Sends one request after another over one connection. Each thread needs its own."""

    def __init__(self, service: Service, tally: Tally) -> None:
        self._service = service
        self._tally = tally
        self._connection = HTTPConnection("127.0.0.1", service.port, timeout=ANSWER_SECONDS)
        self._headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send_any(self, dice: random.Random) -> None:
        """Send a request of a random kind."""
        kinds = ("bad", "left", "interactive", "hostile", "honest")
        weights = (BAD_SHARE, LEAVING_SHARE, INTERACTIVE_SHARE, HOSTILE_SHARE)
        [kind] = dice.choices(kinds, (*weights, 1 - sum(weights)))
        is_watched = dice.random() < WATCHED_SHARE
        match kind:
            case "bad":
                self._send_bad(dice)
            case "left":
                self._leave(dice)
            case "interactive":
                self._run("honest, interactive", conversation(dice), is_watched=True)
            case _:
                program = hostile(dice) if kind == "hostile" else honest(dice)
                self._run(f"{kind}, watched" if is_watched else kind, program, is_watched)

    def _run(self, kind: str, program: Program, is_watched: bool) -> None:
        self._tally.count(kind)
        try:
            response = self._send(json.dumps(program.body).encode(), EVENTS if is_watched else {})
            if response.status == 200:
                answer, mistake = self._watch(response, program) if is_watched else (json.loads(response.read()), "")
            else:
                answer, mistake = None, f"{response.status} {response.read()[:300]!r}"
        except (OSError, HTTPException) as error:
            self._connection.close()
            self._tally.fail(f"{program.name}: {error!r}")
            return
        if is_watched:  # we may have stopped reading before its end
            self._connection.close()
        if answer is not None:
            mistake = mistake or program.mistake(answer)
            self._tally.answered(answer, kind.startswith("honest"), f"{program.name}: {mistake}" if mistake else "")
        elif mistake == LOST or (response.status == 503 and int(response.headers.get("Retry-After", 0)) > 0):
            self._tally.refuse()  # a lost run counts as refused, too; its record has another status
        else:
            self._tally.fail(f"{program.name}: {mistake}")

    def _watch(self, response: HTTPResponse, program: Program) -> tuple[Answer | None, str]:
        """Read a program's events and send its input; return its answer, and what is wrong with the events."""
        answers = iter(program.answers)
        printed = execution_id = ""
        for name, data in events_of(response):
            if name == "start":
                execution_id = data["id"]
            elif name == "stdout":
                printed += data["text"]
            elif name == "input" and (text := next(answers, None)) is not None:
                if (status := self._answer(execution_id, text)) != 204:
                    return None, f"its answer was answered {status}"
            elif name == "error":
                return None, LOST if data["code"] == "unavailable" else str(data)
            elif name == "result":
                is_same = printed == data["output"]
                return data, "" if is_same else f"streamed {printed[-200:]!r}, not {data['output'][-200:]!r}"
        return None, "its events have no end"

    def _answer(self, execution_id: str, text: str) -> int:
        connection = HTTPConnection("127.0.0.1", self._service.port, timeout=ANSWER_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", f"/executions/{execution_id}/input", json.dumps({"text": text}), self._headers)
            return connection.getresponse().status

    def _send_bad(self, dice: random.Random) -> None:
        self._tally.count("bad requests")
        body, changes, wanted = dice.choice(BAD_REQUESTS)
        try:
            response = self._send(body, changes)
            answer = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            self._tally.fail(f"bad request {body[:40]!r}: {error!r}")
            return
        if response.status != wanted:
            self._tally.fail(f"bad request {body[:40]!r}: {response.status}, not {wanted}: {answer[:300]!r}")

    def _leave(self, dice: random.Random) -> None:
        """Send a whole or half a request, and disconnect."""
        self._tally.count("left")
        body = json.dumps({"code": "import time\ntime.sleep(0.5)\nprint('nobody reads this')"}).encode()
        lines = [f"{name}: {value}" for name, value in self._headers.items()]
        head = "\r\n".join(["POST /execute HTTP/1.1", "Host: localhost", *lines, f"Content-Length: {len(body)}"])
        request = head.encode() + b"\r\n\r\n" + body
        with socket.create_connection(("127.0.0.1", self._service.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(request[: dice.choice((len(request), len(request), len(request) // 2))])
            time.sleep(dice.uniform(0, 0.3))

    def _send(self, body: bytes, changes: dict[str, str]) -> HTTPResponse:
        self._connection.request("POST", "/execute", body, {**self._headers, **changes})
        return self._connection.getresponse()


def events_of(response: HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the names and data of server-sent events as they arrive."""
    lines: list[str] = []
    while line := response.readline().decode():
        if line != "\n":
            lines.append(line.rstrip("\n"))
            continue
        fields = dict(each.split(": ", 1) for each in lines)
        if "event" in fields:  # the others are comments
            yield fields["event"], json.loads(fields["data"])
        lines = []


def closed_loop(service: Service, tally: Tally, clients: int, seconds: float) -> float:
    """Let each client send its next request as soon as it gets a response; return the requests per second."""
    end = time.monotonic() + seconds

    def work(number: int) -> int:
        dice, client, count = random.Random(number), Client(service, tally), 0
        while time.monotonic() < end:
            client.send_any(dice)
            count += 1
        client.close()
        return count

    started = time.monotonic()
    with ThreadPoolExecutor(clients) as executor:
        count = sum(executor.map(work, range(clients)))
    return count / (time.monotonic() - started)


def open_loop(service: Service, tally: Tally, rate: float, seconds: float, every_second: Callable[[], None]) -> None:
    """Send `rate` requests a second on average, at random moments, without waiting for responses."""
    local = threading.local()
    clients: list[Client] = []
    dice = random.Random(4)

    def send(seed: int) -> None:
        if not hasattr(local, "client"):
            local.client = Client(service, tally)
            clients.append(local.client)
        local.client.send_any(random.Random(seed))

    end = next_second = time.monotonic()
    end += seconds
    with ThreadPoolExecutor(CLIENTS) as executor:
        futures = []
        due = time.monotonic()
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            futures.append(executor.submit(send, dice.randrange(2**63)))
            futures = [future for future in futures if not future.done() or future.result() is not None]
            due += dice.expovariate(rate)
            if time.monotonic() >= next_second:
                next_second = time.monotonic() + 1
                every_second()
    for client in clients:
        client.close()
