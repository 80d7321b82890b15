"""The two groups of staff beside superusers, with what each may do."""

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
    """Create the groups. One of the same name, with its members, gets what it lacks."""
    using = schema_editor.connection.alias
    for label in ("apikeys", "executions"):
        app = apps.get_app_config(label)
        # Django creates permissions after all migrations, and passes an app by that has no module, as in a migration.
        app.models_module = getattr(app, "models_module", True)
        create_permissions(app, apps=apps, verbosity=0, using=using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, allowed in GROUPS.items():
        group, _ = groups.get_or_create(name=name)
        for each in allowed:
            label, codename = each.split(".")
            # Whichever name the model has by now: executions.0010 renames it, and the permission of those who have it.
            names = {codename, codename.replace("executionflag", "executionsignal")}
            group.permissions.add(*permissions.filter(content_type__app_label=label, codename__in=names))


def delete_groups(apps: Any, schema_editor: Any) -> None:
    """Undo `create_groups`."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("apikeys", "0003_limits_and_suspensions"),
        ("executions", "0003_signals"),
    ]
    operations = [migrations.RunPython(create_groups, delete_groups)]
