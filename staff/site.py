"""Our admin site."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import DataError
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
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
    enable_nav_sidebar = False  # every page has the menu of base_site.html, and lists need the width

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


def back(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Return to the page of ours that the form was on (`next`), or else to `default`."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(url if is_ours else default)


class StaffModelAdmin(ModelAdmin):  # type: ignore[type-arg]
    """A table whose forms screen readers can read aloud."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of a form. Django's labels are beside the two parts of a time, and name neither."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, AdminSplitDateTime):
            for part, widget in zip(("date", "time"), field.widget.widgets, strict=True):
                widget.attrs["aria-label"] = f"{field.label}: {part}"
        return field

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. Refuse a filter that the database does, such as a NUL or no address."""
        try:
            return super().get_changelist_instance(request)
        except (DataError, ValueError) as error:
            raise IncorrectLookupParameters from error
