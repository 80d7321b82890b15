"""Reads the audit log."""

from auditlog.models import LogEntry


def events(name: str) -> list[LogEntry]:
    """Return the entries of the events of that name, the oldest first."""
    return [entry for entry in LogEntry.objects.order_by("pk") if (entry.additional_data or {}).get("event") == name]
