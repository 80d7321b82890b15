"""`python -m benchmarks.cluster`: a cluster beside a single service: a learner's wait, live output, many clients.

Both have PostgreSQL, Redis and the same settings, and take turns, so that other load on the machine slows both. The
cluster is that of `make cluster`, whose two engines share the processors of this machine.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks.bounds import BUSY, Ratio
from benchmarks.crowd import measure_rate
from benchmarks.pace import measure_in_turns
from benchmarks.results import Latencies, Rate, describe_machine, p95
from benchmarks.services import STOCKED_SECONDS
from benchmarks.tables import Table
from benchmarks.ways import OverHTTP
from tests.e2e.event_source import EventSource
from tests.servers import PostgreSQL, Redis
from tests.service import Service
from tests.small_cluster import Cluster, small_cluster
from tests.waiting import eventually

SETTINGS = {"SANDBOX_POOL_SIZE": "8", "SANDBOX_MAX_CONCURRENT": "16", "SANDBOX_QUEUE_LENGTH": "64"}
LOCAL, CLUSTER, PROXY = "a single service", "a cluster", "a cluster, through its proxy"
ONE_ENGINE, TWO_ENGINES = "a cluster, one engine", "a cluster, two engines"

ROUNDS = 40
RATE_ROUNDS = 3
WARM_UPS = 3
"""Unmeasured turns before each measured one: at first, workers replace containers; later they use them again."""

STREAM_ROUNDS = 5
PRINTING = "import time\nfor _ in range(20):\n    print(time.time(), flush=True)\n    time.sleep(0.1)"
ASKING = "while input():\n    print('heard')"
ANSWERS = 10


def main() -> int:
    """Measure and print, the ratios first; return 1 if one misses its bound."""
    argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__).parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("local", "cluster"):
            (directory / name).mkdir()
        database, redis = stack.enter_context(PostgreSQL()), stack.enter_context(Redis())
        urls = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
        local = stack.enter_context(Service(directory / "local", **urls, **SETTINGS))
        cluster = stack.enter_context(small_cluster(directory / "cluster", None, **SETTINGS))
        cluster.await_workers(2)
        cluster.workers[1].stop()  # programs that have an engine of their own may get more of the processors
        webs = {LOCAL: local, CLUSTER: cluster.web, PROXY: cluster.front}
        latencies = measure_in_turns({name: OverHTTP(web) for name, web in webs.items()}, ROUNDS)
        printed = measure_output(webs)
        answered = measure_input({LOCAL: (local, local), CLUSTER: (cluster.web, cluster.other_web)})
        rates = measure_rates(local, cluster)
    ratios = ratios_of(latencies, printed, rates)
    print(f"{describe_machine()}\n\n" + "\n".join(map(str, ratios)))
    print("\nAt a learner's pace\n" + table_of(latencies).plain())
    print("\nFrom print() in the program to the client\n" + table_of(printed).plain())
    print(
        "\nFrom an answer to input(), through the other web process, to what it prints\n" + table_of(answered).plain()
    )
    print(f"\n{BUSY} clients\n" + table_of_rates(rates).plain())
    return 0 if all(ratio.is_kept for ratio in ratios) else 1


def measure_output(webs: dict[str, Service]) -> Latencies:
    """Return how long after a program has printed the time a client that watches it has read it."""
    seconds: Latencies = {name: [] for name in webs}
    for _ in range(STREAM_ROUNDS):
        for name, web in webs.items():
            with EventSource(web, PRINTING, timeout=10) as stream:
                for event in stream:
                    if event.name == "stdout":
                        seconds[name] += (event.came - float(line) for line in event.data["text"].split())
    return seconds


def measure_input(webs: dict[str, tuple[Service, Service]]) -> Latencies:
    """Return how long it takes to answer a program through the second service, and read from the first what it says."""
    seconds: Latencies = {name: [] for name in webs}
    for _ in range(STREAM_ROUNDS):
        for name, (web, other) in webs.items():
            with EventSource(web, ASKING, interactive=True) as stream:
                for _ in range(ANSWERS):
                    stream.until("input")
                    sent = time.time()
                    assert stream.answer("Ada", other) == 204
                    seconds[name].append(stream.until("stdout").came - sent)
    return seconds


def measure_rates(local: Service, cluster: Cluster) -> list[Rate]:
    """Return the rates of the single service and of the cluster with one engine and with two, in turns."""
    rates = []

    def measure(name: str, service: Service) -> None:
        engines = 2 if name == TWO_ENGINES else 1
        stock = engines * int(SETTINGS["SANDBOX_POOL_SIZE"])
        assert eventually(lambda: service.health()["pool"]["idle"] >= stock, STOCKED_SECONDS), service.health()
        for _ in range(WARM_UPS):
            measure_rate(name, OverHTTP(service), BUSY)
        rates.append(measure_rate(name, OverHTTP(service), BUSY))

    for _ in range(RATE_ROUNDS):
        measure(LOCAL, local)
        measure(ONE_ENGINE, cluster.front)
        cluster.workers[1].start()
        cluster.await_workers(2)
        measure(TWO_ENGINES, cluster.front)
        cluster.workers[1].stop()
    return rates


def ratios_of(latencies: Latencies, printed: Latencies, rates: list[Rate]) -> list[Ratio]:
    """Return what a cluster costs and gains, with the bounds."""
    added = (median(latencies[CLUSTER]) - median(latencies[LOCAL])) * 1000
    gained = _median(rates, TWO_ENGINES, _per_second) / _median(rates, ONE_ENGINE, _per_second)
    return [
        Ratio("p50, ms: what a cluster adds to a single service", added, 10, is_most=True),
        Ratio("p95, ms: from print() in a cluster to the client", p95(printed[PROXY]) * 1000, 100, is_most=True),
        # Both workers and engines share the processors: this shows what the second costs, not what it gains.
        Ratio(f"sustained, {BUSY} clients: two engines / one", gained, 0.7, is_most=False),
    ]


def table_of(latencies: Latencies) -> Table:
    """Return the quantiles of each way; the lowest says least about what else ran on the machine."""
    rows = [
        [name, *(f"{each * 1000:.1f}" for each in (quantiles(found, n=10)[0], median(found), p95(found)))]
        for name, found in latencies.items()
    ]
    return Table(["", "p10, ms", "p50, ms", "p95, ms"], rows)


def table_of_rates(rates: list[Rate]) -> Table:
    """Return the rate of each way, and how much of the processors it used, with whatever else ran on the machine."""
    rows = [
        [name, f"{_median(rates, name, _per_second):.1f}", f"{_median(rates, name, _busy_share):.0%}"]
        for name in (LOCAL, ONE_ENGINE, TWO_ENGINES)
    ]
    return Table(["", "per second", "processors in use"], rows)


def _per_second(rate: Rate) -> float:
    return rate.per_second


def _busy_share(rate: Rate) -> float:
    return rate.per_second * rate.cpu_seconds / (os.cpu_count() or 1)


def _median(rates: Iterable[Rate], way: str, figure: Callable[[Rate], float]) -> float:
    return median(figure(rate) for rate in rates if rate.way == way)


if __name__ == "__main__":
    sys.exit(main())
