"""Suspensions in the admin: who is suspended, why, by whom and until when."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apikeys.models import Suspension, active_suspensions
from apikeys.suspensions import lift
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
class SuspensionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Suspensions are added here or from an execution, and lifted here. They are never deleted, for the record."""

    list_display = ("whom", "reason", "begins", "ends", "in_force", "author")
    list_filter = (InForceFilter,)
    list_select_related = ("key", "author")
    search_fields = ("learner", "address", "reason")
    fields = ("key", "learner", "address", "reason", "ends", "begins", "lifted", "author")
    readonly_fields = ("begins", "lifted", "author")
    actions = ("lift",)

    @admin.display(description="who")
    def whom(self, suspension: Suspension) -> str:
        learner = make_visible(suspension.learner)
        return f"learner {learner} of {suspension.key}" if learner else str(suspension)

    @admin.display(description="learner", empty_value="-")
    def visible_learner(self, suspension: Suspension) -> str | None:
        return make_visible(suspension.learner) or None

    @admin.display(description="in force", boolean=True)
    def in_force(self, suspension: Suspension) -> bool:
        return suspension.lifted is None and (suspension.ends is None or suspension.ends > timezone.now())

    def get_readonly_fields(self, request: HttpRequest, obj: Suspension | None = None) -> Any:
        """Return all fields but the reason and the end of an existing suspension."""
        return self.readonly_fields if obj is None else ("key", "visible_learner", "address", *self.readonly_fields)

    def get_fields(self, request: HttpRequest, obj: Suspension | None = None) -> Any:
        """Return the fields, for an existing suspension with the learner's id as it is safe to read."""
        return ["visible_learner" if name == "learner" and obj is not None else name for name in self.fields]

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
