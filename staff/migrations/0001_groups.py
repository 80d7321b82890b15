"""The two groups of staff besides superusers, and the permissions of each."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

SUSPEND = ("apikeys.view_suspension", "apikeys.add_suspension", "apikeys.change_suspension")
GROUPS = {
    "Key managers": (
        "apikeys.view_apikey",
        "apikeys.add_apikey",
        "apikeys.change_apikey",
        "apikeys.rotate_apikey",
        "apikeys.revoke_apikey",
        "apikeys.view_dailyuse",
        *SUSPEND,
    ),
    "Abuse reviewers": (
        "executions.view_execution",
        "executions.rerun_execution",
        "executions.view_executionflag",
        "apikeys.view_apikey",
        "apikeys.view_dailyuse",
        *SUSPEND,
    ),
}


def create_groups(apps: Any, schema_editor: Any) -> None:
    """Create the groups. An existing group of that name keeps its members and gets the missing permissions."""
    grant(apps, schema_editor, GROUPS)


def grant(apps: Any, schema_editor: Any, allowed_to: Mapping[str, Iterable[str]]) -> None:
    """Give groups their permissions. A group that does not exist is created."""
    using = schema_editor.connection.alias
    for label in ("apikeys", "executions"):
        app = apps.get_app_config(label)
        # Django creates permissions only after all migrations, and skips an app without a models module, as here.
        app.models_module = getattr(app, "models_module", True)
        create_permissions(app, apps=apps, verbosity=0, using=using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, allowed in allowed_to.items():
        group, _ = groups.get_or_create(name=name)
        for each in allowed:
            label, codename = each.split(".")
            group.permissions.add(permissions.get(content_type__app_label=label, codename=codename))


def delete_groups(apps: Any, schema_editor: Any) -> None:
    """Undo `create_groups`."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("apikeys", "0001_squashed"),
        ("executions", "0001_squashed"),
    ]
    operations = [migrations.RunPython(create_groups, delete_groups)]
