"""The forms in which staff make, change and rotate keys."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from apikeys.keys import LONGEST_OVERLAP_HOURS
from apikeys.models import ApiKey


class OriginsField(forms.CharField):
    """Origins, one a line. What makes an origin is the model's to say."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40, "spellcheck": "false", "autocapitalize": "off"})

    def prepare_value(self, value: Any) -> Any:
        """Return the text to show for a list of origins; what somebody typed is shown as it is."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the origins of the lines, each once."""
        return list(dict.fromkeys(line.strip() for line in (value or "").splitlines() if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether other origins than before were given."""
        return bool(self.to_python(data) != (initial or []))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be changed of a key."""

    origins = OriginsField(
        required=False,
        help_text="One a line, as the browser sends them, such as https://pylearn.net. A publishable key works from"
        " these pages only; a secret key needs none.",
    )

    class Meta:
        model = ApiKey
        fields = (
            "name",
            "owner",
            "notes",
            "kind",
            "origins",
            "rate",
            "learner_rate",
            "max_concurrent",
            "executions_per_day",
            "cpu_seconds_per_day",
            "expires",
        )
        help_texts = {
            "name": "What staff know the key by. Callers never see it.",
            "notes": "For staff. Never write a token here.",
            "kind": "A publishable key lives in a page, where everybody can read it; a secret key on a server.",
            "rate": "Requests, such as 60/m, 10/s or 1000/h. A key and those it was rotated into share it.",
            "max_concurrent": "More are refused, not kept waiting.",
            "executions_per_day": "Days of UTC. Only what ran is counted.",
            "cpu_seconds_per_day": "Days of UTC. Test cases count too.",
            "expires": "UTC. Empty: never.",
        }

    def clean_expires(self) -> datetime | None:
        """Refuse to end a key by an old date: that is revoking it, which needs its own permission."""
        expires: datetime | None = self.cleaned_data["expires"]
        if expires is not None and "expires" in self.changed_data and expires <= timezone.now():
            raise forms.ValidationError("This is past. To end a key at once, revoke it.", code="past")
        return expires


class NewKeyForm(KeyForm):
    """What is chosen for a new key. Its kind and environment are in its token, and stay as they are."""

    environment = forms.ChoiceField(
        choices=[("live", "live"), ("test", "test")], help_text="Shown in the token. Both are served alike."
    )


class RotationForm(forms.Form):
    """How long the old token works on."""

    overlap_hours = forms.FloatField(
        label="Overlap in hours",
        initial=24,
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        help_text="For so long both tokens work. 0 ends the old one at once; 0.5 is half an hour.",
    )
