"""Our admin site."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django_otp.middleware import is_verified

from staff.login import StaffLoginForm

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    Overview = Callable[[User], dict[str, Any]]


class StaffSite(AdminSite):
    """The admin for staff. `staff.apps.StaffAdminConfig` makes it Django's default site."""

    site_header = "pylearn.net · code execution"
    site_title = "pylearn.net"
    index_title = "Overview"
    login_form = StaffLoginForm
    login_template = "staff/login.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.overviews: list[Overview] = []
        """Functions that each add to the context of the first page. Apps add theirs in their `admin` module."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether this is a member of staff who, with ADMIN_REQUIRE_OTP, has logged in with a token."""
        return super().has_permission(request) and (not settings.ADMIN_REQUIRE_OTP or is_verified(request.user))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page, with whether there is a playground to link to."""
        return {**super().each_context(request), "has_playground": settings.PLAYGROUND != "off"}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the overviews of the apps above the list of tables."""
        context: dict[str, Any] = {}
        for overview in self.overviews:
            context |= overview(cast("User", request.user))
        return super().index(request, {**context, **(extra_context or {})})
