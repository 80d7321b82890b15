"""`make soak CLUSTER=1`: is a run lost, or one run twice, while the workers of a cluster restart all the time?

Clients run programs through the proxy of a cluster with two workers, one of which restarts every ten seconds. Each
program prints a token of its own. A request that is refused is sent again, as a page does, with a new token.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from benchmarks.results import p95
from benchmarks.soak.verdict import EXAMPLES
from benchmarks.soak.witness import Witness
from tests.service import ORIGIN
from tests.small_cluster import READY_SECONDS, Cluster, small_cluster
from tests.waiting import eventually

SETTINGS = {"SANDBOX_QUEUE_LENGTH": "128"}
"""One worker has room for all clients while the other restarts; what was sent in the last second counts twice."""

ANSWER_SECONDS = 60
REFUSED_PAUSE_SECONDS = 0.5
RECORDS = "SELECT code, status, container, submission_number FROM executions_execution WHERE code LIKE '%\"token-%'"


@dataclass(slots=True)
class Course:
    """What was observed. Each program is known by its token.

    `answered` and `refused` are what clients got, `began` and `finished` what workers said, `recorded` the status and
    place of each record. `unfit` describes answers that must never occur.
    """

    wanted: int
    seconds: float = 0.0
    restarts: int = 0
    answered: dict[str, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unfit: list[str] = field(default_factory=list)
    began: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    recorded: dict[str, list[tuple[str, object]]] = field(default_factory=dict)


def run_course(
    cluster: Cluster,
    clients: int,
    runs: int,
    every_seconds: float,
    how: signal.Signals = signal.SIGTERM,
    most_seconds: float = float("inf"),
) -> Course:
    """Let `clients` threads each run so many programs, at most for so long, while workers are restarted by a signal."""
    course = Course(clients * runs)
    started = time.monotonic()
    ends = started + most_seconds

    def work(client: int) -> int:
        with contextlib.closing(HTTPConnection("127.0.0.1", cluster.proxy.port, timeout=ANSWER_SECONDS)) as connection:
            for run in range(runs):
                attempt = 0
                while not _run(cluster, connection, f"token-{client}-{run}-{attempt}", course):
                    attempt += 1
                    time.sleep(REFUSED_PAUSE_SECONDS)
                if time.monotonic() > ends:
                    return run + 1
        return runs

    with Witness(cluster.redis.port) as witness, ThreadPoolExecutor(clients) as executor:
        futures = [executor.submit(work, client) for client in range(clients)]
        while not all(future.done() for future in futures):
            due = time.monotonic() + every_seconds
            _restart(cluster, course.restarts, how)
            course.restarts += 1
            eventually(lambda: all(future.done() for future in futures), due - time.monotonic())
        course.wanted = sum(future.result() for future in futures)
        course.seconds = time.monotonic() - started
    course.began, course.finished = witness.began, witness.finished
    for code, status, *place in cluster.postgresql.sql(RECORDS):
        course.recorded.setdefault(str(code).split('"')[1], []).append((str(status), tuple(place)))
    return course


def _run(cluster: Cluster, connection: HTTPConnection, token: str, course: Course) -> bool:
    """Run a program; return False if it was refused."""
    headers = {"X-API-Key": cluster.front.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
    started = time.perf_counter()
    connection.request("POST", "/execute", json.dumps({"code": f'print("{token}")', "timeout": 10}), headers)
    response = connection.getresponse()
    body = response.read()
    if response.status == 503 and int(response.headers.get("Retry-After", 0)) > 0:
        course.refused.add(token)
        return False
    if response.status == 200 and json.loads(body)["output"] == f"{token}\n":
        course.answered[token] = time.perf_counter() - started
    else:
        course.unfit.append(f"{token}: {response.status} {body[:300]!r}")
    return True


def _restart(cluster: Cluster, number: int, how: signal.Signals) -> None:
    """Restart one of the workers, and wait until it serves."""
    board, worker = cluster.board(), cluster.workers[number % len(cluster.workers)]

    def serving() -> set[str]:
        return {state.name for state in board.workers() if state.is_serving}

    before = serving()
    worker.stop(how)
    worker.start()
    assert eventually(lambda: not serving() <= before, READY_SECONDS), worker.log()


def show(course: Course) -> None:
    """Print the figures."""
    statuses = Counter(status for records in course.recorded.values() for status, _ in records)
    waits = list(course.answered.values())
    rate = len(waits) / course.seconds
    print(f"{len(waits)} of {course.wanted} programs answered in {course.seconds:.0f} s, {rate:.1f}/s")
    print(f"a worker restarted {course.restarts} times, every {course.seconds / course.restarts:.1f} s")
    print(f"refused and sent again {len(course.refused)}")
    print("on record " + ", ".join(f"{count} {status}" for status, count in statuses.most_common()))
    print(f"begun {course.began.total()} times, finished {course.finished.total()}")
    print(f"seconds: p50 {median(waits):.2f}, p95 {p95(waits):.2f}, longest {max(waits):.2f}")


def faults(course: Course, may_lose: bool = False) -> list[str]:
    """Return a line for each fault. Programs that ran on a worker as it was killed may be lost, but not run twice."""
    found = [f"unfit: {each}" for each in course.unfit]
    if course.wanted != len(course.answered) + len(course.unfit):
        found.append(f"{course.wanted} were wanted, and {len(course.answered)} answered")
    for token in sorted(course.answered.keys() | course.refused | course.recorded.keys() | course.began.keys()):
        if mistake := _mistake(course, token, may_lose):
            found.append(f"{token}: {mistake}")
    places = Counter(place for records in course.recorded.values() for status, place in records if status == "success")
    found += [f"{count} were submission {place}" for place, count in places.items() if count > 1]
    return found


def _mistake(course: Course, token: str, may_lose: bool) -> str:
    """Return what is wrong with the program that has this token, "" if nothing is."""
    statuses = [status for status, _ in course.recorded.get(token, [])]
    times = course.began[token], course.finished[token]
    if token in course.answered:
        is_right = statuses == ["success"] and times == (1, 1)
    elif statuses == ["internal_error"]:
        is_right = may_lose and max(times) <= 1
    else:
        is_right = token in course.refused and statuses in ([], ["refused"]) and times == (0, 0)
    said = "answered" if token in course.answered else "refused"
    return "" if is_right else f"{said}, on record {statuses}, begun and finished {times} times"


def main() -> int:
    """Run the soak and print its figures; return 1 if there are faults."""
    parser = argparse.ArgumentParser(prog="make soak CLUSTER=1", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=float("inf"), help="the most that it may take")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--runs", type=int, default=1000, help="programs of each client")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one restart to the next")
    parser.add_argument("--kill", action="store_true", help="kill -9 the workers, which may lose what they run")
    arguments = parser.parse_args()
    how = signal.SIGKILL if arguments.kill else signal.SIGTERM
    with tempfile.TemporaryDirectory() as directory, small_cluster(Path(directory), None, **SETTINGS) as cluster:
        cluster.await_workers(2)
        course = run_course(cluster, arguments.clients, arguments.runs, arguments.every, how, 60 * arguments.minutes)
    show(course)
    found = faults(course, may_lose=arguments.kill)
    print("\n" + ("\n".join(f"FAULT {fault}" for fault in found[:EXAMPLES]) or "none lost, none twice"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
