"""The login of the admin: name, password and, with ADMIN_REQUIRE_OTP, the token of an authenticator."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed

from staff.second_factor import verify


class StaffLoginForm(AdminAuthenticationForm):
    """Says the same of a wrong token as of a wrong password: who guesses one learns nothing of the other."""

    otp_token = forms.CharField(
        label="Token of your authenticator",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "required": True}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.error_messages = {
            **self.error_messages,
            "invalid_login": "Please enter the name, the password and the token of a staff account.",
        }
        if not settings.ADMIN_REQUIRE_OTP:
            del self.fields["otp_token"]
            self.error_messages["invalid_login"] = "Please enter the name and the password of a staff account."

    def clean(self) -> dict[str, Any]:
        """Check the password, then the token. A wrong token counts as a login that failed (django-axes, the audit)."""
        cleaned = super().clean()
        user = self.get_user()
        if settings.ADMIN_REQUIRE_OTP and isinstance(user, User):
            # django-otp puts it into the session at the login.
            user.otp_device = verify(user, cleaned.get("otp_token", ""))  # type: ignore[attr-defined]
            if user.otp_device is None:  # type: ignore[attr-defined]
                user_login_failed.send(__name__, credentials={"username": user.username}, request=self.request)
                raise self.get_invalid_login_error()
        return cleaned
