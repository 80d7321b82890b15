"""The forms with which staff create, change and rotate keys."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from apikeys.keys import LIMITS, LONGEST_OVERLAP_HOURS
from apikeys.models import ApiKey


class LinesField(forms.CharField):
    """Origins or hosts, one per line. The model validates them."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40, "spellcheck": "false", "autocapitalize": "off"})

    def prepare_value(self, value: Any) -> Any:
        """Return a list as text. Text that was typed stays as it is."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return all lines, without duplicates."""
        return list(dict.fromkeys(line.strip() for line in (value or "").splitlines() if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the list has changed."""
        return bool(self.to_python(data) != (initial or []))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key's editable fields."""

    origins = LinesField(
        required=False,
        help_text="One per line, as browsers send them, such as https://pylearn.net. A publishable key works only from"
        " these pages. A secret key needs none.",
    )
    webhook_hosts = LinesField(
        required=False,
        help_text="One per line, such as example.org or example.org:8443. Only these hosts receive webhooks of a secret"
        " key.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "owner", "notes", "kind", "origins", "webhook_hosts", *LIMITS, "expires")
        help_texts = {
            "name": "For staff. Callers never see it.",
            "notes": "For staff. Never write a token here.",
            "kind": "A publishable key is in a page, where everybody can read it. A secret key is on a server.",
            "rate": "Requests, such as 60/m, 10/s or 1000/h. A key shares its rate with those it was rotated into.",
            "max_concurrent": "More are refused immediately.",
            "executions_per_day": "Days are in UTC. Only programs that ran count.",
            "cpu_seconds_per_day": "Days are in UTC. Test cases count, too.",
            "expires": "UTC. Empty: never.",
        }

    def clean_expires(self) -> datetime | None:
        """Refuse a past date: it would revoke the key, which needs its own permission."""
        expires: datetime | None = self.cleaned_data["expires"]
        if expires is not None and "expires" in self.changed_data and expires <= timezone.now():
            raise forms.ValidationError("This is in the past. To end a key at once, revoke it.", code="past")
        return expires


class NewKeyForm(KeyForm):
    """A new key. Its kind and environment are part of its token and cannot change later."""

    environment = forms.ChoiceField(
        choices=[("live", "live"), ("test", "test")], help_text="Part of the token. Both work the same way."
    )


class RotationForm(forms.Form):
    """How long the old token continues to work."""

    overlap_hours = forms.FloatField(
        label="Overlap in hours",
        initial=24,
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        help_text="How long both tokens work. 0 ends the old one at once; 0.5 is half an hour.",
    )


class LeakForm(forms.Form):
    """When the token that others know stops working."""

    hours = forms.TypedChoiceField(
        label="The old token stops working",
        coerce=int,
        choices=[(0, "at once"), (1, "in 1 hour"), (24, "in 24 hours")],
        help_text="At once: the site's own pages fail until they have the new token.",
    )
