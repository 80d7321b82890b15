"""What is counted for Prometheus (codeexec/metrics.py). Adding to a number is all that a request pays for it."""

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()

WAITING_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RUNNING_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10)

EXECUTIONS = Counter(
    "codeexec_executions",
    "Executions by how they ended: the statuses of the API, refused (no container came) and internal_error (lost).",
    ["status"],
    registry=REGISTRY,
)
WAITING = Histogram(
    "codeexec_waiting_seconds",
    "How long executions that ran had waited for a container.",
    buckets=WAITING_BUCKETS,
    registry=REGISTRY,
)
RUNNING = Histogram(
    "codeexec_running_seconds",
    "How long executions ran, test cases included.",
    buckets=RUNNING_BUCKETS,
    registry=REGISTRY,
)
REFUSALS = Counter(
    "codeexec_refusals",
    "Requests to the API that were answered with an error, by the code in its body.",
    ["reason"],
    registry=REGISTRY,
)
