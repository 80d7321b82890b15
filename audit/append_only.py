"""The only way to bypass the triggers that make the audit log append-only (audit/migrations/0001_append_only.py)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "auditlog_logentry"


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Lift the triggers for one transaction. No other connection sees the table without them.

    Both databases change a schema within a transaction: PostgreSQL locks the table until it ends, SQLite the whole
    database, and a rollback restores the triggers. The reasons are in docs/decisions/0007-audit-log.md.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
            yield
            cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", (TABLE,))
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, create in triggers:
            cursor.execute(create)
