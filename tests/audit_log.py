"""Functions that read the audit log and make it fail."""

from contextlib import AbstractContextManager
from typing import Any

from auditlog.models import LogEntry
from django.db import OperationalError, connection


def events(name: str) -> list[LogEntry]:
    """Return the entries of all events with the name, the oldest first."""
    return [entry for entry in LogEntry.objects.order_by("pk") if (entry.additional_data or {}).get("event") == name]


def log_entry_fails(number: int) -> AbstractContextManager[None]:
    """Make the `number`th entry from now on fail, counted from 1."""
    count = 0

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        nonlocal count
        is_entry = sql.startswith('INSERT INTO "auditlog_logentry"')
        count += is_entry
        if is_entry and count == number:
            raise OperationalError("the database is away")
        return run(sql, *arguments)

    return connection.execute_wrapper(execute)
