"""The admin as a site of ours."""

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django_otp.middleware import is_verified

from staff.login import StaffLoginForm

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page shows, the way to the playground included."""
        return {**super().each_context(request), "has_playground": settings.PLAYGROUND != "off"}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the dashboard, or what of it this member of staff may see, above the list of tables."""
        from executions.dashboard import dashboard_for  # models can be had only after the site
        from executions.dashboard_charts import draw

        dashboard = dashboard_for(cast("User", request.user))
        charts = draw(dashboard.activity) if dashboard and dashboard.activity else None
        return super().index(request, {"dashboard": dashboard, "charts": charts, **(extra_context or {})})
