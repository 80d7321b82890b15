"""Executions in the admin: staff can view them and act on them, but never change them."""

import ipaddress
import uuid
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from audit.events import record_event
from executions.models import Execution
from executions.records.search import NoWords, find
from executions.review import page
from executions.review.actions import ACTIONS, SuspensionForm, staff_of
from executions.review.dashboard.charts import draw
from executions.review.dashboard.overview import dashboard_for
from executions.review.display import first_line
from executions.review.export import MOST_ROWS, csv_lines
from executions.review.filters import CappedPaginator, DayFilter, FlagFilter, RunByFilter
from staff.site import StaffSite
from web.visible_text import make_visible

TEXTS = ("code", "input_data", "output", "error", "test_cases", "test_results")


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The list of executions, newest first, and the page of each."""

    list_display = ("when", "outcome", "seen", "caller", "learner_link", "address_link", "took", "beginning")
    list_display_links = ("when",)
    list_filter = ("status", FlagFilter, DayFilter, RunByFilter, "key")
    list_select_related = ("key", "staff")
    list_per_page = 50
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
        rows = Execution.objects.defer(*TEXTS).annotate(head=Substr("code", 1, 400))
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

    @admin.display(description="created (UTC)")
    def when(self, execution: Execution) -> str:
        """Return when it was created."""
        return f"{execution.created:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="status")
    def outcome(self, execution: Execution) -> str:
        """Return its status, coloured."""
        return page.status_badge(execution)

    @admin.display(description="flags")
    def seen(self, execution: Execution) -> str:
        """Return its flags."""
        return page.flag_badges(execution)

    @admin.display(description="key")
    def caller(self, execution: Execution) -> str:
        """Return who ran it."""
        return f"staff: {execution.staff}" if execution.staff else execution.key.name if execution.key else ""

    @admin.display(description="learner")
    def learner_link(self, execution: Execution) -> str:
        """Return the learner, with a link to all their executions, and whether they are only claimed."""
        link = _filter_link("learner", execution.learner)
        return format_html("{} (claimed)", link) if execution.has_claimed_learner else link

    @admin.display(description="address")
    def address_link(self, execution: Execution) -> str:
        """Return the address, with a link to all its executions."""
        return _filter_link("client_address", execution.client_address or "")

    @admin.display(description="run time")
    def took(self, execution: Execution) -> str:
        """Return how long the program ran."""
        return "" if execution.execution_time is None else f"{execution.execution_time * 1000:,.0f} ms"

    @admin.display(description="code")
    def beginning(self, execution: Any) -> str:
        """Return the first line of the program."""
        return format_html('<code class="beginning"><bdi>{}</bdi></code>', first_line(execution.head))

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


def dashboard_context(user: User) -> dict[str, Any]:
    """Return the parts of the dashboard that `user` may see, for the first page of the admin."""
    dashboard = dashboard_for(user)
    charts = draw(dashboard.activity) if dashboard and dashboard.activity else None
    return {"dashboard": dashboard, "charts": charts, "suspension_form": SuspensionForm()}


cast(StaffSite, admin.site).overviews.append(dashboard_context)


def _exactly(term: str) -> Q | None:
    """Return the filter for a term that is an execution id, an address or a learner; None for words."""
    if term.startswith("learner:"):
        return Q(learner=term.removeprefix("learner:"))
    try:
        return Q(public_id=uuid.UUID(term))
    except ValueError:
        pass
    try:
        return Q(client_address=str(ipaddress.ip_address(term)))
    except ValueError:
        return None


def _filter_link(field: str, value: str) -> str:
    if not value:
        return ""
    query = urlencode({field: value})
    url = reverse("admin:executions_execution_changelist")
    return format_html('<a href="{}?{}"><bdi>{}</bdi></a>', url, query, make_visible(value))
