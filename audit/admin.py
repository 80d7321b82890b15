"""The audit log in the admin, read-only."""

from typing import Any

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin
from django.http import HttpRequest

from audit.names import name_entries, person
from web.moments import shown

STORED = ("content_type", "object_pk", "object_repr", "action", "changes", "additional_data")

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class AuditAdmin(LogEntryAdmin):  # type: ignore[misc]
    """The list of entries, newest first."""

    list_display = ("when", "event", "action", "about", "who", "remote_addr", "cid")
    list_select_related = ("actor", "content_type")
    list_per_page = 50
    search_fields = (
        "object_repr",
        "actor__username",
        "actor__first_name",
        "actor__last_name",
        "remote_addr",
        "cid",
    )
    list_filter = ("action", "content_type")
    fieldsets = (
        (None, {"fields": ("timestamp", "event", "who", "remote_addr", "cid")}),
        (
            "What",
            {"fields": ("about", "content_type", "object_pk", "object_repr", "action", "changes", "additional_data")},
        ),
    )
    readonly_fields = ()
    show_full_result_count = False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, each entry with the name of what it is about."""
        found = super().get_changelist_instance(request)
        name_entries(found.result_list, request.user)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> LogEntry | None:
        """Return an entry, with the name of what it is about."""
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            name_entries([entry], request.user)
        return entry

    @admin.display(description="time (UTC)", ordering="timestamp")
    def when(self, entry: LogEntry) -> str:
        """Return when it happened."""
        return shown(entry.timestamp)

    @admin.display(description="about")
    def about(self, entry: LogEntry) -> str:
        """Return what it is about, by the name that staff know."""
        name: str = entry.subject
        return name

    @admin.display(description="by")
    def who(self, entry: LogEntry) -> str:
        """Return who did it, by name and account."""
        return person(entry.actor) or "-"

    @admin.display(description="event")
    def event(self, entry: LogEntry) -> str:
        """Return the name of an event; changes have none."""
        return str((entry.additional_data or {}).get("event", "-"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse, also in a cascade. The database would refuse it too."""
        return False
