"""`GET /metrics` for Prometheus: 404 unless the settings allow the client."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, GC_COLLECTOR, PLATFORM_COLLECTOR, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from executions.running.backend import get_backend
from web.connection import client_address, is_in_networks
from web.errors import not_found


class SandboxCollector(Collector):
    """Reads the state of the sandbox at each scrape, so that no execution pays for it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        state = get_backend().health()
        yield GaugeMetricFamily("codeexec_ready", "1 while the service can run programs.", value=state.ready)
        yield GaugeMetricFamily("codeexec_pool_idle", "Containers waiting for a program.", value=state.idle)
        yield GaugeMetricFamily("codeexec_pool_in_use", "Containers running a program.", value=state.in_use)
        yield GaugeMetricFamily("codeexec_pool_waiting", "Requests waiting for a container.", value=state.waiting)


REGISTRY.register(SandboxCollector())
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
