"""Keys: who may call the service, from where and how often; and suspensions."""

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import connection, models
from django.utils import timezone

from apikeys.defaults import (
    default_address_rate,
    default_cpu_seconds_per_day,
    default_executions_per_day,
    default_learner_rate,
    default_max_concurrent,
    default_rate,
)
from web.columns import column_only
from web.connection import address_block
from web.notation import check_origin, parse_host, parse_rate

LEARNER_CHARACTERS = 128
MOST_WEBHOOK_HOSTS = 20
PLAYGROUND_HASH = "playground"
"""The hash of the playground's key. No token has it: a SHA-256 is 64 hexadecimal digits."""


def validate_origins(origins: Any) -> None:
    """Raise ValidationError unless `origins` is a list of origins."""
    if not isinstance(origins, list) or not all(isinstance(origin, str) for origin in origins):
        raise ValidationError("Enter a list of origins, such as https://pylearn.net.")
    try:
        for origin in origins:
            check_origin(origin)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_webhook_hosts(hosts: Any) -> None:
    """Raise ValidationError unless `hosts` is a list of hosts that webhooks may go to."""
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ValidationError("Enter a list of hosts, such as example.org.")
    if len(hosts) > MOST_WEBHOOK_HOSTS:
        raise ValidationError(f"Enter at most {MOST_WEBHOOK_HOSTS} hosts.")
    try:
        for host in hosts:
            parse_host(host)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_rate(rate: str) -> None:
    """Raise ValidationError unless django-ratelimit can read `rate`."""
    try:
        parse_rate(rate)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class ApiKey(models.Model):
    """A caller's key. Its token is shown once, when the key is created, and not stored."""

    class Kind(models.TextChoices):
        """Where a key is: in a page, where everybody can read it, or on the site's server."""

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
    webhook_hosts = column_only(
        models.JSONField(
            default=list, blank=True, validators=[validate_webhook_hosts], help_text='For example ["example.org"].'
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
            help_text="Requests of each learner. Empty: no limit.",
        )
    )
    address_rate = column_only(
        models.CharField(
            max_length=20,
            default=default_address_rate,
            blank=True,
            validators=[validate_rate],
            help_text="Requests of each address whose learners are not verified: perhaps a class. Empty: no limit.",
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

    # A key and those it was rotated into are one family: their usage is counted together.
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
        """Refuse a publishable key without origins, which would not work anywhere, or with hosts of webhooks."""
        if self.kind == self.Kind.PUBLISHABLE and not self.origins:
            raise ValidationError({"origins": "A publishable key works only from its origins: enter at least one."})
        if self.kind == self.Kind.PUBLISHABLE and self.webhook_hosts:
            raise ValidationError({"webhook_hosts": "Only a secret key runs programs in the background."})

    @property
    def is_playground(self) -> bool:
        """Whether this is the key of our own page (`playground.access`), which has no token."""
        return self.token_hash == PLAYGROUND_HASH

    @property
    def proves_learners(self) -> bool:
        """Whether a learner named with this key is proven, by a server or its token. A page can only claim one."""
        return self.kind == self.Kind.SECRET

    def is_usable(self) -> bool:
        """Return whether the key is neither revoked nor expired. It may be suspended (`apikeys.callers`)."""
        return self.is_active and (self.expires is None or self.expires > timezone.now())

    def family_in_sql(self) -> Any:
        """Return the family as a parameter for raw SQL."""
        column: Any = self._meta.get_field("family")
        return column.get_db_prep_value(self.family, connection)

    def allows_origin(self, origin: str | None) -> bool:
        """Return whether a request with this `Origin` header may use the key.

        A publishable key needs one of its own origins: anybody can read the key in the page, but a browser does not
        lie about the origin. A secret key is sent by a server, without an origin; if there is one, it must be allowed.
        """
        if origin is None:
            return self.kind == self.Kind.SECRET
        return origin in self.origins


class WebhookSecret(models.Model):
    """What signs the webhooks of a family of keys: until it `ends`, besides the one that has replaced it.

    It is stored in plain text, because a signature needs it (docs/decisions/0049-webhooks.md).
    """

    family = models.UUIDField()
    secret = models.CharField(max_length=50)
    created = models.DateTimeField(auto_now_add=True)
    ends = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["family"], condition=models.Q(ends=None), name="webhook_secret_once"),
        )
        indexes = (models.Index(fields=["family"], name="webhook_secret_family"),)
        default_permissions = ()

    def __str__(self) -> str:
        return f"from {self.created}"


class DailyUse(models.Model):
    """What a family of keys has used on one UTC day: in total, and for each learner or address.

    `apikeys.quotas` creates a row when it admits an execution, and counts it up as it records the end.
    `recent_cpu_seconds` are those of the window with the number `recent_window`.
    """

    family = models.UUIDField()
    day = models.DateField()
    # "" for the whole family, else "learner:…" or "address:…"
    who = models.CharField(max_length=140, blank=True)
    executions = models.PositiveIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0)
    recent_window = models.IntegerField(null=True)
    recent_cpu_seconds = models.FloatField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["family", "day", "who"], name="daily_use_once"),)
        # Covers the dashboard's queries, so that they read no rows.
        indexes = (
            models.Index(fields=["day", "who", "family", "executions", "cpu_seconds"], name="daily_use_figures"),
        )
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.who or 'all'} on {self.day}"


class KeyTraffic(models.Model):
    """How many requests with one token were answered or, for one reason, refused in a period (`apikeys.traffic`).

    No row is of one request or caller: however many are refused, there are only as many rows as keys and reasons.
    """

    begins = models.DateTimeField(db_index=True)
    # 0 for all tokens that belong to no key. No foreign key: keys are never deleted.
    key_number = models.PositiveBigIntegerField()
    # The code of the answer; "" for requests that were not refused.
    reason = models.CharField(max_length=40, blank=True)
    requests = models.PositiveBigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["key_number", "begins", "reason"], name="key_traffic_once"),)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.reason or 'answered'}"


class Suspension(models.Model):
    """A learner of a family of keys, an address, or a key with its family, suspended by staff.

    A suspension is lifted, not deleted, because its reason is part of the record; it is erased with its learner.
    """

    # The learner's key; without a learner, the suspended key.
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, blank=True, related_name="suspensions")
    learner = models.CharField(max_length=LEARNER_CHARACTERS, blank=True)
    # For IPv6, the /64 of one household or machine.
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
        # Without the learner's id: the audit log shows this too, and its entries cannot be erased.
        return (
            f"a learner of {self.key}" if self.learner else f"address {self.address}" if self.address else str(self.key)
        )

    def clean(self) -> None:
        """Refuse a suspension of nobody, or of several."""
        if self.address and (self.key or self.learner):
            raise ValidationError("An address is suspended for all keys: leave key and learner empty.")
        if not self.address and not self.key:
            raise ValidationError("Enter a learner with a key, only a key, or only an address.")
        if self.learner and self.key and not self.key.proves_learners:
            raise ValidationError("With a publishable key, anybody can claim to be this learner: suspend the address.")
        # A form passes "" for none.
        self.address = address_block(self.address) if self.address else None


def active_suspensions() -> models.QuerySet[Suspension]:
    """Return the suspensions in force."""
    now = timezone.now()
    return Suspension.objects.filter(models.Q(ends=None) | models.Q(ends__gt=now), lifted=None)


def usable_keys() -> models.QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor expired nor suspended."""
    lasting = models.Q(expires=None) | models.Q(expires__gt=timezone.now())
    suspended = active_suspensions().filter(learner="", key__family=models.OuterRef("family"))
    return ApiKey.objects.filter(lasting, ~models.Exists(suspended), is_active=True)
