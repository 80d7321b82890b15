"""The clients of a soak: they send programs, bad requests and half a request, and keep count of what comes back."""

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException

from benchmarks.soak.hostile import hostile
from benchmarks.soak.programs import Answer, Program, honest
from tests.service import ORIGIN, Service

CLIENTS = 64
HOSTILE_SHARE = 0.15
BAD_SHARE = 0.03
LEAVING_SHARE = 0.02
ANSWER_SECONDS = 60

# body, changed headers, and the answer that it must get
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


class Tally:
    """What came of all requests so far. Shared by all clients."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()  # by kind
        self.statuses: dict[str, str] = {}  # of each execution that was answered, by its id
        self.refused = 0
        self.late = 0  # honest, and out of time
        self.wrong: list[str] = []
        self.internal: list[str] = []
        self._lock = threading.Lock()

    def count(self, kind: str) -> None:
        """Note that a request of this kind is sent."""
        with self._lock:
            self.sent[kind] += 1

    def answered(self, answer: Answer, is_honest: bool, mistake: str) -> None:
        """Note a 200, and what is wrong with it, if anything."""
        with self._lock:
            self.statuses[answer["id"]] = answer["status"]
            if mistake and is_honest and _is_out_of_time(answer):
                self.late += 1
            elif mistake:
                self.wrong.append(mistake)

    def refuse(self) -> None:
        """Note an honest refusal."""
        with self._lock:
            self.refused += 1

    def fail(self, what: str) -> None:
        """Note what must never come."""
        with self._lock:
            self.internal.append(what)


def _is_out_of_time(answer: Answer) -> bool:
    """Tell whether the verdict is that of the clock: on a machine that others keep busy, this is honest."""
    return answer["status"] == "timeout" or any(each["status"] == "timeout" for each in answer["test_results"] or ())


class Client:
    """Sends one request after another over a kept connection. For one thread."""

    def __init__(self, service: Service, tally: Tally) -> None:
        self._service = service
        self._tally = tally
        self._connection = HTTPConnection("127.0.0.1", service.port, timeout=ANSWER_SECONDS)
        self._headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send_any(self, dice: random.Random) -> None:
        """Send a request of some kind."""
        share = dice.random()
        if share < BAD_SHARE:
            self._send_bad(dice)
        elif share < BAD_SHARE + LEAVING_SHARE:
            self._leave(dice)
        elif share < BAD_SHARE + LEAVING_SHARE + HOSTILE_SHARE:
            self._run("hostile", hostile(dice))
        else:
            self._run("honest", honest(dice))

    def _run(self, kind: str, program: Program) -> None:
        self._tally.count(kind)
        try:
            status, headers, body = self._post(json.dumps(program.body).encode(), {})
        except (OSError, HTTPException) as error:
            self._tally.fail(f"{program.name}: {error!r}")
            return
        if status == 200:
            answer = json.loads(body)
            mistake = program.mistake(answer)
            self._tally.answered(answer, kind == "honest", f"{program.name}: {mistake}" if mistake else "")
        elif status == 503 and int(headers.get("Retry-After", 0)) > 0:
            self._tally.refuse()  # a run that was lost is refused too, and found in the records
        else:
            self._tally.fail(f"{program.name}: {status} {body[:300]!r}")

    def _send_bad(self, dice: random.Random) -> None:
        self._tally.count("bad requests")
        body, changes, wanted = dice.choice(BAD_REQUESTS)
        try:
            status, _, answer = self._post(body, changes)
        except (OSError, HTTPException) as error:
            self._tally.fail(f"bad request {body[:40]!r}: {error!r}")
            return
        if status != wanted:
            self._tally.fail(f"bad request {body[:40]!r}: {status}, not {wanted}: {answer[:300]!r}")

    def _leave(self, dice: random.Random) -> None:
        """Send a request, or half of one, and go."""
        self._tally.count("left")
        body = json.dumps({"code": "import time\ntime.sleep(0.5)\nprint('nobody reads this')"}).encode()
        lines = [f"{name}: {value}" for name, value in self._headers.items()]
        head = "\r\n".join(["POST /execute HTTP/1.1", "Host: localhost", *lines, f"Content-Length: {len(body)}"])
        request = head.encode() + b"\r\n\r\n" + body
        with socket.create_connection(("127.0.0.1", self._service.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(request[: dice.choice((len(request), len(request), len(request) // 2))])
            time.sleep(dice.uniform(0, 0.3))

    def _post(self, body: bytes, changes: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        try:
            self._connection.request("POST", "/execute", body, {**self._headers, **changes})
            response = self._connection.getresponse()
            return response.status, dict(response.headers), response.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise


def closed_loop(service: Service, tally: Tally, clients: int, seconds: float) -> float:
    """Let each of `clients` send as fast as it is answered; return how many requests a second that makes."""
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
    """Send `rate` requests a second on average, at random moments, whatever has become of the earlier ones."""
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
