"""The group of staff who see exercises, without the names of learners. Those who review executions see them too."""

from importlib import import_module
from typing import Any

from django.db import migrations

GROUPS = {"Teachers": ("executions.view_attempt",), "Abuse reviewers": ("executions.view_attempt",)}


def create_group(apps: Any, schema_editor: Any) -> None:
    """Create the group, and extend the other one."""
    import_module("staff.migrations.0001_groups").grant(apps, schema_editor, GROUPS)


def delete_group(apps: Any, schema_editor: Any) -> None:
    """Undo `create_group`."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name="Teachers").delete()
    for group in groups.filter(name="Abuse reviewers"):
        group.permissions.remove(*group.permissions.filter(codename="view_attempt"))


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_groups"), ("executions", "0006_exercises")]
    operations = [migrations.RunPython(create_group, delete_group)]
