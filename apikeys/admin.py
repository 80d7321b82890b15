"""Keys in the admin: created, changed, rotated and revoked. Hashes are never shown, tokens once."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from apikeys import suspension_admin  # noqa: F401 (registers itself)
from apikeys.forms import KeyForm, LeakForm, NewKeyForm, RotationForm
from apikeys.key_use import use_of
from apikeys.keys import LIMITS, NotRotatable, issue_key, replace_leaked_key, revoke_key, rotate_key
from apikeys.models import ApiKey
from apikeys.standing import State, state_in_words, use_in_words, with_standing
from apikeys.suspension_badge import Badges, badges_for
from apikeys.tokens import environment_of
from apikeys.webhook_secrets import make_secret, secrets_of
from audit.names import namers
from staff.site import StaffModelAdmin
from web.moments import shown

TOKEN_ATTRIBUTE = "_issued_token"  # noqa: S105 (of the request, from save_model to response_add)

KeyOverview = Callable[[HttpRequest, ApiKey, Badges], dict[str, Any]]

TODAY = ("executions_today", "cpu_seconds_today")
LIFE = (*TODAY, "created", "used", "replaced_by_link", "replaces_links")


class StateFilter(admin.SimpleListFilter):
    """Filters keys by state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label).lower()) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in State.values else queryset


class EnvironmentFilter(admin.SimpleListFilter):
    """Filters keys by the environment in the token."""

    title = "environment"
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "live"), ("test", "test")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        of_tests = {"prefix__startswith": "pl_test_"}
        if self.value() == "test":
            return queryset.filter(**of_tests)
        return queryset.exclude(**of_tests) if self.value() == "live" else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(StaffModelAdmin):
    """Keys are revoked, never deleted: their executions belong to them."""

    form = KeyForm
    list_display = ("name", "owner", "kind", "environment", "token", "state", "used", *TODAY)
    list_filter = (StateFilter, "kind", EnvironmentFilter)
    search_fields = ("name", "owner", "notes", "prefix")
    radio_fields = {"kind": admin.VERTICAL}
    actions = ("revoke_selected",)

    overviews: ClassVar[list[KeyOverview]] = []
    """Functions that each add to the context of a key's page. Other apps add theirs in their `admin` module."""

    class Media:
        css = {"all": ("apikeys/keys.css",)}

    # Display

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, each key with the badges of suspensions that the member of staff may see."""
        found = super().get_changelist_instance(request)
        badges = badges_for(request.user)
        for key in found.result_list:
            key.badge = badges.of_key(key.family)
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the keys with their state and today's usage, in one query."""
        return with_standing(super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Return the parts of the form. A new key has no token, state and history yet."""
        is_new = obj is None
        identity, access = ("name", "owner", "notes", "kind", "environment"), ("origins", "webhook_hosts", "expires")
        fieldsets = [
            ("Identity", {"fields": identity if is_new else (*identity, "token")}),
            ("Access", {"fields": access if is_new else ("state", *access)}),
            ("Limits", {"fields": LIMITS}),
        ]
        return fieldsets if is_new else [*fieldsets, ("Life", {"fields": LIFE})]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Return the fields that the form only shows. The kind of an existing key cannot change."""
        return () if obj is None else ("kind", "environment", "token", "state", *LIFE)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form. For a new key it has an environment."""
        return super().get_form(request, obj, change, **({"form": NewKeyForm} if obj is None else {}), **kwargs)

    @admin.display(description="environment")
    def environment(self, key: ApiKey) -> str:
        return environment_of(key.prefix)

    @admin.display(description="token", ordering="prefix")
    def token(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.display(description="state", ordering="state")
    def state(self, key: Any) -> str:
        """Return the state in words, and as a colour."""
        words = state_in_words(key.state, key.expires)
        badge = getattr(key, "badge", "")
        return format_html('<span class="key-state key-state-{}">{}</span> {}', key.state, words, badge)

    @admin.display(description="last used", ordering="last_used")
    def used(self, key: ApiKey) -> str:
        return shown(key.last_used)

    @admin.display(description="executions today")
    def executions_today(self, key: Any) -> str:
        return use_in_words(key.executions_today, key.executions_per_day)

    @admin.display(description="CPU seconds today")
    def cpu_seconds_today(self, key: Any) -> str:
        return use_in_words(key.cpu_seconds_today, key.cpu_seconds_per_day)

    @admin.display(description="replaced by", empty_value="-")
    def replaced_by_link(self, key: ApiKey) -> str | None:
        return None if key.replaced_by is None else _links([key.replaced_by])

    @admin.display(description="replaces", empty_value="-")
    def replaces_links(self, key: ApiKey) -> str | None:
        return _links(key.replaces.all()) or None

    # Actions

    def get_urls(self) -> list[URLPattern]:
        views = {
            "rotate": self.rotate_view,
            "leaked": self.leaked_view,
            "revoke": self.revoke_view,
            "webhook": self.webhook_view,
        }
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"apikeys_apikey_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: executions refer to their key."""
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("apikeys.rotate_apikey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("apikeys.revoke_apikey")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Save only changed fields: saving all could undo a revocation that happens at this moment."""
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            setattr(request, TOKEN_ATTRIBUTE, issue_key(obj, form.cleaned_data["environment"]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form of a new key with one button, because the token follows."""
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **one_button})

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: Any = None) -> HttpResponse:
        return self._show_token(request, obj, getattr(request, TOKEN_ATTRIBUTE))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form with the buttons that apply to the key."""
        key = kwargs.get("obj")
        if key is not None:
            rotatable = key.state == State.ACTIVE and not (key.is_from_environment or key.is_playground)
            context["can_rotate"] = rotatable and self.has_rotate_permission(request)
            context["can_sign"] = key.kind == ApiKey.Kind.SECRET and self.has_rotate_permission(request)
            context["can_revoke"] = key.is_active and self.has_revoke_permission(request)
            context |= self._use(request, key)
        return super().render_change_form(request, context, *args, **kwargs)

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how long the old token continues to work, rotate the key and show the new token."""
        key = self._find(request, object_id, allowed=self.has_rotate_permission(request))
        form = RotationForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            overlap = timedelta(hours=form.cleaned_data["overlap_hours"])
            try:
                successor, token = rotate_key(key, timezone.now() + overlap)
            except NotRotatable as error:
                form.add_error(None, str(error))
            else:
                return self._show_token(request, successor, token)
        return self._page(request, "rotate", f"Rotate {key}", key=key, form=form)

    def leaked_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who uses a key whose token is known to others, and replace it. The old token ends at once, or soon."""
        key = self._find(request, object_id, allowed=self.has_rotate_permission(request))
        form = LeakForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                successor, token = replace_leaked_key(key, timezone.now() + timedelta(hours=form.cleaned_data["hours"]))
            except NotRotatable as error:
                form.add_error(None, str(error))
            else:
                ended: Any = self.get_object(request, str(key.pk))
                return self._show_token(request, successor, token, old=ended, **self._use(request, ended))
        return self._page(request, "leaked", f"{key} has leaked", key=key, form=form, **self._use(request, key))

    def webhook_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Create the secret that signs the key's webhooks, or a new one, and show it once, like a token."""
        key = self._find(request, object_id, allowed=self.has_rotate_permission(request))
        if key.kind != ApiKey.Kind.SECRET:
            raise Http404
        has_secret = bool(secrets_of(key.family))
        form = RotationForm(request.POST if request.method == "POST" else None)
        secret = ""
        if form.is_valid():
            secret = make_secret(key, timezone.now() + timedelta(hours=form.cleaned_data["overlap_hours"]))
        title = f"Webhook secret of {key}"
        return self._page(request, "webhook", title, key=key, form=form, has_secret=has_secret, secret=secret)

    def _use(self, request: HttpRequest, key: ApiKey) -> dict[str, Any]:
        """Return the context of a key's use, and of a suspension."""
        badges = badges_for(request.user)
        context: dict[str, Any] = {"use": use_of(key), "badge": badges.of_key(key.family)}
        for overview in self.overviews:
            context |= overview(request, key, badges)
        return context

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Revoke a key after confirmation."""
        key = self._find(request, object_id, allowed=self.has_revoke_permission(request))
        if request.method == "POST":
            self._revoke(request, [key])
            return HttpResponseRedirect(_address(key))
        return self._page(request, "revoke", f"Revoke {key}", key=key, keys=[key])

    @admin.action(description="Revoke selected keys", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Revoke the selected keys after confirmation."""
        if "confirmed" in request.POST:
            self._revoke(request, queryset)
            return None
        return self._page(request, "revoke", "Revoke keys", keys=queryset, action="revoke_selected")

    def _find(self, request: HttpRequest, object_id: str, *, allowed: bool) -> ApiKey:
        """Return the key of a URL. Raises PermissionDenied or Http404."""
        if not allowed:
            raise PermissionDenied
        key: ApiKey | None = self.get_object(request, unquote(object_id))
        if key is None:
            raise Http404
        return key

    def _revoke(self, request: HttpRequest, keys: Iterable[ApiKey]) -> None:
        for key in keys:
            ended = revoke_key(key)
            messages.info(request, f"{key} is revoked." if ended else f"{key} was already revoked.")

    def _show_token(self, request: HttpRequest, key: ApiKey, token: str, **context: Any) -> HttpResponse:
        """Show a token, once. Only this response contains it: no cache, session or URL does."""
        return self._page(request, "token", f"Token of {key}", key=key, token=token, **context)

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}
        return TemplateResponse(request, f"admin/apikeys/apikey/{name}.html", {**shared, **context})


def _address(key: ApiKey) -> str:
    return reverse("admin:apikeys_apikey_change", args=[key.pk])


def _links(keys: Iterable[ApiKey]) -> str:
    return format_html_join(", ", '<a href="{}">{}</a>', ((_address(key), key) for key in keys))


def _names(ids: set[int]) -> dict[int, str]:
    """Return the keys' names of today, for the audit log."""
    return {key.pk: str(key) for key in ApiKey.objects.filter(pk__in=ids)}


namers[ApiKey] = _names
