"""`GET /metrics` for Prometheus: 404 unless the settings allow the client."""

import hmac
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, GC_COLLECTOR, PLATFORM_COLLECTOR, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from executions.cluster.workers import MOST_SHOWN, SeenWorker, load
from executions.running.backend import get_backend
from executions.webhooks.webhooks import ATTEMPTS, RESULTS
from web.connection import client_address, is_in_networks
from web.errors import REFUSALS, not_found

REASONS = (
    "unavailable",
    "invalid_key",
    "rate_limited",
    "learner_rate_limited",
    "concurrency_limited",
    "interactive_limited",
    "executions_used_up",
    "cpu_used_up",
)
"""The refusals that docs/monitoring/alerts.yaml asks for: a rate needs the 0 before the first of them."""

CGROUPS = Path("/sys/fs/cgroup")
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")
"""Of cgroup v2, and of the memory controller of v1."""


def memory_limit_bytes(own_cgroups: str, root: Path = CGROUPS) -> int:
    """Return the lowest memory limit of the cgroups that a process is in and of those above, or the machine's memory.

    `own_cgroups` is what /proc/self/cgroup says (cgroups(7)). In a container its paths may be those of the host; then
    `root` is the container's own cgroup.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for line in own_cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        hierarchy = root / "memory" if controllers == "memory" else root
        cgroup = hierarchy / path.lstrip("/")
        for file in (each / name for each in (cgroup, *cgroup.parents) for name in LIMIT_FILES):
            if file.is_relative_to(hierarchy) and file.exists() and (limit := file.read_text().strip()) != "max":
                limits.append(int(limit))
    return min(limits)


OF_EACH_WORKER: dict[str, tuple[str, Callable[[SeenWorker], float]]] = {
    "ready": ("1 while the worker can run programs and is not about to end.", lambda each: each.state.is_serving),
    "slots": ("Programs that the worker runs at once while its processors are busy.", lambda each: each.state.slots),
    "in_use": ("Containers of the worker that run a program.", lambda each: each.state.health.in_use),
    "idle": ("Containers of the worker that wait for a program.", lambda each: each.state.health.idle),
    "waiting": ("Submissions in the worker's line.", lambda each: each.state.health.waiting),
    "silent_seconds": ("The time since the worker said all this.", lambda each: each.silent_seconds),
}


class SandboxCollector(Collector):
    """Reads the state of the sandbox at each scrape, so that no execution pays for it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        backend = get_backend()
        state = backend.health()
        yield GaugeMetricFamily("codeexec_ready", "1 while the service can run programs.", value=state.ready)
        yield GaugeMetricFamily("codeexec_pool_idle", "Containers waiting for a program.", value=state.idle)
        yield GaugeMetricFamily("codeexec_pool_in_use", "Containers running a program.", value=state.in_use)
        yield GaugeMetricFamily("codeexec_pool_waiting", "Requests waiting for a container.", value=state.waiting)
        waiting = len(backend.jobs)
        yield GaugeMetricFamily("codeexec_background_waiting", "Accepted executions that wait.", value=waiting)
        limit = memory_limit_bytes(Path("/proc/self/cgroup").read_text())
        yield GaugeMetricFamily("codeexec_memory_limit_bytes", "The memory that the service may use.", value=limit)


class WorkersCollector(Collector):
    """Tells what the workers last said. One that is dead, or of which nothing is known, has no numbers."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; without samples if programs run in this process."""
        find = get_backend().workers
        workers = find() if find else ()
        together = GaugeMetricFamily(
            "codeexec_workers_load", "Programs that run or wait in line, for each slot of the workers that serve."
        )
        if (value := load(workers)) is not None:
            together.add_metric((), value)
        yield together
        for name, (documentation, read) in OF_EACH_WORKER.items():
            gauge = GaugeMetricFamily(f"codeexec_worker_{name}", documentation, labels=("worker", "host"))
            for each in workers[:MOST_SHOWN]:
                gauge.add_metric((each.state.label, each.state.host), read(each))
            yield gauge


for each in REASONS:
    REFUSALS.labels(each)
for each in RESULTS:
    ATTEMPTS.labels(each)
REGISTRY.register(SandboxCollector())
REGISTRY.register(WorkersCollector())
# Metrics of the Python runtime, which do not help to operate the service.
REGISTRY.unregister(GC_COLLECTOR)
REGISTRY.unregister(PLATFORM_COLLECTOR)


def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics."""
    if not may_read(request):
        return not_found(request)
    return HttpResponse(
        generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def may_read(request: HttpRequest) -> bool:
    """Return whether the request has METRICS_TOKEN or comes from METRICS_ALLOWED_IPS."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode()):
        return True
    return is_in_networks(client_address(request), tuple(settings.METRICS_ALLOWED_IPS))
