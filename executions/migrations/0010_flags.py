"""What staff look at is called a flag: a signal is what ends a process."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def rename_permission(apps: Any, schema_editor: Any) -> None:
    """Keep who may view them: Django renames the content type, and not its permission."""
    Permission = apps.get_model("auth", "Permission")
    Permission.objects.filter(codename="view_executionsignal").update(
        codename="view_executionflag", name="Can view execution flag"
    )


def restore_permission(apps: Any, schema_editor: Any) -> None:
    Permission = apps.get_model("auth", "Permission")
    Permission.objects.filter(codename="view_executionflag").update(
        codename="view_executionsignal", name="Can view execution signal"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0009_plain_json"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RenameModel("ExecutionSignal", "ExecutionFlag"),
        migrations.AlterField(
            "executionflag",
            "execution",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="executions.execution"
            ),
        ),
        migrations.RenameIndex("executionflag", new_name="execution_flag_kind", old_name="execution_signal_kind"),
        migrations.RemoveConstraint("executionflag", "execution_signal_once"),
        migrations.AddConstraint(
            "executionflag", models.UniqueConstraint(fields=("execution", "kind"), name="execution_flag_once")
        ),
        migrations.RunPython(rename_permission, restore_permission),
    ]
