"""Keys: who may call the service, from where, and how often."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from environs import ValidationError as InvalidValue

from apikeys import tokens
from apikeys.rates import parse_rate
from codeexec.env import check_origins


def default_rate() -> str:
    """Return the rate of a key for which nobody has chosen another."""
    return settings.DEFAULT_RATE


def validate_origins(origins: Any) -> None:
    """Refuse what is not a list of exact origins."""
    if not isinstance(origins, list) or not all(isinstance(origin, str) for origin in origins):
        raise ValidationError("Give a list of origins, such as https://pylearn.net.")
    try:
        check_origins(origins)
    except InvalidValue as error:
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
    kind = models.CharField(max_length=11, choices=Kind)
    prefix = models.CharField(max_length=20, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    origins = models.JSONField(default=list, blank=True, validators=[validate_origins])
    rate = models.CharField(max_length=20, default=default_rate, validators=[validate_rate])
    is_active = models.BooleanField("active", default=True)
    is_from_environment = models.BooleanField("from API_KEY", default=False, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows_origin(self, origin: str | None) -> bool:
        """Return whether a request with this `Origin` header may use the key.

        A publishable key needs one of its own origins: anybody can read the key in the page, and a browser cannot
        lie about the origin. A secret key is sent by a server, which has no origin; one that comes must be allowed.
        """
        if origin is None:
            return self.kind == self.Kind.SECRET
        return origin in self.origins


def usable_keys() -> models.QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor expired."""
    lasting = models.Q(expires=None) | models.Q(expires__gt=timezone.now())
    return ApiKey.objects.filter(lasting, is_active=True)


def create_key(name: str, kind: str, origins: list[str], *, environment: str = "live") -> tuple[ApiKey, str]:
    """Create a key and return it with its token, which is not to be had again. Raises ValidationError."""
    token = tokens.generate_token(kind, environment)
    key = ApiKey(
        name=name, kind=kind, origins=origins, prefix=tokens.visible_prefix(token), token_hash=tokens.hash_token(token)
    )
    key.full_clean()
    key.save(force_insert=True)
    return key, token
