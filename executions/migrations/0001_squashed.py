from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The full-text index: docs/decisions/0009-search.md.
TEXT = (
    "substr({row}.code, 1, 20000) || ' ' || substr({row}.input_data, 1, 20000) || ' ' ||"
    " substr({row}.output, 1, 20000) || ' ' || substr({row}.error, 1, 20000)"
)
ADD = f"INSERT INTO execution_text(rowid, body) VALUES (NEW.id, {TEXT.format(row='NEW')});"  # noqa: S608 (constants)
REMOVE = (
    "INSERT INTO execution_text(execution_text, rowid, body)"  # noqa: S608 (constants)
    f" VALUES ('delete', OLD.id, {TEXT.format(row='OLD')});"
)
SQLITE = (
    "CREATE VIRTUAL TABLE execution_text USING fts5(body, content='', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER execution_text_insert AFTER INSERT ON executions_execution"
    f" WHEN NEW.status <> 'running' BEGIN {ADD} END",
    "CREATE TRIGGER execution_text_end AFTER UPDATE OF status ON executions_execution"
    f" WHEN NOT (OLD.status <> 'running') AND NEW.status <> 'running' BEGIN {ADD} END",
    "CREATE TRIGGER execution_text_change AFTER UPDATE OF code, input_data, output, error ON executions_execution"
    f" WHEN OLD.status <> 'running' AND NEW.status <> 'running' BEGIN {REMOVE} {ADD} END",
    "CREATE TRIGGER execution_text_delete AFTER DELETE ON executions_execution"
    f" WHEN OLD.status <> 'running' BEGIN {REMOVE} END",
)
POSTGRESQL = (
    "CREATE INDEX execution_text ON executions_execution USING gin (to_tsvector('simple', regexp_replace("
    "left(code, 20000) || ' ' || left(input_data, 20000) || ' ' || left(output, 20000) || ' ' || left(error, 20000), "
    r"'[!-/:-@\[-`{-~]+', ' ', 'g'))) WHERE status <> 'running'",
)
STATEMENTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def create_text_index(apps: Any, schema_editor: Any) -> None:
    for statement in STATEMENTS[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


def drop_text_index(apps: Any, schema_editor: Any) -> None:
    """Drop what the tables do not take with them: on SQLite the index is a table of its own."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE execution_text", None)


class Migration(migrations.Migration):
    initial = True

    # The last of the migrations before the first release: a database that has it is up to date, and `migrate` refuses
    # one that has only earlier ones.
    replaces = [("executions", "0010_flags")]

    dependencies = [("apikeys", "0001_squashed"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.UUIDField(editable=False, unique=True, verbose_name="public id")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("success", "Success"),
                            ("error", "Error"),
                            ("timeout", "Timeout"),
                            ("memory_limit", "Memory Limit"),
                            ("output_limit", "Output Limit"),
                            ("cancelled", "cancelled (the client disconnected)"),
                            ("refused", "refused (nothing ran)"),
                            ("internal_error", "Internal Error"),
                        ],
                        default="running",
                        max_length=14,
                    ),
                ),
                ("code", models.TextField()),
                ("code_hash", models.CharField(editable=False, max_length=64, verbose_name="SHA-256 of the code")),
                ("input_data", models.TextField(blank=True)),
                ("test_cases", models.JSONField(null=True)),
                ("timeout", models.PositiveSmallIntegerField()),
                ("output", models.TextField(blank=True)),
                ("error", models.TextField(blank=True)),
                ("test_results", models.JSONField(null=True)),
                ("exit_code", models.SmallIntegerField(null=True)),
                ("truncated", models.BooleanField(default=False)),
                ("waited_seconds", models.FloatField(null=True)),
                ("execution_time", models.FloatField(null=True)),
                ("cpu_time", models.FloatField(null=True)),
                ("total_cpu_seconds", models.FloatField(null=True, verbose_name="CPU seconds, test cases included")),
                ("memory_peak_kb", models.PositiveBigIntegerField(null=True)),
                ("learner", models.CharField(blank=True, max_length=128)),
                ("origin", models.CharField(blank=True, max_length=255)),
                ("client_address", models.GenericIPAddressField(null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("finished", models.DateTimeField(null=True)),
                (
                    "key",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="executions",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "repeats",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="repeated_by",
                        to="executions.execution",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("error_detail", models.JSONField(null=True)),
            ],
            options={
                "ordering": ("-id",),
                "permissions": (("rerun_execution", "Can run a program again"),),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["created", "status", "waited_seconds", "execution_time", "id"], name="execution_figures"
                    ),
                    models.Index(fields=["status", "-id"], name="execution_status"),
                    models.Index(fields=["key", "-id"], name="execution_key"),
                    models.Index(fields=["learner", "-id"], name="execution_learner"),
                    models.Index(fields=["client_address", "-id"], name="execution_address"),
                    models.Index(fields=["code_hash", "-id"], name="execution_code_hash"),
                    models.Index(condition=models.Q(("staff__isnull", False)), fields=["-id"], name="execution_staff"),
                    models.Index(condition=models.Q(("status", "running")), fields=["key"], name="execution_running"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExecutionFlag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("repeated_timeouts", "repeated timeouts"),
                            ("memory_kill", "memory kill"),
                            ("output_flood", "Output Flood"),
                            ("fork_storm", "Fork Storm"),
                            ("network_attempt", "Network Attempt"),
                            ("forbidden_call", "forbidden system call"),
                            ("shared_code", "same code from many addresses"),
                            ("cpu_budget", "high CPU use by one learner"),
                        ],
                        max_length=17,
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="executions.execution"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["kind", "-execution"], name="execution_flag_kind")],
                "constraints": [models.UniqueConstraint(fields=("execution", "kind"), name="execution_flag_once")],
            },
        ),
        migrations.RunPython(create_text_index, drop_text_index),
    ]
