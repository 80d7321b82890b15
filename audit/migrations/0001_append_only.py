from django.db import migrations

from audit.append_only import create_triggers, drop_triggers


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auditlog", "0017_add_actor_email")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: create_triggers(schema_editor),
            lambda apps, schema_editor: drop_triggers(schema_editor),
        )
    ]
