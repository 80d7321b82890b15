"""Where django-rest-framework counts a request against the rates, and how refusals and limits become HTTP."""

import logging
from typing import Any

from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apikeys.authentication import caller_of
from apikeys.limits import UNAVAILABLE, LimitUse, Refused, count_execution, count_input, count_request
from apikeys.token_schema import LearnerField
from web.errors import ServiceUnavailable, TooManyRequests

USES_ATTRIBUTE = "limit_uses"
LEARNER = LearnerField()

log = logging.getLogger(__name__)


def limit_headers(request: Request) -> dict[str, str]:
    """Return the RateLimit header fields for the answer to `request`, none if it was refused before it counted."""
    uses: list[LimitUse] = getattr(request._request, USES_ATTRIBUTE, [])
    if not uses:
        return {}
    fields = {"RateLimit": [use.field() for use in uses], "RateLimit-Policy": [use.policy() for use in uses]}
    return {name: ", ".join(items) for name, items in fields.items()}


def to_http_error(request: Request, refused: Refused) -> APIException:
    """Return the error for a refusal: 429 for a limit, the only one that the headers then show; else 503 or 403."""
    if refused.use is not None:
        setattr(request._request, USES_ATTRIBUTE, [refused.use])
        return TooManyRequests(refused.sentence, refused.code, refused.use.seconds_left)
    if refused.code == UNAVAILABLE:
        log.warning("refused a request: %s", refused.sentence)
        return ServiceUnavailable()
    return PermissionDenied(refused.sentence, refused.code)


class KeyRateThrottle(BaseThrottle):
    """Counts a request against its key's rate, for each `throttle_scope` of the views apart."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request. Raises Refused."""
        setattr(request._request, USES_ATTRIBUTE, self.count(request, view))
        return True

    def count(self, request: Request, view: Any) -> list[LimitUse]:
        """Count the request, and return what is left."""
        return [count_request(caller_of(request).key, view.throttle_scope)]


class ExecutionRateThrottle(KeyRateThrottle):
    """Counts a request to run a program, against the rate of its learner first."""

    def count(self, request: Request, view: Any) -> list[LimitUse]:
        """Count the request, even if its body is unreadable, and return what is left."""
        caller = caller_of(request)
        try:
            learner = _named_learner(request) if caller.is_server else ""
        except APIException:
            count_execution(caller.key, caller.counted_as(""))
            raise
        return count_execution(caller.key, caller.counted_as(learner))


class InputRateThrottle(KeyRateThrottle):
    """Counts input for running programs, by learner or address: they are bounded, and not the key."""

    def count(self, request: Request, view: Any) -> list[LimitUse]:
        """Count the request, and return what is left."""
        caller = caller_of(request)
        return [count_input(caller.key, caller.counted_as(""))]


def _named_learner(request: Request) -> str:
    """Return the learner in the body, which is not validated yet, or "" if there is none or it is invalid.

    Raises APIException if the body cannot be read.
    """
    body = request.data
    try:
        return str(LEARNER.run_validation(body.get("learner", "") if isinstance(body, dict) else ""))
    except ValidationError:
        return ""
