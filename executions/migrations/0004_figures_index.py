from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0003_signals")]

    operations = [
        migrations.RemoveIndex(model_name="execution", name="execution_created"),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                fields=["created", "status", "waited_seconds", "execution_time", "id"], name="execution_figures"
            ),
        ),
    ]
