"""Staff accounts and the devices of their second factor, in the admin."""

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
    """Staff accounts are deactivated, not deleted: the audit log refers to them."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(TOTPDevice)
class DeviceAdmin(TOTPDeviceAdmin):  # type: ignore[misc]
    """Devices can be viewed and deleted. Only `manage.py create_otp` creates them, so no page shows a secret."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: the form would show the secret."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a device never moves to another account."""
        return False
