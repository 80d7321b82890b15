"""The triggers that make the audit log append-only, and the one way through them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "auditlog_logentry"
REFUSAL = "the audit log is append-only"

CREATE = {
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        # INSERT OR REPLACE deletes a row without calling the triggers for it.
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON {TABLE}"  # noqa: S608 (constants)
        f" WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
        f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE} EXECUTE FUNCTION audit_refuse()",
    ),
}
DROP = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", "DROP TRIGGER audit_no_replace"),
    "postgresql": (
        f"DROP TRIGGER audit_no_update ON {TABLE}",
        f"DROP TRIGGER audit_no_delete ON {TABLE}",
        f"DROP TRIGGER audit_no_truncate ON {TABLE}",
        "DROP FUNCTION audit_refuse()",
    ),
}


def create_triggers(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the log append-only. For migrations."""
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


def drop_triggers(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Undo `create_triggers`. For migrations."""
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Open a transaction in which rows may go. Nobody else sees the table without its triggers.

    Both databases change a schema within a transaction: PostgreSQL locks the table until it ends, SQLite the whole
    database, and a transaction that breaks off leaves everything as it was. Why so: docs/decisions/0007-audit-log.md.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in DROP[connection.vendor]:
            cursor.execute(statement)
        yield
        for statement in CREATE[connection.vendor]:
            cursor.execute(statement)
