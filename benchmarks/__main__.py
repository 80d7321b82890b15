"""`make bench`: how long a learner waits, compared with Python and Docker themselves, in the same run.

Machines differ and are noisy, so only ratios are checked, against the bounds in CONTRIBUTING.md.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, cast

import docker

from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import LABEL, OWNER_LABEL, container_options
from executions.sandbox.engine.owner import Owner
from tests.service import ORIGIN, Service

PROGRAM = 'print("Hello")'
TEST_CASE = {"input": "add(5, 3)", "expected_output": "8"}
SCIENCE_PROGRAM = f"import numpy, pandas, matplotlib.pyplot\n{PROGRAM}"
ROUNDS = 40
SCIENCE_ROUNDS = 5
STOCK = {"SANDBOX_POOL_SIZE": "4", "SANDBOX_SCIENCE_POOL_SIZE": "2"}
STOCK_SECONDS = 60
PAUSE_SECONDS = 0.5  # a learner's pace: the pool refills before the next measurement
CLIENTS = 4
SUSTAINED_SECONDS = 10
SUSTAINED_ROUNDS = 3

# name, bound, whether it is an upper bound
BOUNDS = {
    "p50 of /execute / p50 of bare python3": (1.0, True),
    "p50 of /execute / p50 of a container per request": (0.1, True),
    "imports: p50 of /execute / p50 of a cold container": (0.05, True),
    "sustained /execute / what the engine itself can do": (0.9, False),
    "ten tests in /execute / the program time they need": (1.5, True),
    "p50 with the science pool / p50 without": (1.1, True),
}


def main() -> int:
    """Measure and print everything; return 1 if a ratio misses its bound."""
    with tempfile.TemporaryDirectory() as directory, Service(Path(directory), **STOCK) as service:
        memory = measure_memory(service)
        latencies = measure_latencies(service)
        tests = measure_tests(service)
        warm, cold = measure_imports(service)
        beside = measure_beside_science(service, Path(directory) / "plain")
        served, created = measure_sustained(service)
    print(f"\n{'':32}{'p50 ms':>9}{'p95 ms':>9}")
    for name, seconds in latencies.items():
        print(f"{name:32}{median(seconds) * 1000:9.1f}{quantiles(seconds, n=20)[-1] * 1000:9.1f}")
    for name, seconds in (("imports: /execute", warm), ("imports: a cold container", cold)):
        print(f"{name:32}{median(seconds) * 1000:9.1f}{max(seconds) * 1000:9.1f} (the longest)")
    print(
        "\nwaiting containers: " + ", ".join(f"{profile} {megabytes:.0f} MB" for profile, megabytes in memory.items())
    )
    print(f"\nsustained, {CLIENTS} at once: /execute {served:.1f}/s, containers created and removed {created:.1f}/s\n")

    execute, bare, container = (median(seconds) for seconds in latencies.values())
    ratios = (execute / bare, execute / container, median(warm) / median(cold), served / created, tests, beside)
    return judge(dict(zip(BOUNDS, ratios, strict=True)))


def judge(ratios: dict[str, float]) -> int:
    """Print each ratio with its bound; return 1 if one misses it."""
    missed = 0
    for name, ratio in ratios.items():
        bound, below = BOUNDS[name]
        ok = ratio <= bound if below else ratio >= bound
        missed += not ok
        print(f"{name:52}{ratio:6.2f}  {'at most' if below else 'at least'} {bound}  {'ok' if ok else 'MISSED'}")
    return 1 if missed else 0


def measure_latencies(service: Service) -> dict[str, list[float]]:
    """Return the times of each way to run the program, in seconds."""
    return measure_in_turns(
        {"/execute": OverHTTP(service), "bare python3": run_bare, "a container per request": ContainerPerRequest()}
    )


def measure_in_turns(ways: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the times of each way in seconds, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            way()
            if number:  # the first round warms caches
                seconds[name].append(time.perf_counter() - started)
    return seconds


def measure_tests(service: Service) -> float:
    """Return the time that ten tests add to a request, as a multiple of their programs' running time."""
    code = f"def add(a, b):\n    return a + b\n\n{PROGRAM}"
    without, with_tests = OverHTTP(service, code=code), OverHTTP(service, code=code, test_cases=[TEST_CASE] * 10)
    added, needed = 0.0, 0.0
    for _ in range(ROUNDS):
        seconds = []
        for way in (without, with_tests):
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            answer = way()
            seconds.append(time.perf_counter() - started)
        added += seconds[1] - seconds[0]
        needed += sum(result["execution_time"] for result in answer["test_results"])
    # Divide sums, because the CPU quota stops a container for 75 ms at random, within a program or between two.
    return added / needed


def measure_beside_science(service: Service, directory: Path) -> float:
    """Return the p50 of a plain program, as a multiple of its p50 in a service without science containers."""
    directory.mkdir()
    with Service(directory, **{**STOCK, "SANDBOX_SCIENCE_POOL_SIZE": "0"}) as plain:
        seconds = measure_in_turns({"with": OverHTTP(service), "without": OverHTTP(plain)})
    return median(seconds["with"]) / median(seconds["without"])


def measure_imports(service: Service) -> tuple[list[float], list[float]]:
    """Return the times of a program that imports the science packages, in the service and in a cold container."""
    ways: tuple[Callable[[], object], ...] = (OverHTTP(service, SCIENCE_PROGRAM), ContainerPerRequest(SCIENCE_PROGRAM))
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(SCIENCE_ROUNDS):
        wait_for_stock(service)
        for way, taken in zip(ways, seconds, strict=True):
            started = time.perf_counter()
            way()
            taken.append(time.perf_counter() - started)
    return seconds


def measure_memory(service: Service) -> dict[str, float]:
    """Return the memory of an idle container of each profile in MB."""
    wait_for_stock(service)
    time.sleep(2)  # until idle containers have loaded all their modules
    megabytes: dict[str, float] = {}
    for container in docker.from_env().containers.list(filters={"label": LABEL}):
        owner = Owner.parse(container.labels[OWNER_LABEL])
        if owner is not None and owner.pid == service.worker_pid():
            stats = cast("dict[str, Any]", container.stats(stream=False))
            megabytes[container.attrs["Config"]["Cmd"][0]] = stats["memory_stats"]["usage"] / 1e6
    return dict(sorted(megabytes.items()))


def wait_for_stock(service: Service) -> None:
    """Wait until the service's stock of warm containers is full."""
    deadline = time.monotonic() + STOCK_SECONDS
    while service.health()["pool"]["idle"] < sum(map(int, STOCK.values())):
        assert time.monotonic() < deadline, service.health()
        time.sleep(0.2)


class OverHTTP:
    """Runs the program through the service. Each thread keeps its connection, as a browser does."""

    def __init__(self, service: Service, code: str = PROGRAM, **fields: Any) -> None:
        self._port = service.port
        self._headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
        self._body = json.dumps({"code": code, **fields})
        self._local = threading.local()

    def __call__(self) -> dict[str, Any]:
        """Run the program and return the answer."""
        if not hasattr(self._local, "connection"):
            self._local.connection = HTTPConnection("127.0.0.1", self._port)
        self._local.connection.request("POST", "/execute", self._body, self._headers)
        response = self._local.connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        answer: dict[str, Any] = json.loads(body)
        assert answer["output"] == "Hello\n"
        return answer


def run_bare() -> None:
    """Run the program in a fresh interpreter on this machine, without any protection."""
    # The virtual environment's interpreter, because another may load much more at its start.
    done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"Hello\n"


class ContainerPerRequest:
    """Runs the program in a new container: create, start, wait, read the log, remove; with our limits."""

    def __init__(self, program: str = PROGRAM) -> None:
        self._client = docker.from_env()
        options = container_options(Engine().image_id(image_name()), str(Owner.of_this_process()))
        options |= {"Entrypoint": ["python3", "-c", program], "OpenStdin": False, "AttachStdin": False}
        options["HostConfig"] |= {"AutoRemove": False, "LogConfig": {"Type": "json-file", "Config": {}}}
        self._options = options

    def __call__(self) -> None:
        api = self._client.api
        container_id = api.create_container_from_config(self._options)["Id"]  # type: ignore[no-untyped-call]
        container = self._client.containers.get(container_id)
        container.start()
        container.wait()
        assert container.logs() == b"Hello\n"
        container.remove(force=True)


def measure_sustained(service: Service) -> tuple[float, float]:
    """Return how many programs the service runs, and how many containers the engine creates and removes, per second."""
    served: list[float] = []
    created: list[float] = []
    for _ in range(SUSTAINED_ROUNDS):
        served.append(rate(OverHTTP(service)))
        time.sleep(2)  # until the pool is full again
        created.append(rate(CreateAndRemove()))
        time.sleep(2)
    return median(served), median(created)


class CreateAndRemove:
    """Creates, starts and removes one of our containers without using it."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._owner = str(Owner.of_this_process())

    def __call__(self) -> None:
        if not hasattr(self._local, "engine"):
            self._local.engine = Engine()
            self._local.options = container_options(self._local.engine.image_id(image_name()), self._owner)
        engine: Engine = self._local.engine
        container_id = engine.create(f"code_exec_benchmark_{time.monotonic_ns()}", self._local.options)
        engine.start(container_id)
        engine.remove(container_id)


def rate(work: Callable[[], object]) -> float:
    """Return how often per second CLIENTS threads together finish `work`."""
    end = time.monotonic() + SUSTAINED_SECONDS

    def repeat(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            work()
            count += 1
        return count

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as executor:
        count = sum(executor.map(repeat, range(CLIENTS)))
    return count / (time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
