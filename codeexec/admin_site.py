"""The admin as a site of ours."""

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django_otp.middleware import is_verified

from staff.login import StaffLoginForm


class StaffSite(AdminSite):
    """Where staff look after keys and executions. `codeexec.apps` puts it in the place of Django's own."""

    site_header = "pylearn.net · code execution"
    site_title = "pylearn.net"
    index_title = "Overview"
    login_form = StaffLoginForm
    login_template = "staff/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether this is staff, and with ADMIN_REQUIRE_OTP whether a device has shown who it is."""
        return super().has_permission(request) and (not settings.ADMIN_REQUIRE_OTP or is_verified(request.user))
