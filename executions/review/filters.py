"""The filters of the list of executions, and a paginator that does not count them all."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from executions.models import ExecutionFlag

MOST_COUNTED = 1_000


class Capped(int):
    """A number of rows, counted up to MOST_COUNTED."""

    def __str__(self) -> str:
        return f"more than {MOST_COUNTED:,}" if self > MOST_COUNTED else super().__str__()


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to MOST_COUNTED rows: nobody pages through a million, and counting them takes seconds."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or MOST_COUNTED + 1 if there are more."""
        rows = cast("QuerySet[Any]", self.object_list)
        return Capped(rows.values("pk")[: MOST_COUNTED + 1].count())


class FlagFilter(admin.SimpleListFilter):
    """Filters by flag."""

    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all kinds of flags."""
        return [(kind.value, str(kind.label).lower()) for kind in ExecutionFlag.Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions with the chosen flag."""
        chosen = self.value()
        return queryset.filter(flags__kind=chosen) if chosen in ExecutionFlag.Kind.values else queryset


class DayFilter(admin.SimpleListFilter):
    """Filters by day, in UTC."""

    title = "day (UTC)"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return ranges of days."""
        return [("0", "today"), ("1", "yesterday"), ("7", "last 7 days"), ("30", "last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions in the chosen range."""
        chosen = self.value()
        if chosen not in ("0", "1", "7", "30"):
            return queryset
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        until = midnight if chosen == "1" else midnight + timedelta(days=1)
        # Coalesce hides the column from its index, which would sort all rows; by id, the first page is immediate.
        rows: QuerySet[Any] = queryset.alias(begun=Coalesce("created", "created"))
        return rows.filter(begun__gte=midnight - timedelta(days=int(chosen)), begun__lt=until)


class RunByFilter(admin.SimpleListFilter):
    """Filters by whether a learner or staff ran it."""

    title = "run by"
    parameter_name = "run_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both choices."""
        return [("learners", "learners"), ("staff", "staff")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions run by the chosen ones."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(staff__isnull=chosen == "learners")
