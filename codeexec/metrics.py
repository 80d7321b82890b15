"""`GET /metrics`: how we do, for Prometheus. To all but those whom the settings name it is not there."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, GC_COLLECTOR, PLATFORM_COLLECTOR, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from executions.running.executor import get_executor
from web.admin_gate import is_allowed
from web.client_address import client_address
from web.errors import not_found


class SandboxCollector(Collector):
    """Reads the state of the sandbox when it is asked for. No request to run a program pays for it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the state and the counts."""
        state = get_executor().health()
        yield GaugeMetricFamily("codeexec_ready", "1 while programs can be run.", value=state.ready)
        yield GaugeMetricFamily("codeexec_pool_idle", "Containers that wait for a program.", value=state.idle)
        yield GaugeMetricFamily("codeexec_pool_in_use", "Containers that a program runs in.", value=state.in_use)
        yield GaugeMetricFamily("codeexec_pool_waiting", "Requests that wait for a container.", value=state.waiting)


REGISTRY.register(SandboxCollector())
# What the client library counts by itself: of no use to whoever watches the service.
REGISTRY.unregister(GC_COLLECTOR)
REGISTRY.unregister(PLATFORM_COLLECTOR)


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
