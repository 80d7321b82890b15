"""What an answer has beyond its record, kept for a while: images, trace and files."""

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from executions.answer import Answer
from executions.models import Execution, IdempotentRequest, KeptResult
from executions.sandbox.results import Reason

KEPT_FOR = timedelta(hours=1)

MOST_BYTES = 256 * 1024 * 1024
"""For one family of keys. Anything beyond it is dropped, like images beyond the limits of an answer."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """The part of an answer that no record has."""

    images: list[dict[str, Any]]
    images_dropped: int
    trace: dict[str, Any] | None
    files: list[dict[str, Any]] = field(default_factory=list)
    not_collected: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, answer: Answer) -> "Bulk":
        """Return that part of `answer`."""
        trace = None if answer.trace is None else asdict(answer.trace)
        files = [asdict(file) for file in answer.files]
        others = [asdict(each) for each in answer.not_collected]
        return cls([asdict(image) for image in answer.images], answer.images_dropped, trace, files, others)

    def without_content(self) -> "Bulk":
        """Return it with all its images dropped, its files lost, and without its trace."""
        lost = [{"name": file["name"], "reason": Reason.LOST} for file in self.files]
        return Bulk([], self.images_dropped + len(self.images), None, [], self.not_collected + lost)


NOTHING = Bulk([], 0, None)


def keep(execution: Execution, bulk: Bulk) -> None:
    """Keep what is in `bulk`, if anything, in the transaction that records the end of `execution`."""
    if bulk == NOTHING:
        return
    content = _json(bulk)
    own = KeptResult.objects.filter(execution__key__family=execution.key.family) if execution.key else None
    used = 0 if own is None else own.aggregate(used=Sum("size_bytes"))["used"] or 0
    if used + len(content) > MOST_BYTES:
        content = _json(bulk.without_content())
    KeptResult.objects.create(execution=execution, content=content, size_bytes=len(content))


def kept(execution: Execution) -> Bulk:
    """Return what is kept of an answer. `execution` should have been selected with its `kept`."""
    try:
        found = execution.kept
    except KeptResult.DoesNotExist:
        return NOTHING
    return Bulk(**json.loads(found.content)) if found.created > timezone.now() - KEPT_FOR else NOTHING


def forget_old() -> None:
    """Delete what has been kept long enough, including idempotency keys. Raises DatabaseError."""
    for model in (KeptResult, IdempotentRequest):
        model.objects.filter(created__lt=timezone.now() - KEPT_FOR).delete()


def _json(bulk: Bulk) -> str:
    return json.dumps(asdict(bulk), separators=(",", ":"))
