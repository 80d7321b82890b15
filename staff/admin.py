"""Staff in the admin, who are in the audit log and so never deleted, and the devices of their second factor."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django_otp.plugins.otp_totp.admin import TOTPDeviceAdmin
from django_otp.plugins.otp_totp.models import TOTPDevice

admin.site.unregister(User)
admin.site.unregister(TOTPDevice)


@admin.register(User)
class StaffAdmin(UserAdmin):  # type: ignore[type-arg]
    """Staff are switched off, not deleted: the log needs to know who they were, and would not let go of them."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(TOTPDevice)
class DeviceAdmin(TOTPDeviceAdmin):  # type: ignore[misc]
    """Who has a second factor; one can be taken away. `manage.py create_otp` makes them: no page shows a secret."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: the form would show the secret."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a device belongs to one person for good."""
        return False
