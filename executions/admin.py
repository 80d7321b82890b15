"""Executions in the admin: staff can view them and act on them, but never change them."""

import ipaddress
import uuid
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST, require_safe

from apikeys.admin import ApiKeyAdmin
from apikeys.models import ApiKey
from apikeys.suspension_badge import Badges, badges_for
from audit.events import record_event
from audit.names import namers, person
from executions.models import Attempt, Execution
from executions.records.search import NoWords, find
from executions.review import exercise_page, page
from executions.review.actions import ACTIONS, SuspensionForm, staff_of
from executions.review.dashboard.charts import draw
from executions.review.dashboard.overview import dashboard_for
from executions.review.display import telling_line
from executions.review.export import MOST_ROWS, csv_lines
from executions.review.filters import CappedPaginator, DayFilter, FlagFilter, RunByFilter
from executions.review.key_sources import sources_of
from executions.templatetags.quantities import words
from staff.site import StaffModelAdmin, StaffSite
from web.moments import shown

HEAD_CHARACTERS = 2_000
"""How much of a program its most telling line is looked for in."""

TEXTS = ("code", "input_data", "output", "error", "test_cases", "test_results")


@admin.register(Execution)
class ExecutionAdmin(StaffModelAdmin):
    """The list of executions, newest first, and the page of each."""

    list_display = ("when", "outcome", "who", "caller", "took", "telling")
    list_display_links = ("when",)
    list_filter = ("status", FlagFilter, DayFilter, RunByFilter, "key")
    list_select_related = ("key", "staff")
    list_per_page = 25  # a screenful
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER  # facets would count all rows
    search_fields = ("public_id",)  # shows the search field; get_search_results does the search
    search_help_text = (
        "Words in the code, input, output or error, for example os.fork; or an execution id, an address or learner:ada."
    )
    show_full_result_count = False
    paginator = CappedPaginator
    actions = ("export_as_csv",)

    class Media:
        css = {"all": ("executions/review.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only running a program creates an execution."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """Return the executions without their texts: a page of them would read megabytes."""
        rows = Execution.objects.defer(*TEXTS).annotate(head=Substr("code", 1, HEAD_CHARACTERS))
        return rows.prefetch_related("flags")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the executions with this id, address or learner, or those that contain these words."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        if (exact := _exactly(term)) is not None:
            return queryset.filter(exact), False
        try:
            return find(queryset, term), False
        except NoWords:
            self.message_user(request, "The search contains no words.", messages.WARNING)
            return queryset.none(), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, each row with the badges of suspensions that the member of staff may see."""
        found = super().get_changelist_instance(request)
        badges = badges_for(request.user)
        for row in found.result_list:
            row.badges = badges
        return found

    @admin.display(description="created (UTC)")
    def when(self, execution: Execution) -> str:
        """Return when it was created."""
        return shown(execution.created)

    @admin.display(description="status")
    def outcome(self, execution: Execution) -> str:
        """Return its status, coloured, and its flags."""
        return format_html("{} {}", page.status_badge(execution), page.flag_badges(execution))

    @admin.display(description="learner, address")
    def who(self, execution: Any) -> str:
        """Return who ran it, with links to all their executions, whether they are only claimed, and suspended."""
        return format_html_join(" ", "{}", ((part,) for part in page.who(execution, execution.badges) if part))

    @admin.display(description="key")
    def caller(self, execution: Any) -> str:
        """Return the key, and whether it is suspended."""
        if execution.staff:
            return f"staff: {execution.staff}"
        if execution.key is None:
            return ""
        return format_html("{} {}", execution.key.name, execution.badges.of_key(execution.key.family))

    @admin.display(description="run time")
    def took(self, execution: Execution) -> str:
        """Return how long the program ran."""
        return "" if execution.execution_time is None else f"{execution.execution_time * 1000:,.0f} ms"

    @admin.display(description="most telling line")
    def telling(self, execution: Any) -> str:
        """Return the line of the program that says most about it."""
        line = telling_line(execution.head, (execution.error_detail or {}).get("line"))
        return format_html('<code class="telling"><bdi>{}</bdi></code>', line)

    @admin.action(description="Export selected executions as CSV", permissions=["view"])
    def export_as_csv(self, request: HttpRequest, queryset: QuerySet[Execution]) -> HttpResponseBase:
        """Return a CSV file, and record who exported it with which filter."""
        chosen = list(queryset.values_list("pk", flat=True)[:MOST_ROWS])
        details = {"executions": len(chosen), "filter": request.GET.urlencode()[:1000]}
        record_event("executions_exported", request=request, actor=staff_of(request), details=details)
        rows = Execution.objects.filter(pk__in=chosen).select_related("key").prefetch_related("flags")
        response = StreamingHttpResponse(csv_lines(rows.iterator(chunk_size=100)), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="executions.csv"'
        return response

    # One execution

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the actions and the usual ones."""
        added = [
            path(f"<int:number>/{action}/", self.admin_site.admin_view(require_POST(view)), name=f"execution_{action}")
            for action, view in ACTIONS.items()
        ]
        return [*added, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show an execution."""
        site = {**self.admin_site.each_context(request), "opts": self.model._meta, "media": self.media}
        return page.show(request, object_id, site)


@admin.register(Attempt)
class AttemptAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The list of exercises, and the page of each. Nobody can change an attempt or see a single one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only running a program is an attempt."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        """Refuse: this is a record."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the only two URLs."""
        view = self.admin_site.admin_view
        return [
            path("", view(require_safe(self.changelist_view)), name="executions_attempt_changelist"),
            path("<str:exercise>/", view(require_safe(self.exercise_view)), name="executions_exercise"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list of exercises."""
        return exercise_page.show_list(request, self.admin_site.each_context(request))

    def exercise_view(self, request: HttpRequest, exercise: str) -> HttpResponse:
        """Show an exercise."""
        return exercise_page.show(request, exercise, self.admin_site.each_context(request))


def dashboard_context(user: User) -> dict[str, Any]:
    """Return the parts of the dashboard that `user` may see, for the first page of the admin."""
    dashboard = dashboard_for(user)
    charts = draw(dashboard.activity) if dashboard and dashboard.activity else None
    return {"dashboard": dashboard, "charts": charts, "suspension_form": SuspensionForm()}


cast(StaffSite, admin.site).overviews.append(dashboard_context)


def key_context(request: HttpRequest, key: ApiKey, badges: Badges) -> dict[str, Any]:
    """Return where a key is used from, for its page: also for staff who may replace it, but not see executions."""
    may_see = request.user.has_perm("executions.view_execution") or request.user.has_perm("apikeys.rotate_apikey")
    return {"sources": sources_of(key, badges)} if may_see else {}


ApiKeyAdmin.overviews.append(key_context)


def _names(ids: set[int]) -> dict[int, str]:
    """Return who ran each execution, with which key and how it ended, for the audit log."""
    rows = Execution.objects.filter(pk__in=ids).select_related("key", "staff")
    fields = ("status", "learner", "client_address", "key__name", "key__kind", "staff__username", "staff__first_name")
    return {each.pk: _name(each) for each in rows.only(*fields, "staff__last_name")}


def _name(execution: Execution) -> str:
    if execution.staff is not None:
        return f"{words(execution.status)} of {person(execution.staff)}"
    claimed = " (claimed)" if execution.has_claimed_learner else ""
    who = f"{execution.learner}{claimed}" if execution.learner else execution.client_address or "unknown address"
    return f"{words(execution.status)} of {who}, {execution.key.name if execution.key else 'no key'}"


namers[Execution] = _names


def _exactly(term: str) -> Q | None:
    """Return the filter for a term that is an execution id, an address or a learner; None for words."""
    if term.startswith("learner:"):
        return Q(learner=term.removeprefix("learner:"))
    try:
        return Q(public_id=uuid.UUID(term))
    except ValueError:
        pass
    try:
        return Q(client_address=str(ipaddress.ip_address(term.partition("%")[0])))
    except ValueError:
        return None
