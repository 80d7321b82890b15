"""The course of a soak: warm up, measure, load, settle, stop; and what was observed."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.soak.growth import Footprint, Peaks, containers_of
from benchmarks.soak.load import closed_loop, open_loop
from benchmarks.soak.strays import Query, strays
from benchmarks.soak.tally import Tally
from executions.sandbox.engine.engine import Engine
from tests.service import Service
from tests.waiting import eventually

LOAD = 0.8
"""The share of the service's capacity."""

LOADED_CLIENTS = 8
LONGEST_MEASUREMENT_SECONDS = 20
SETTINGS = {"SANDBOX_SCIENCE_POOL_SIZE": "1", "SANDBOX_MAX_INTERACTIVE": "16"}
"""Settings of the service. One address may use half of the interactive slots."""

WARM_UP_REQUESTS = 60  # the number of the service's threads
WARM_UP_ROUNDS = 2
LARGE = "import sys\nprint(sys.stdin.read())\nprint('x' * 65536, file=sys.stderr)"
LARGE_INPUT = "x" * 256 * 1024
SETTLE_SECONDS = 60
GONE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Course:
    """What was observed: `executions` is the number between `before` and `after`.

    `on_record` has the recorded status of each execution by ID, `seen` the IDs of all containers, `strays` the records
    with output of another program. `reused` executions were in a container that had served before.
    """

    tally: Tally
    capacity: float
    before: Footprint
    peaks: Peaks
    after: Footprint
    executions: int
    seen: set[str]
    orphans: set[str]
    on_record: dict[str, str]
    strays: list[str]
    reused: int
    log: str


def run_course(service: Service, minutes: float, query: Query, load: float = LOAD) -> Course:
    """Start `service`, put it under load for `minutes`, and stop it."""
    tally = Tally()
    directory = service.log_path.parent
    with contextlib.closing(Engine()) as engine:
        with service:
            worker = service.worker_pid()
            warm_up(service)
            seconds = min(LONGEST_MEASUREMENT_SECONDS, minutes * 12)
            capacity = closed_loop(service, tally, LOADED_CLIENTS, seconds)
            before = quiet(service, worker, engine)
            peaks = Peaks(worker, engine, directory)
            earlier = count_executions(query)
            open_loop(service, tally, capacity * load, minutes * 60, peaks.look)
            after = quiet(service, worker, engine)
            seen = peaks.containers | containers_of(worker, engine)
            log = service.log()
            rows = query("select public_id, status from executions_execution")
            strayed = strays(query)
            [(reused,)] = query("select count(*) from executions_execution where submission_number > 1")
        eventually(lambda: not containers_of(worker, engine), GONE_SECONDS)
        orphans = containers_of(worker, engine)
    on_record = {plain(str(public_id)): str(status) for public_id, status in rows}
    executions = len(rows) - earlier
    return Course(
        tally,
        capacity,
        before,
        peaks,
        after,
        executions,
        seen,
        orphans,
        on_record,
        strayed,
        int(str(reused)),
        log,
    )


def count_executions(query: Query) -> int:
    """Return the number of recorded executions."""
    [(count,)] = query("select count(*) from executions_execution")
    return int(str(count))


def plain(public_id: str) -> str:
    """Return an execution's ID in the form that does not depend on the database."""
    return public_id.replace("-", "")


def warm_up(service: Service) -> None:
    """Send requests of the largest size to every thread of the service, whose memory grows until then."""
    for _ in range(WARM_UP_ROUNDS):
        with ThreadPoolExecutor(WARM_UP_REQUESTS) as executor:
            list(executor.map(lambda _: service.post(LARGE, input_data=LARGE_INPUT), range(WARM_UP_REQUESTS)))


def quiet(service: Service, worker: int, engine: Engine) -> Footprint:
    """Wait until there are no containers but the stock, all of them fresh and idle, and measure.

    A probe takes one more from time to time, perhaps in the moment of the measurement, which is then repeated.
    """
    stock = sum(int(service.environment[f"SANDBOX_{kind}POOL_SIZE"]) for kind in ("", "SCIENCE_"))

    def settled() -> bool:
        pool = service.health()["pool"]
        return (pool["in_use"], pool["waiting"]) == (0, 0) and pool["idle"] == len(
            containers_of(worker, engine)
        ) == stock

    while True:
        assert eventually(settled, SETTLE_SECONDS), service.health()
        time.sleep(1)
        footprint = Footprint.of(worker, engine, service.log_path.parent)
        if footprint.containers == stock:
            return footprint
