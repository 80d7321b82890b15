"""What a serving process does once, at start and at exit."""

import atexit
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, InterfaceError, connection

from apikeys.environment import sync_environment_key
from apikeys.traffic import WRITE_SECONDS, get_traffic
from codeexec.garbage import begin_collection
from executions.cluster.executor import ClusterExecutor
from executions.configuration import DRAIN_SECONDS
from executions.records import servers
from executions.records.kept import forget_old
from executions.records.retention import Retention
from executions.running.backend import Backend, set_backend
from executions.running.executor import make_executor
from executions.running.heartbeat import Heartbeat
from executions.running.peers import Peers
from executions.threads import Loop
from executions.webhooks.sender import Sender
from executions.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from executions.sandbox.checks.attacks import Probe

LAST_JOBS_SECONDS = 5
"""How long executions in the background may still begin when no request is left."""
LAST_RECORDS_SECONDS = 3
FORGET_SECONDS = 60

log = logging.getLogger(__name__)


def start_service(sender: Sender | None = None, probes: "Sequence[Probe] | None" = None) -> None:
    """Prepare, and let the executor start. Returns before programs can run.

    A `sender` takes the place of the one that sends webhooks to public addresses only. `probes` must pass before
    programs run, by default all of them.
    """
    if settings.SENTRY_DSN:
        from codeexec.sentry import report_faults  # what it imports is of no use otherwise

        report_faults(settings.SENTRY_DSN)
    prepare()
    connection.close()  # this thread serves no requests
    heartbeat = Heartbeat()
    executor = make_executor(lambda: heartbeat.dead_owners, probes)
    backend = Backend(executor, heartbeat=heartbeat)
    if isinstance(executor, ClusterExecutor):
        backend.peers = Peers(executor.post, backend.sessions)
        backend.workers = executor.workers
    set_backend(backend)
    heartbeat.start()
    atexit.register(heartbeat.close)
    backend.late_records.start()
    atexit.register(backend.late_records.close, LAST_RECORDS_SECONDS)  # runs after the close of the executor
    traffic = get_traffic()
    Loop("traffic", traffic.write_and_disconnect, WRITE_SECONDS).start()
    atexit.register(traffic.write_and_disconnect)
    executor.start()
    backend.jobs.start()
    webhooks = Webhooks((sender or Sender()).post, backend.late_records)
    webhooks.start()
    Loop("kept", forget_kept, FORGET_SECONDS).start()
    if settings.EXECUTION_RETENTION_DAYS:
        retention = Retention(settings.EXECUTION_RETENTION_DAYS)
        retention.start()
        atexit.register(retention.close)
    begin_collection()  # which codeexec/gunicorn.py has put off
    atexit.register(backend.jobs.join, LAST_RECORDS_SECONDS)  # of what the close of the executor has waited for
    atexit.register(executor.close, DRAIN_SECONDS)
    atexit.register(backend.jobs.close, LAST_JOBS_SECONDS)
    atexit.register(webhooks.close)  # runs first: what is under way has the time that programs have to end


def forget_kept() -> None:
    """Delete what was kept of answers long enough. If the database is down, a later call does."""
    try:
        forget_old()
    except (DatabaseError, InterfaceError) as error:
        log.warning("could not delete what was kept of answers: %s", error)
    finally:
        connection.close()


def prepare() -> None:
    """Check the settings, sync the key of the environment, and be on record as alive before anything runs.

    Raises SystemCheckError if settings conflict.
    """
    _check_settings()
    sync_environment_key(settings.API_KEY, settings.ALLOWED_ORIGINS)
    servers.forget_dead()
    servers.renew()


def _check_settings() -> None:
    """Log the warnings of the system checks. The command `check` would print them in a format of its own."""
    found = run_checks()
    if wrong := [str(message) for message in found if message.is_serious()]:
        raise SystemCheckError("\n".join(wrong))
    for message in found:
        log.warning("%s", message)
