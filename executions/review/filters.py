"""What narrows the list of executions, and a paginator that does not count them all."""

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
    """A number of rows that is no more looked for than so far."""

    def __str__(self) -> str:
        return f"more than {MOST_COUNTED:,}" if self > MOST_COUNTED else super().__str__()


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts so far and no further: nobody leafs through a million rows, and counting them takes seconds."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or one more than are counted."""
        rows = cast("QuerySet[Any]", self.object_list)
        return Capped(rows.values("pk")[: MOST_COUNTED + 1].count())


class FlagFilter(admin.SimpleListFilter):
    """By the flags that an execution carries."""

    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all kinds."""
        return [(kind.value, str(kind.label).lower()) for kind in ExecutionFlag.Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions with the chosen one."""
        chosen = self.value()
        return queryset.filter(flags__kind=chosen) if chosen in ExecutionFlag.Kind.values else queryset


class DayFilter(admin.SimpleListFilter):
    """By the day, of UTC."""

    title = "day (UTC)"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return spans of days."""
        return [("0", "today"), ("1", "yesterday"), ("7", "last 7 days"), ("30", "last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions of the chosen one."""
        chosen = self.value()
        if chosen not in ("0", "1", "7", "30"):
            return queryset
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        until = midnight if chosen == "1" else midnight + timedelta(days=1)
        # Walked by number from the newest, the first page is there at once; the index of days would have all sorted.
        rows: QuerySet[Any] = queryset.alias(begun=Coalesce("created", "created"))
        return rows.filter(begun__gte=midnight - timedelta(days=int(chosen)), begun__lt=until)


class RunByFilter(admin.SimpleListFilter):
    """By whether a learner or staff ran it."""

    title = "run by"
    parameter_name = "run_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both."""
        return [("learners", "learners"), ("staff", "staff")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the executions of the chosen ones."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(staff__isnull=chosen == "learners")
