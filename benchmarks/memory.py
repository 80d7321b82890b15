"""What the service holds in memory: its waiting containers, and its own process over many executions."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import docker

from benchmarks.services import StockedService
from benchmarks.ways import NotServed, OverHTTP
from executions.owner import Owner
from executions.sandbox.engine.options import LABEL, OWNER_LABEL

EXECUTIONS = 10_000
SAMPLE_EVERY = 500
CLIENTS = 8
MOST_SECONDS = 75
LOADING_SECONDS = 2


def measure_waiting(service: StockedService) -> dict[str, float]:
    """Return the memory that a waiting container of each profile is charged, in MB."""
    service.settle()
    time.sleep(LOADING_SECONDS)  # until waiting containers have loaded all their modules
    megabytes: dict[str, float] = {}
    for container in docker.from_env().containers.list(filters={"label": LABEL}, ignore_removed=True):
        owner = Owner.parse(container.labels[OWNER_LABEL])
        if owner is not None and owner.pid == service.worker_pid():
            stats = cast("dict[str, Any]", container.stats(stream=False))
            megabytes[container.attrs["Config"]["Cmd"][0]] = stats["memory_stats"]["usage"] / 1e6
    return dict(sorted(megabytes.items()))


def measure_growth(service: StockedService) -> list[tuple[int, int]]:
    """Return the resident memory of the service in kB after each SAMPLE_EVERY executions.

    There are EXECUTIONS of them, or as many as end within MOST_SECONDS.
    """
    samples = [(0, _resident_kb(service.worker_pid()))]
    lock = threading.Lock()
    run = OverHTTP(service)
    count = 0
    end = time.monotonic() + MOST_SECONDS

    def repeat(_: int) -> None:
        nonlocal count
        while count < EXECUTIONS and time.monotonic() < end:
            try:
                run()
            except NotServed:
                continue
            with lock:
                count += 1
                if count % SAMPLE_EVERY == 0:
                    samples.append((count, _resident_kb(service.worker_pid())))

    with ThreadPoolExecutor(CLIENTS) as executor:
        list(executor.map(repeat, range(CLIENTS)))
    return samples


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
