from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0002_shares")]

    operations = [
        migrations.CreateModel(
            "KeyTraffic",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins", models.DateTimeField(db_index=True)),
                ("key_number", models.PositiveBigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("requests", models.PositiveBigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("key_number", "begins", "reason"), name="key_traffic_once")
                ],
            },
        ),
    ]
