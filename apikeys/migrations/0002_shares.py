from typing import Any

from django.db import migrations, models

BEFORE = {
    "rate": "60/m",
    "learner_rate": "30/m",
    "max_concurrent": 24,
    "executions_per_day": 20_000,
    "cpu_seconds_per_day": 10_800,
}
NOW = {
    "rate": "12000/m",
    "address_rate": "6000/m",
    "learner_rate": "60/m",
    "max_concurrent": 256,
    "executions_per_day": 100_000,
    "cpu_seconds_per_day": 43_200,
}
"""The default limits of a key before and after this migration."""


def set_address_rates(apps: Any, schema_editor: Any) -> None:
    """Give each key the rate that its addresses had; keys whose limits nobody had changed get today's defaults."""
    keys = apps.get_model("apikeys", "ApiKey").objects.using(schema_editor.connection.alias)
    keys.update(address_rate=models.F("learner_rate"))
    keys.filter(**BEFORE).update(**NOW)


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0001_squashed")]

    operations = [
        migrations.AddField(
            "apikey",
            "address_rate",
            models.CharField(
                blank=True,
                default="",
                help_text=(
                    "Requests of each address whose learners are not verified: perhaps a class. Empty: no limit."
                ),
                max_length=20,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "apikey",
            "learner_rate",
            models.CharField(blank=True, help_text="Requests of each learner. Empty: no limit.", max_length=20),
        ),
        migrations.AddField("dailyuse", "recent_cpu_seconds", models.FloatField(null=True)),
        migrations.AddField("dailyuse", "recent_window", models.IntegerField(null=True)),
        migrations.RunPython(set_address_rates, migrations.RunPython.noop),
    ]
