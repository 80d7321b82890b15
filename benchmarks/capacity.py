"""`python -m benchmarks.capacity`: what one execution costs in a cluster, for docs/capacity.md.

Starts a web process, a worker, PostgreSQL and Redis, as tests/e2e/test_cluster.py does, and lets a few learners run the
programs of a lesson. Prints, for each run, the commands and bytes of Redis and the bytes of PostgreSQL, and, in
quantiles, the CPU and wall time of the programs.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import redis

from benchmarks.crowd import BURSTS
from benchmarks.soak.programs import honest
from executions.cluster.board import Board, connect
from tests.servers import PostgreSQL, Redis
from tests.service import Service
from tests.waiting import eventually
from tests.worker import Worker

CLIENTS = 2
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
IDLE_SECONDS = 10
SIZES = (
    "SELECT 'rows and TOAST', pg_table_size('executions_execution') UNION ALL"
    " SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes"
    " WHERE relname = 'executions_execution' UNION ALL"
    " SELECT 'flags', pg_total_relation_size('executions_executionflag') UNION ALL"
    " SELECT 'use by day', pg_total_relation_size('apikeys_dailyuse') ORDER BY 2 DESC"
)
TIMES = (
    "SELECT total_cpu_seconds, execution_time, waited_seconds, octet_length(code), octet_length(output)"
    " FROM executions_execution WHERE total_cpu_seconds IS NOT NULL"
)
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    runs: int = parser.parse_args().runs
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server, database = stack.enter_context(Redis()), stack.enter_context(PostgreSQL())
        urls = {"REDIS_URL": server.url, "DATABASE_URL": database.url, "SANDBOX_SCIENCE_POOL_SIZE": "1"}
        web = Service(directory, EXECUTOR="celery", DOCKER_HOST="unix:///nowhere", **urls)
        engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        stack.enter_context(Worker(web, directory / "worker", DOCKER_HOST=engine))
        stack.enter_context(web)
        board = Board(connect(server.url))
        assert eventually(lambda: any(state.is_serving for state in board.workers()), 90)
        time.sleep(1)
        client = server.client()
        before = counts(client)
        time.sleep(IDLE_SECONDS)
        idle = {name: value / IDLE_SECONDS for name, value in difference(counts(client), before).items()}
        begun, wal = time.monotonic(), cast(Any, database.sql(WAL)[0][0])
        before = counts(client)
        _run_lesson(web, runs)
        seconds = time.monotonic() - begun
        each = {
            name: (value - idle.get(name, 0) * seconds) / runs
            for name, value in difference(counts(client), before).items()
        }
        print_counts("Redis, idle, a second", idle)
        print_counts("Redis, a run", each)
        wal_bytes = float(cast(Any, database.sql(WAL)[0][0]) - wal) / runs
        print(f"\nPostgreSQL, bytes a run\n  {'write-ahead log':40}{wal_bytes:10.0f}")
        for name, size in database.sql(SIZES):
            print(f"  {name!s:40}{float(cast(Any, size)) / runs:10.0f}")
        print_quantiles(database)
        print("\nCPU seconds in the container (median of five)")
        for name, (_, code, fields) in BURSTS.items():
            for _ in range(5):
                web.execute(code, timeout=10, learner=name, **fields)
            found = database.sql(f"{TIMES} AND learner = '{name}' ORDER BY total_cpu_seconds")
            print(f"  {name:40}{found[len(found) // 2][0]:10.3f}")
    return 0


def counts(client: "redis.Redis") -> dict[str, float]:
    """Return how many of each command Redis has had, and the bytes that came and went."""
    commands = cast(dict[str, dict[str, Any]], client.info("commandstats"))
    stats = cast(dict[str, float], client.info("stats"))
    found = {name.removeprefix("cmdstat_"): float(each["calls"]) for name, each in commands.items()}
    traffic = {f"bytes {way}": float(stats[f"total_net_{way}_bytes"]) for way in ("input", "output")}
    return found | traffic


def difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """Return by how much each count has grown."""
    return {name: value - before.get(name, 0) for name, value in after.items()}


def print_counts(title: str, found: dict[str, float]) -> None:
    """Print the counts that are not nearly zero, and the number of all commands."""
    commands = sum(value for name, value in found.items() if not name.startswith("bytes"))
    print(f"\n{title}\n  {'all commands':40}{commands:10.1f}")
    for name, value in sorted(found.items(), key=lambda item: -item[1]):
        if value >= 0.05:
            print(f"  {name:40}{value:10.1f}")


def print_quantiles(database: PostgreSQL) -> None:
    """Print quantiles of the times and sizes on record."""
    rows = database.sql(TIMES)
    print(f"\n{'quantiles':20}" + "".join(f"{share:10}" for share in QUANTILES))
    for column, name in enumerate(("CPU seconds", "wall seconds", "waited seconds", "bytes of code", "of output")):
        values = sorted(float(cast(Any, row[column])) for row in rows)
        picked = (values[min(len(values) - 1, int(share * len(values)))] for share in QUANTILES)
        print(f"{name:20}" + "".join(f"{value:10.4g}" for value in picked))


def _run_lesson(web: Service, runs: int) -> None:
    """Run typical programs of learners, few at once."""

    def learn(number: int) -> None:
        dice = random.Random(number)
        for _ in range(runs // CLIENTS):
            program = honest(dice)
            web.execute(learner=f"pupil-{dice.randrange(300)}", **program.body)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(learn, range(CLIENTS)))


if __name__ == "__main__":
    sys.exit(main())
