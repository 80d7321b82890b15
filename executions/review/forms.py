"""The form with which staff shut somebody out from an execution's page."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

LASTS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "": None}


class SuspensionForm(forms.Form):
    """Why, and for how long."""

    reason = forms.CharField(max_length=500)
    lasts = forms.ChoiceField(
        label="for",
        required=False,
        choices=[("1h", "1 hour"), ("1d", "1 day"), ("7d", "7 days"), ("", "until it is lifted")],
    )

    def ends(self) -> datetime | None:
        """Return when it ends, None if only staff can end it."""
        lasts = LASTS[self.cleaned_data["lasts"]]
        return None if lasts is None else timezone.now() + lasts
