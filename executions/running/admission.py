"""Whether a valid request may run now.

A request is checked in this order, and the first refusal is the answer:

1. The method, and that the body is not chunked: MethodNotAllowed, LengthRequired (`apikeys/views.py`).
2. The key, then a suspended family or address, then the origin: AuthenticationFailed, Refused, PermissionDenied
   (`apikeys/authentication.py`).
3. Where only a server may call, that the key is secret: PermissionDenied (`apikeys/views.py`).
4. The rates of the learner, the address and the key: Refused (`apikeys/views.py`). They come before the body is
   validated, because invalid requests count too.
5. The body as JSON, then its fields: ParseError, UnsupportedMediaType, BodyTooLarge, ValidationError.
6. Here: an interactive slot, the disk, a suspended learner, then the concurrency, executions and CPU seconds of the
   key, and the caller's shares of them: Refused.
7. In the sandbox: the gate, the queue, and that the client is still there: SandboxUnavailable, SandboxBusy, CallerGone.
   From here on the request is on record.

`apikeys.views.KeyedView` alone turns Refused into an answer (docs/decisions/0020-one-admission.md).
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.db import close_old_connections, transaction

from apikeys.callers import Caller, refuse_suspended_learner
from apikeys.limits import Unavailable
from apikeys.quotas import Account, check_quotas, lock_use
from executions.models import Execution
from executions.records.record import Payer, create, find_running
from executions.request import ExecutionRequest
from executions.running.backend import Backend
from executions.running.interactive import InteractiveSession
from executions.sandbox.console import Console


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from. `is_waiting` returns whether the client is still there."""

    caller: Caller
    origin: str
    is_waiting: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Admitted:
    """An execution that may run and is recorded as running. The caller must end its `session`, if there is one."""

    execution: Execution
    payer: Payer
    session: InteractiveSession | None


def admit(request: ExecutionRequest, source: Source, backend: Backend, console: Console | None = None) -> Admitted:
    """Record that `request` is about to run. An execution that a client watches has a `console`.

    Raises Refused or DatabaseError; then there is no record.
    """
    caller = source.caller
    names = caller.names(request.learner)
    with ExitStack() as undo:
        session = None
        if console is not None and console.is_interactive:
            session = backend.sessions.begin(caller, names, console)
            undo.callback(backend.sessions.end, session)
        if backend.executor.health().disk != "ok":  # nothing may be written there, not even a refusal
            raise Unavailable("a disk is nearly full")
        refuse_suspended_learner(caller.key, request.learner)
        account = Account.today(caller.key, names)
        with transaction.atomic():  # the lock lasts until the execution counts as running
            use = lock_use(account)
            check_quotas(account, use, find_running(caller.key))
            columns = {"learner": request.learner, "origin": source.origin, "client_address": caller.address}
            execution = create(request, key=caller.key, **columns)
        if session is not None:
            session.public_id = execution.public_id
            backend.announce(execution.public_id)
        undo.pop_all()
    close_old_connections()  # returns a pooled one: others may use it while the program runs
    return Admitted(execution, Payer(account, use), session)
