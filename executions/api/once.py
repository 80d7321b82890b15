"""`Idempotency-Key`: a request that is sent again gets the answer to the first one."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.authentication import caller_of
from executions.api.answers import repeated_answer
from executions.models import Execution
from executions.records.idempotency import Claim, InProgress, KeyReused, claim, sha256
from executions.running.backend import get_backend
from web.sentences import IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS

HEADER = "Idempotency-Key"
KEY = re.compile(r"[!-~]{1,255}")
INVALID = "Must have 1 to 255 visible ASCII characters."
NOT_LIVE = "Not allowed with an event stream, whose events cannot be sent again."
RETRY_SECONDS = 1

Body = dict[str, Any]


class Reused(APIException):
    """The key was sent with another request."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = IDEMPOTENCY_KEY_REUSED


class Pending(APIException):
    """The first request with the key has no answer yet. `wait` is for `Retry-After`."""

    status_code = 409
    default_code = "request_in_progress"
    default_detail = REQUEST_IN_PROGRESS
    wait = RETRY_SECONDS


def has_key(request: Request) -> bool:
    """Return whether a request has the header."""
    return HEADER in request.headers


def respond_once(request: Request, run: Callable[[], Body], to_response: Callable[[Body], Response]) -> Response:
    """Respond with the body that `run` returns, or with that of the first request with the same key and body.

    Keeps nothing of an error. Raises APIException, and what `run` raises.
    """
    if not has_key(request):
        return to_response(run())
    found = _claim(request)
    if not isinstance(found, Claim):
        response = to_response(repeated_answer(found) if isinstance(found, Execution) else found)
        response["Idempotent-Replayed"] = "true"
        return response
    with ExitStack() as undo:
        undo.callback(found.release)
        body = run()
        response = to_response(body)
        undo.pop_all()
    _keep(found, body, is_on_record=response.status_code == 200)
    return response


def _keep(own: Claim, body: Body, is_on_record: bool) -> None:
    """Keep an answer, later if the database is down. The answer of an ended execution is in its record."""
    write = (lambda: own.keep_execution(body["id"])) if is_on_record else (lambda: own.keep_response(body))
    get_backend().late_records.record(str(body.get("id", "a request")), write)


def _claim(request: Request) -> Claim | Execution | Body:
    key, caller = request.headers[HEADER], caller_of(request)
    if not KEY.fullmatch(key):
        raise ValidationError({HEADER: INVALID})
    # A publishable key is public: nobody may get the answer to somebody else's request.
    whose = "" if caller.is_server else caller.counted_as("")
    try:
        name, fingerprint = sha256(str(caller.key.family), whose, key), sha256(request.path, request.data)
        return claim(name, fingerprint, get_backend().heartbeat.may_judge)
    except KeyReused as error:
        raise Reused from error
    except InProgress as error:
        raise Pending from error
