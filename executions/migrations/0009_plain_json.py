from django.db import migrations, models

from executions.models import PlainJSON


class Migration(migrations.Migration):
    """Changes nothing in a database: SQLite would remake the table, and lose the triggers of the search."""

    dependencies = [("executions", "0008_cancelled")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("execution", name, models.JSONField(null=True, encoder=PlainJSON))
                for name in ("error_detail", "test_cases", "test_results")
            ]
        )
    ]
