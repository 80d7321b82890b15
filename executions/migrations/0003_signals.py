import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    # Apart from 0002: PostgreSQL changes no table in the transaction that has filled it.
    dependencies = [("executions", "0002_numbered_executions")]

    operations = [
        migrations.AlterField("NumberedExecution", "created", models.DateTimeField(auto_now_add=True)),
        migrations.DeleteModel(name="Execution"),
        migrations.RenameModel(old_name="NumberedExecution", new_name="Execution"),
        migrations.CreateModel(
            name="ExecutionSignal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("repeated_timeouts", "timeouts in a row"),
                            ("memory_kill", "killed for memory"),
                            ("output_flood", "Output Flood"),
                            ("fork_storm", "Fork Storm"),
                            ("network_attempt", "Network Attempt"),
                            ("forbidden_call", "forbidden system call"),
                            ("shared_code", "same code from many addresses"),
                            ("cpu_budget", "CPU budget burnt by one learner"),
                        ],
                        max_length=17,
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="signals", to="executions.execution"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["created", "status"], name="execution_created"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["status", "-id"], name="execution_status"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["key", "-id"], name="execution_key"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["learner", "-id"], name="execution_learner"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["client_address", "-id"], name="execution_address"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["code_hash", "-id"], name="execution_code_hash"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(condition=models.Q(("status", "running")), fields=["key"], name="execution_running"),
        ),
        migrations.AddIndex(
            model_name="executionsignal",
            index=models.Index(fields=["kind", "-execution"], name="execution_signal_kind"),
        ),
        migrations.AddConstraint(
            model_name="executionsignal",
            constraint=models.UniqueConstraint(fields=("execution", "kind"), name="execution_signal_once"),
        ),
    ]
