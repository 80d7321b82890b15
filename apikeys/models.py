"""Keys: who may call the service, from where and how much, and whom staff have suspended."""

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import connection, models
from django.utils import timezone

from web.client_address import address_block
from web.columns import column_only
from web.origins import check_origin
from web.rates import parse_rate

PLAYGROUND_HASH = "playground"
"""Stands in place of a hash in the key of the playground. No token has it: a SHA-256 is 64 hexadecimal digits."""


def default_rate() -> str:
    """Return the rate of a key for which nobody has chosen another."""
    return settings.DEFAULT_RATE


def default_learner_rate() -> str:
    """Return the rate of each learner under a key for which nobody has chosen another."""
    return settings.DEFAULT_LEARNER_RATE


def default_max_concurrent() -> int:
    """Return how many requests of a key are served at once, unless somebody has chosen another number."""
    return settings.DEFAULT_MAX_CONCURRENT


def default_executions_per_day() -> int:
    """Return how many executions a key has in a day, unless somebody has chosen another number."""
    return settings.DEFAULT_EXECUTIONS_PER_DAY


def default_cpu_seconds_per_day() -> int:
    """Return how many seconds of a CPU a key has in a day, unless somebody has chosen another number."""
    return settings.DEFAULT_CPU_SECONDS_PER_DAY


def validate_origins(origins: Any) -> None:
    """Refuse what is not a list of exact origins."""
    if not isinstance(origins, list) or not all(isinstance(origin, str) for origin in origins):
        raise ValidationError("Give a list of origins, such as https://pylearn.net.")
    try:
        for origin in origins:
            check_origin(origin)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_rate(rate: str) -> None:
    """Refuse what django-ratelimit cannot read."""
    try:
        parse_rate(rate)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class ApiKey(models.Model):
    """A caller's key. The token itself is shown once, when the key is made, and not stored."""

    class Kind(models.TextChoices):
        """Where a key lives: in the page, where everybody can read it, or on the site's server."""

        PUBLISHABLE = "publishable"
        SECRET = "secret"  # noqa: S105 (a word, not a password)

    name = models.CharField(max_length=100)
    owner = models.CharField(max_length=100, blank=True, help_text="Who to ask about this key.")
    notes = models.TextField(blank=True)
    kind = models.CharField(max_length=11, choices=Kind)
    prefix = models.CharField(max_length=20, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    origins = column_only(
        models.JSONField(
            default=list, blank=True, validators=[validate_origins], help_text='For example ["https://pylearn.net"].'
        )
    )

    rate = column_only(
        models.CharField(
            max_length=20, default=default_rate, validators=[validate_rate], help_text="Requests, for example 60/m."
        )
    )
    learner_rate = column_only(
        models.CharField(
            max_length=20,
            default=default_learner_rate,
            blank=True,
            validators=[validate_rate],
            help_text="Requests of each learner, or of each address if the learner is not verified. Empty: no limit.",
        )
    )
    max_concurrent = column_only(
        models.PositiveSmallIntegerField(
            "concurrent executions", default=default_max_concurrent, validators=[MinValueValidator(1)]
        )
    )
    executions_per_day = column_only(
        models.PositiveIntegerField(
            default=default_executions_per_day, validators=[MinValueValidator(1)], help_text="Days are in UTC."
        )
    )
    cpu_seconds_per_day = column_only(
        models.PositiveIntegerField(
            "CPU seconds per day", default=default_cpu_seconds_per_day, validators=[MinValueValidator(1)]
        )
    )

    is_active = models.BooleanField("active", default=True)
    is_from_environment = models.BooleanField("from API_KEY", default=False, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    # A key and those that it was rotated into are one family: what they use is counted together.
    family = models.UUIDField(default=uuid.uuid4, editable=False, db_index=True)
    replaced_by = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="replaces")

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("name",)
        permissions = (("rotate_apikey", "Can rotate API keys"), ("revoke_apikey", "Can revoke API keys"))

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        """Refuse a key that would work from nowhere."""
        if self.kind == self.Kind.PUBLISHABLE and not self.origins:
            raise ValidationError({"origins": "A publishable key works only from its origins: give at least one."})

    @property
    def is_playground(self) -> bool:
        """Whether this is the key of our own page (`playground.access`), which has no token."""
        return self.token_hash == PLAYGROUND_HASH

    def is_usable(self) -> bool:
        """Return whether the key is neither revoked nor expired. It may be suspended (`apikeys.admission`)."""
        return self.is_active and (self.expires is None or self.expires > timezone.now())

    def family_in_sql(self) -> Any:
        """Return the family as a parameter of SQL of our own."""
        column: Any = self._meta.get_field("family")
        return column.get_db_prep_value(self.family, connection)

    def allows_origin(self, origin: str | None) -> bool:
        """Return whether a request with this `Origin` header may use the key.

        A publishable key needs one of its own origins: anybody can read the key in the page, and a browser cannot
        lie about the origin. A secret key is sent by a server, which has no origin; one that comes must be allowed.
        """
        if origin is None:
            return self.kind == self.Kind.SECRET
        return origin in self.origins


class DailyUse(models.Model):
    """What a family of keys has used on one day of UTC: as a whole, and for each learner or address.

    Rows are made and counted up by `apikeys.quotas` alone, in the transaction that records an execution's end.
    """

    family = models.UUIDField()
    day = models.DateField()
    # "" for the whole family, else "learner:…" or "address:…"
    who = models.CharField(max_length=140, blank=True)
    executions = models.PositiveIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["family", "day", "who"], name="daily_use_once"),)
        # It holds all that the dashboard asks for, so that no rows are read.
        indexes = (
            models.Index(fields=["day", "who", "family", "executions", "cpu_seconds"], name="daily_use_figures"),
        )
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.who or 'all'} on {self.day}"


class Suspension(models.Model):
    """Whom staff have shut out: a learner of a family of keys, an address, or a key with its family.

    It is lifted, never deleted: its reason belongs to the record.
    """

    # The key that the learner came with; alone, what is suspended.
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, blank=True, related_name="suspensions")
    learner = models.CharField(max_length=128, blank=True)
    # An IPv6 address stands for the whole /64 that one household or machine has.
    address = models.GenericIPAddressField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    begins = models.DateTimeField(auto_now_add=True)
    ends = models.DateTimeField(null=True, blank=True, help_text="Leave empty to suspend until lifted.")
    lifted = models.DateTimeField(null=True, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False)

    class Meta:
        ordering = ("-begins",)
        indexes = (
            models.Index(fields=["address"], name="suspension_address"),
            models.Index(fields=["learner"], name="suspension_learner"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(learner="", address=None, key__isnull=False)
                | (models.Q(address=None, key__isnull=False) & ~models.Q(learner=""))
                | models.Q(learner="", address__isnull=False, key=None),
                name="suspension_of_one",
            ),
        )
        default_permissions = ("add", "change", "view")

    def __str__(self) -> str:
        # In the audit log, too, out of which nobody could take a learner's id again.
        return (
            f"a learner of {self.key}" if self.learner else f"address {self.address}" if self.address else str(self.key)
        )

    def clean(self) -> None:
        """Refuse what suspends nobody, or several at once."""
        if self.address and (self.key or self.learner):
            raise ValidationError("An address is suspended by itself, for all keys.")
        if not self.address and not self.key:
            raise ValidationError("Name a learner with a key, a key alone, or an address alone.")
        # A form leaves "" where there is none.
        self.address = address_block(self.address) if self.address else None


def active_suspensions() -> models.QuerySet[Suspension]:
    """Return the suspensions that hold now."""
    now = timezone.now()
    return Suspension.objects.filter(models.Q(ends=None) | models.Q(ends__gt=now), lifted=None)


def usable_keys() -> models.QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor expired nor suspended."""
    lasting = models.Q(expires=None) | models.Q(expires__gt=timezone.now())
    suspended = active_suspensions().filter(learner="", key__family=models.OuterRef("family"))
    return ApiKey.objects.filter(lasting, ~models.Exists(suspended), is_active=True)
