"""What a serving process does once, when it begins and when it ends."""

import atexit
import gc

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apikeys.environment import sync_environment_key
from codeexec.sentry import report_faults
from executions.records.late_records import late_records
from executions.records.recovery import recover_interrupted
from executions.records.retention import Retention
from executions.running.executor import close_executor, start_executor

DRAIN_SECONDS = 15
LAST_RECORDS_SECONDS = 3


def start_service() -> None:
    """Prepare, and begin to fill the pool. Returns before anything can be run."""
    report_faults(settings.SENTRY_DSN)
    prepare()
    connection.close()  # this thread serves no request
    late_records.start()
    atexit.register(late_records.close, LAST_RECORDS_SECONDS)  # after the executor, whose last results it may hold
    start_executor()
    if settings.EXECUTION_RETENTION_DAYS:
        retention = Retention(settings.EXECUTION_RETENTION_DAYS)
        retention.start()
        atexit.register(retention.close)
    gc.collect()
    gc.freeze()  # what is loaded by now stays: no collection need look through it while a learner waits
    atexit.register(close_executor, DRAIN_SECONDS)


def prepare() -> None:
    """Make the key of the environment known and settle what a crash left.

    Raises SystemCheckError when the settings do not go together.
    """
    call_command("check", verbosity=0)
    sync_environment_key(settings.API_KEY, settings.ALLOWED_ORIGINS)
    recover_interrupted()
