from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0006_staff_index")]

    operations = [
        migrations.AddField(model_name="execution", name="error_detail", field=models.JSONField(null=True)),
    ]
