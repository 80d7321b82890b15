"""The login form of the admin: username, password and, with ADMIN_REQUIRE_OTP, the token of an authenticator app.

django-otp's own form would first ask which device to use, and so confirm that the password is right.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django_otp import match_token


class StaffLoginForm(AdminAuthenticationForm):
    """Gives the same answer to a wrong token as to a wrong password: guessing one reveals nothing about the other."""

    otp_token = forms.CharField(
        label="Authenticator code",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "required": True}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        message = "Please enter the username, password and authenticator code of a staff account."
        if not settings.ADMIN_REQUIRE_OTP:
            del self.fields["otp_token"]
            message = "Please enter the username and password of a staff account."
        self.error_messages = {**self.error_messages, "invalid_login": message}

    def clean(self) -> dict[str, Any]:
        """Check the password, then the token. A wrong token counts as a failed login (django-axes, the audit log)."""
        cleaned = super().clean()
        user = self.get_user()
        if settings.ADMIN_REQUIRE_OTP and isinstance(user, User):
            device = match_token(user, cleaned.get("otp_token", ""))
            if device is None:
                user_login_failed.send(__name__, credentials={"username": user.username}, request=self.request)
                raise self.get_invalid_login_error()
            user.otp_device = device  # type: ignore[attr-defined]  # django-otp stores it in the session at login
        return cleaned
