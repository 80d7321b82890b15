import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    # The last of the migrations before the first release: a database that has it is up to date, and `migrate` refuses
    # one that has only earlier ones.
    replaces = [("apikeys", "0004_daily_use_figures")]

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(choices=[("publishable", "Publishable"), ("secret", "Secret")], max_length=11),
                ),
                ("prefix", models.CharField(editable=False, max_length=20)),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("origins", models.JSONField(blank=True, help_text='For example ["https://pylearn.net"].')),
                ("rate", models.CharField(help_text="Requests, for example 60/m.", max_length=20)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "is_from_environment",
                    models.BooleanField(default=False, editable=False, verbose_name="from API_KEY"),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField(blank=True, null=True)),
                ("cpu_seconds_per_day", models.PositiveIntegerField(verbose_name="CPU seconds per day")),
                ("executions_per_day", models.PositiveIntegerField(help_text="Days are in UTC.")),
                ("family", models.UUIDField(db_index=True, default=uuid.uuid4, editable=False)),
                ("last_used", models.DateTimeField(editable=False, null=True)),
                (
                    "learner_rate",
                    models.CharField(
                        blank=True,
                        help_text=(
                            "Requests of each learner, or of each address if the learner is not verified."
                            " Empty: no limit."
                        ),
                        max_length=20,
                    ),
                ),
                ("max_concurrent", models.PositiveSmallIntegerField(verbose_name="concurrent executions")),
                ("notes", models.TextField(blank=True)),
                ("owner", models.CharField(blank=True, help_text="Who to ask about this key.", max_length=100)),
                (
                    "replaced_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaces",
                        to="apikeys.apikey",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "permissions": (("rotate_apikey", "Can rotate API keys"), ("revoke_apikey", "Can revoke API keys")),
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
            },
        ),
        migrations.CreateModel(
            name="DailyUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("family", models.UUIDField()),
                ("day", models.DateField()),
                ("who", models.CharField(blank=True, max_length=140)),
                ("executions", models.PositiveIntegerField(default=0)),
                ("cpu_seconds", models.FloatField(default=0)),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["day", "who", "family", "executions", "cpu_seconds"], name="daily_use_figures")
                ],
                "constraints": [models.UniqueConstraint(fields=("family", "day", "who"), name="daily_use_once")],
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("learner", models.CharField(blank=True, max_length=128)),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                ("reason", models.CharField(max_length=500)),
                ("begins", models.DateTimeField(auto_now_add=True)),
                (
                    "ends",
                    models.DateTimeField(blank=True, help_text="Leave empty to suspend until lifted.", null=True),
                ),
                ("lifted", models.DateTimeField(editable=False, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspensions",
                        to="apikeys.apikey",
                    ),
                ),
            ],
            options={
                "ordering": ("-begins",),
                "default_permissions": ("add", "change", "view"),
                "indexes": [
                    models.Index(fields=["address"], name="suspension_address"),
                    models.Index(fields=["learner"], name="suspension_learner"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("address", None), ("key__isnull", False), ("learner", "")),
                            models.Q(
                                ("address", None), ("key__isnull", False), models.Q(("learner", ""), _negated=True)
                            ),
                            models.Q(("address__isnull", False), ("key", None), ("learner", "")),
                            _connector="OR",
                        ),
                        name="suspension_of_one",
                    )
                ],
            },
        ),
    ]
