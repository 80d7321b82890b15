"""Reports errors of the service to Sentry: imported if SENTRY_DSN is set."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.types import Event, Hint
from structlog.contextvars import get_contextvars

OURS = ("apikeys", "audit", "codeexec", "executions", "playground", "staff", "web")
KEPT = ("event_id", "timestamp", "platform", "level", "logger", "transaction")
KEPT_OF_A_FRAME = ("filename", "function", "lineno", "module", "in_app")
IDS = ("request_id", "execution_id")


def report_faults(dsn: str) -> None:
    """Send logged errors and unhandled exceptions to `dsn`."""
    ignore_logger("django_structlog.middlewares.request")  # it logs every response with a status of 500 or more
    sentry_sdk.init(
        dsn=dsn,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None), DjangoIntegration()],
        before_send=strip,
        max_breadcrumbs=0,
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=False,
        auto_session_tracking=False,
        send_client_reports=False,
    )


def strip(event: Event, hint: Hint) -> Event:
    """Return an event with what is needed to find an error, and nothing that a learner or a client sent.

    This lists what may be sent, not what must be removed: messages of database exceptions contain rows, and future
    exceptions may contain anything.
    """
    stripped: dict[str, Any] = {name: event[name] for name in KEPT if name in event}  # type: ignore[literal-required]
    if event.get("logger", "").partition(".")[0] in OURS:
        stripped["logentry"] = {"message": event.get("logentry", {}).get("message", "")}  # before its arguments
    stripped["exception"] = {
        "values": [_strip_exception(each) for each in event.get("exception", {}).get("values", [])]
    }
    ids = get_contextvars()
    stripped["tags"] = {name: ids[name] for name in IDS if name in ids}
    return stripped  # type: ignore[return-value]


def _strip_exception(exception: dict[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    kept = [{name: frame[name] for name in KEPT_OF_A_FRAME if name in frame} for frame in frames]
    return {"type": exception.get("type"), "module": exception.get("module"), "stacktrace": {"frames": kept}}
