"""`GET /metrics`: how we do, for Prometheus. To all but those whom the settings name it is not there."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apikeys.client_address import client_address
from codeexec.admin_gate import is_allowed
from codeexec.counters import REGISTRY
from codeexec.errors import not_found
from executions.executor import get_executor
from executions.sandbox.counts import Event, counts

EVENTS = {
    Event.REFILL: "Containers that were started for the pool.",
    Event.FAILED_REFILL: "Containers that could not be started.",
    Event.ENGINE_ERROR: "Calls to the Docker Engine that failed.",
    Event.ORPHAN: "Containers removed whose service was gone.",
    Event.STRAY: "Containers removed that did not end by themselves when they were let go.",
    Event.ENDED_WARM: "Containers that ended while they waited for a program.",
}


class SandboxCollector(Collector):
    """Reads the state of the sandbox when it is asked for. No request to run a program pays for it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the state and the counts."""
        state = get_executor().health()
        yield GaugeMetricFamily("codeexec_ready", "1 while programs can be run.", value=state.ready)
        yield GaugeMetricFamily("codeexec_pool_idle", "Containers that wait for a program.", value=state.idle)
        yield GaugeMetricFamily("codeexec_pool_in_use", "Containers that a program runs in.", value=state.in_use)
        yield GaugeMetricFamily("codeexec_pool_waiting", "Requests that wait for a container.", value=state.waiting)
        for event, number in counts().items():
            yield CounterMetricFamily(f"codeexec_{event}", EVENTS[event], value=number)


REGISTRY.register(SandboxCollector())
ProcessCollector(registry=REGISTRY)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics."""
    if not may_read(request):
        return not_found(request)
    return HttpResponse(
        generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def may_read(request: HttpRequest) -> bool:
    """Return whether the request brings METRICS_TOKEN or comes from METRICS_ALLOWED_IPS."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode()):
        return True
    return is_allowed(client_address(request), tuple(settings.METRICS_ALLOWED_IPS))
