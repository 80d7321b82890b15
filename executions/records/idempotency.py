"""Requests that are answered once, however often they are sent: an `Idempotency-Key` names them.

See draft-ietf-httpapi-idempotency-key-header. Only answers are kept: what was refused or lost may be tried again.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.utils import timezone

from executions.configuration import longest_execution
from executions.models import Execution, IdempotentRequest
from executions.owner import Owner
from executions.records.kept import KEPT_FOR
from executions.records.servers import living

LOST = (Execution.Status.REFUSED, Execution.Status.INTERNAL_ERROR)

log = logging.getLogger(__name__)


class KeyReused(Exception):
    """The key was sent with another body, or to another path."""


class InProgress(Exception):
    """The first request with the key has no answer yet."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a request. End it with one of its methods."""

    name: str
    server: Any
    created: datetime

    def keep_execution(self, public_id: str) -> None:
        """Let the record of an execution answer from now on. Raises DatabaseError."""
        execution = Execution.objects.filter(public_id=public_id).first()
        if execution is None:  # erased
            return self.release()
        self._own().update(execution=execution)

    def keep_response(self, body: dict[str, Any]) -> None:
        """Let this body answer from now on. Raises DatabaseError."""
        self._own().update(response=json.dumps(body))

    def release(self) -> None:
        """Let the next request try again."""
        try:
            self._own().delete()
        except (DatabaseError, InterfaceError) as error:  # others wait as for a program that takes long
            log.warning("the key of a request was not released: %s", error)

    def _own(self) -> Any:
        return IdempotentRequest.objects.filter(name=self.name, server=self.server, created=self.created)


def sha256(*parts: Any) -> str:
    """Return the SHA-256 of `parts` as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def claim(name: str, fingerprint: str, may_judge: bool = True) -> Claim | Execution | dict[str, Any]:
    """Return the right to answer a request, or the answer to an earlier one: its execution, or its body.

    Unless the caller `may_judge` which other processes are dead, no claim of theirs is taken over. Raises KeyReused,
    InProgress, or DatabaseError.
    """
    new = Claim(name, Owner.of_this_process().id, timezone.now())
    IdempotentRequest.objects.filter(name=name, created__lt=new.created - KEPT_FOR).delete()
    try:
        with transaction.atomic():
            IdempotentRequest.objects.create(name=name, fingerprint=fingerprint, server=new.server, created=new.created)
        return new
    except IntegrityError:
        found = IdempotentRequest.objects.select_related("execution__kept").filter(name=name).first()
    if found is None:  # released just now
        raise InProgress
    if found.fingerprint != fingerprint:
        raise KeyReused
    if found.response:
        body: dict[str, Any] = json.loads(found.response)
        return body
    if found.execution is not None and found.execution.status not in (Execution.Status.RUNNING, *LOST):
        return found.execution
    if _is_in_progress(found, may_judge):
        raise InProgress
    return _take_over(found, new)


def _is_in_progress(found: IdempotentRequest, may_judge: bool) -> bool:
    if found.execution is not None:  # it has been answered, and its record is late
        return found.execution.status == Execution.Status.RUNNING
    is_recent = found.created > timezone.now() - longest_execution()
    if (
        found.server == Owner.of_this_process().id or not may_judge
    ):  # after an outage of the database nobody seems alive
        return is_recent
    return is_recent and found.server in [server.id for server in living()]


def _take_over(found: IdempotentRequest, new: Claim) -> Claim:
    """Return the right that another request had and has lost."""
    same = IdempotentRequest.objects.filter(
        name=found.name, server=found.server, created=found.created, execution=found.execution
    )
    if not same.update(server=new.server, created=new.created, execution=None):
        raise InProgress  # somebody else was faster
    return new
