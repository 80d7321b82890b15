"""Whether a valid request may run now: its interactive slot, the disk, its learner, its quotas, in this order.

Two checks come earlier, because invalid requests must meet them too: `apikeys.authentication` refuses suspended keys
and addresses, then `apikeys.throttling` counts the request against the rates. Every check raises `Refused`, which
`apikeys.throttling.to_http_error` alone turns into an answer (docs/decisions/0020-one-admission.md).
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.db import transaction

from apikeys.callers import Caller, refuse_suspended_learner
from apikeys.limits import UNAVAILABLE, Refused
from apikeys.quotas import Account, check_quotas, lock_use
from executions.models import Execution
from executions.records.record import Payer, count_running, create
from executions.request import ExecutionRequest
from executions.running.backend import Backend
from executions.running.interactive import InteractiveSession
from executions.sandbox.console import Console


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from: the caller, the page's origin and the client's address.

    `who` is the learner or address that its use counts for, `is_abandoned` says whether the client has gone.
    """

    caller: Caller
    who: str
    origin: str
    client_address: str | None
    is_abandoned: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Admitted:
    """An execution that may run and is on record as running. Its `session`, if it has one, is to be ended."""

    execution: Execution
    payer: Payer
    session: InteractiveSession | None


def admit(request: ExecutionRequest, source: Source, backend: Backend, console: Console | None = None) -> Admitted:
    """Record that `request` is about to run. `console` is that of an execution that is watched.

    Raises Refused, and DatabaseError; then there is no record.
    """
    key = source.caller.key
    with ExitStack() as undo:
        session = None
        if console is not None and console.is_interactive:
            session = backend.sessions.begin(source.caller, source.who, console)
            undo.callback(backend.sessions.end, session)
        if backend.executor.health().disk != "ok":  # not even a refusal may be written there
            raise Refused(UNAVAILABLE, "a disk is nearly full")
        refuse_suspended_learner(key, request.learner)
        account = Account.today(key, source.who)
        with transaction.atomic():  # the lock lasts until the execution counts as running
            use = lock_use(account)
            check_quotas(account, use, count_running(key))
            columns = {"learner": request.learner, "origin": source.origin, "client_address": source.client_address}
            execution = create(request, key=key, **columns)
        if session is not None:
            session.public_id = execution.public_id
        undo.pop_all()
    return Admitted(execution, Payer(account, use), session)
