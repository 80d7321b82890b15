"""Deletes executions: old ones, and those of a learner who asks for it. Learners may be minors.

They are deleted in batches, each with its entry in the audit log in the same transaction, so an interrupted deletion
can simply be run again. The entries hold only numbers, because nobody can remove a learner's id from the log.
"""

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from apikeys.models import DailyUse, Suspension
from audit.events import record_event
from executions.models import Execution
from executions.threads import Loop
from web.moments import DAY_SECONDS

BATCH_ROWS = 500
"""How many rows a transaction deletes: a program that runs meanwhile waits for no more than this."""

PAUSE_SECONDS = 0.2
"""Between two batches of the daily run, for the programs that run meanwhile."""

log = logging.getLogger(__name__)


def old_executions(before: datetime) -> models.QuerySet[Execution]:
    """Return the executions from before that time that have ended, oldest first."""
    return Execution.objects.filter(created__lt=before).exclude(status=Execution.Status.RUNNING).order_by("created")


def prune(before: datetime, pause_seconds: float = 0, batch_rows: int = BATCH_ROWS) -> int:
    """Delete executions and daily use from before that time; return how many executions there were."""
    details = {"before": before.isoformat()}
    total = _delete(old_executions(before), "executions_pruned", details, pause_seconds, batch_rows)
    DailyUse.objects.filter(day__lt=before.date()).delete()
    return total


def erase_learner(learner: str, families: list[UUID] | None = None, batch_rows: int = BATCH_ROWS) -> int:
    """Delete everything about a learner, or only what was sent with keys of `families`. Return how many executions.

    What staff ran again, once or repeatedly, is deleted with the original, and so are suspensions of the learner.
    """
    own = Q() if families is None else Q(key__family__in=families)
    use = Q() if families is None else Q(family__in=families)
    levels = [Execution.objects.filter(own, learner=learner)]
    while levels[-1].exists():
        levels.append(Execution.objects.filter(repeats__in=levels[-1]))
    # The last level first: without the original, nothing would lead to what repeats it.
    total = sum(_delete(level, "learner_erased", {}, 0, batch_rows) for level in reversed(levels))
    DailyUse.objects.filter(use, who=f"learner:{learner}").delete()
    Suspension.objects.filter(own, learner=learner).delete()
    return total


def _delete(
    executions: models.QuerySet[Execution],
    event: str,
    details: Mapping[str, Any],
    pause_seconds: float,
    batch_rows: int,
) -> int:
    total = 0
    while batch := list(executions.values_list("pk", flat=True)[:batch_rows]):
        with transaction.atomic():
            # Locked: a program that ends now would add rows that refer to one that is gone.
            list(Execution.objects.select_for_update().filter(pk__in=batch).order_by("pk").values_list("pk"))
            _, deleted = Execution.objects.filter(pk__in=batch).delete()
            count = deleted.get("executions.Execution", 0)
            record_event(event, details={"executions": count, **details})
        total += count
        time.sleep(pause_seconds)
    return total


class Retention(Loop):
    """Prunes once a day while the process serves, for the first time soon after its start.

    Several processes may do so at once: each finds what the others have left.
    """

    def __init__(self, days: int, every_seconds: float = DAY_SECONDS) -> None:
        super().__init__("retention", self.run_once, every_seconds)
        self._age = timedelta(days=days)

    def run_once(self) -> None:
        """Prune. If the database is down, try again the next day."""
        try:
            count = prune(timezone.now() - self._age, PAUSE_SECONDS)
            log.info("%d executions were older than %s days", count, self._age.days)
        except (DatabaseError, InterfaceError):
            log.exception("could not delete old executions; next attempt tomorrow")
        finally:
            connection.close()
