"""The audit log in the admin, read-only."""

from typing import Any

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin
from django.http import HttpRequest

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class AuditAdmin(LogEntryAdmin):  # type: ignore[misc]
    """The list of entries, newest first."""

    list_display = ("timestamp", "event", "action", "object_repr", "actor", "remote_addr", "cid")
    list_select_related = ("actor", "content_type")
    search_fields = ("object_repr", "actor__username", "remote_addr", "cid")
    list_filter = ("action", "content_type")
    fieldsets = (
        (None, {"fields": ("timestamp", "event", "actor", "remote_addr", "cid")}),
        ("What", {"fields": ("content_type", "object_pk", "object_repr", "action", "changes", "additional_data")}),
    )
    readonly_fields = ()
    show_full_result_count = False

    @admin.display(description="event")
    def event(self, entry: LogEntry) -> str:
        """Return the name of an event; changes have none."""
        return str((entry.additional_data or {}).get("event", "-"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse, also in a cascade. The database would refuse it too."""
        return False
