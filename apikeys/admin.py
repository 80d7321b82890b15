"""The keys in the admin. A hash or a token is never shown."""

from django.contrib import admin
from django.http import HttpRequest

from apikeys.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Keys are made by `manage.py create_key`, which shows the token; here they are changed and switched off."""

    list_display = ("name", "kind", "prefix", "rate", "is_active", "expires", "created")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "prefix")
    fields = ("name", "kind", "prefix", "origins", "rate", "is_active", "expires", "created")
    readonly_fields = ("kind", "prefix", "created")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a form could not show the token once and never again."""
        return False
