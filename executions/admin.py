"""The executions in the admin: to read, never to change."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from audit.events import record_event
from executions.models import Execution


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What was run, the newest first."""

    list_display = ("created", "status", "key", "learner", "client_address", "execution_time")
    list_filter = ("status", "key", "created")
    list_select_related = ("key",)
    search_fields = ("id", "learner")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: executions are made by running programs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    def render_change_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show an execution, and record who has looked at a learner's code."""
        actor = request.user if isinstance(request.user, User) else None
        record_event("execution_opened", request=request, actor=actor, target=kwargs["obj"])
        return super().render_change_form(request, *args, **kwargs)
