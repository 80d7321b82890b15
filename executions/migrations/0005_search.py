from django.db import migrations

from executions.records.search import create_index, drop_index


class Migration(migrations.Migration):
    """Whatever remakes the table on SQLite later loses the triggers, and has to make them again."""

    dependencies = [("executions", "0004_figures_index")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: create_index(schema_editor),
            lambda apps, schema_editor: drop_index(schema_editor),
        )
    ]
