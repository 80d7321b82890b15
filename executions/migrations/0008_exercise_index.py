"""Not a part of 0006, which locks the table to its end: building the index would keep everybody waiting."""

from typing import Any

from django.db import migrations, models

INDEX = "execution_exercise ON executions_execution (exercise, id DESC) WHERE exercise IS NOT NULL"
IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'executions_execution'::regclass"
IS_UNFINISHED = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('execution_exercise')"


def create_index(apps: Any, schema_editor: Any) -> None:
    """Create the index, on PostgreSQL while others write, unless an earlier form of 0006 has.

    What an attempt that failed has left is built anew. For a partitioned table see docs/partitions.md.
    """
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor != "postgresql" or is_true(cursor, IS_PARTITIONED):
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX}")
            return
        cursor.execute("SELECT current_setting('lock_timeout')")
        [lock_timeout] = cursor.fetchone()
        cursor.execute("SET lock_timeout = 0")  # nobody waits behind it
        if is_true(cursor, IS_UNFINISHED):
            cursor.execute("DROP INDEX CONCURRENTLY execution_exercise")
        cursor.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX}")
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])


def drop_index(apps: Any, schema_editor: Any) -> None:
    """Drop the index again: without it, 0006 can take back the column."""
    schema_editor.execute("DROP INDEX IF EXISTS execution_exercise")


def is_true(cursor: Any, question: str) -> bool:
    """Return whether a query answers with true."""
    cursor.execute(question)
    return bool(cursor.fetchone() == (True,))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("executions", "0007_webhooks"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="execution",
                    index=models.Index(
                        condition=models.Q(("exercise__isnull", False)),
                        fields=["exercise", "-id"],
                        name="execution_exercise",
                    ),
                ),
            ],
            database_operations=[migrations.RunPython(create_index, drop_index)],
        ),
    ]
