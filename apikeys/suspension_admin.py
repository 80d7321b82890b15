"""Suspensions in the admin: who is suspended, why, by whom and until when."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apikeys.models import Suspension, active_suspensions
from apikeys.suspension_badge import badges_for, name_of
from apikeys.suspensions import lift
from audit.names import namers
from staff.site import StaffModelAdmin, back
from web.moments import shown
from web.visible_text import make_visible


class InForceFilter(admin.SimpleListFilter):
    """Filters by whether a suspension is in force."""

    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "yes"), ("no", "no")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        active = active_suspensions().values("pk")
        chosen = {"yes": queryset.filter(pk__in=active), "no": queryset.exclude(pk__in=active)}
        return chosen.get(self.value() or "", queryset)


@admin.register(Suspension)
class SuspensionAdmin(StaffModelAdmin):
    """Suspensions are added here or from an execution, and lifted here. They are not deleted here, for the record."""

    list_display = ("whom", "reason", "began", "until", "in_force", "author")
    list_filter = (InForceFilter,)
    list_select_related = ("key", "author")
    search_fields = ("learner", "address", "reason")
    fields = ("key", "learner", "address", "reason", "ends", "begins", "lifted", "author")
    readonly_fields = ("begins", "lifted", "author")
    actions = ("lift",)

    @admin.display(description="who")
    def whom(self, suspension: Suspension) -> str:
        return name_of(suspension)

    @admin.display(description="begins", ordering="begins")
    def began(self, suspension: Suspension) -> str:
        return shown(suspension.begins)

    @admin.display(description="until", ordering="ends")
    def until(self, suspension: Suspension) -> str:
        return shown(suspension.ends, "lifted") if suspension.lifted is None else shown(suspension.lifted)

    @admin.display(description="learner", empty_value="-")
    def visible_learner(self, suspension: Suspension) -> str | None:
        return make_visible(suspension.learner) or None

    @admin.display(description="in force", boolean=True)
    def in_force(self, suspension: Suspension) -> bool:
        return suspension.lifted is None and (suspension.ends is None or suspension.ends > timezone.now())

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of a form. Spaces around a learner's id are part of it."""
        if db_field.name == "learner":
            kwargs["strip"] = False
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Suspension | None = None) -> Any:
        """Return all fields but the reason and the end of an existing suspension."""
        return self.readonly_fields if obj is None else ("key", "visible_learner", "address", *self.readonly_fields)

    def get_fields(self, request: HttpRequest, obj: Suspension | None = None) -> Any:
        """Return the fields, for an existing suspension with the learner's id as it is safe to read."""
        return ["visible_learner" if name == "learner" and obj is not None else name for name in self.fields]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.lift_view))
        return [path("<int:number>/lift/", view, name="apikeys_suspension_lift"), *super().get_urls()]

    def lift_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Lift a suspension, and return to the page whose button was pressed."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        suspension = get_object_or_404(Suspension.objects.select_related("key"), pk=number)
        was_in_force = lift(suspension)
        words = "is lifted" if was_in_force else "was not in force any more"
        messages.success(request, f"The suspension of {name_of(suspension)} {words}.")
        return back(request, reverse("admin:apikeys_suspension_changelist"))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, with the badge of a suspension that is in force."""
        suspension = kwargs.get("obj")
        if suspension is not None and self.in_force(suspension):
            context["badge"] = badges_for(request.user, [suspension]).of(suspension)
        return super().render_change_form(request, context, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Suspension, form: Any, change: bool) -> None:
        if not change:
            obj.author = request.user  # type: ignore[assignment]  # staff: the admin lets in nobody else
        super().save_model(request, obj, form, change)

    @admin.action(description="Lift selected suspensions", permissions=["change"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Suspension]) -> None:
        count = sum(lift(suspension) for suspension in queryset)
        self.message_user(request, f"{count} suspensions lifted.", messages.SUCCESS)


def _names(ids: set[int]) -> dict[int, str]:
    """Return who is suspended, with the learners' ids, for the audit log."""
    return {each.pk: name_of(each) for each in Suspension.objects.filter(pk__in=ids).select_related("key")}


namers[Suspension] = _names
