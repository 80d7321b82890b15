"""Where django-rest-framework asks whether a request is within the rates, and how an answer tells what is left."""

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apikeys.callers import caller_of
from apikeys.limits import LimitReached, LimitUse
from apikeys.rate_limits import NotCounted, count_execution, count_input, count_request
from web.client_address import client_address
from web.errors import ServiceUnavailable, TooManyRequests

USES_ATTRIBUTE = "limit_uses"


def limit_headers(request: Request) -> dict[str, str]:
    """Return the RateLimit header fields for the answer to `request`, none if it was refused before it counted."""
    uses: list[LimitUse] = getattr(request._request, USES_ATTRIBUTE, [])
    if not uses:
        return {}
    fields = {"RateLimit": [use.field() for use in uses], "RateLimit-Policy": [use.policy() for use in uses]}
    return {name: ", ".join(items) for name, items in fields.items()}


def too_many_requests(request: Request, reached: LimitReached) -> TooManyRequests:
    """Return the answer for a limit that is used up, whose header fields tell of that limit alone."""
    setattr(request._request, USES_ATTRIBUTE, [reached.use])
    return TooManyRequests(reached.sentence, reached.code, reached.use.seconds_left)


def who_runs(request: Request) -> str:
    """Return under which name the use of a request to run a program is counted.

    Only the body of a server is read for it. Raises APIException where that cannot be read.
    """
    caller = caller_of(request)
    body = request.data if caller.is_server else None
    claimed = body.get("learner") if isinstance(body, dict) else None
    return caller.who(claimed if isinstance(claimed, str) else "", client_address(request._request))


class KeyRateThrottle(BaseThrottle):
    """Counts a request against its key's rate, for each view apart."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request. Raises TooManyRequests, or ServiceUnavailable without a cache."""
        try:
            setattr(request._request, USES_ATTRIBUTE, self.count(request, view))
        except LimitReached as reached:
            raise too_many_requests(request, reached) from reached
        except NotCounted as error:
            raise ServiceUnavailable from error
        return True

    def count(self, request: Request, view: APIView) -> list[LimitUse]:
        """Count the request, and return what is left."""
        return [count_request(request._request, caller_of(request), view.get_view_name())]


class ExecutionRateThrottle(KeyRateThrottle):
    """Counts a request to run a program, against the rate of its learner first."""

    def count(self, request: Request, view: APIView) -> list[LimitUse]:
        """Count the request, one with an unreadable body too, and return what is left."""
        caller = caller_of(request)
        try:
            who = who_runs(request)
        except APIException:
            count_execution(request._request, caller, caller.who("", client_address(request._request)))
            raise
        return count_execution(request._request, caller, who)


class InputRateThrottle(KeyRateThrottle):
    """Counts what is answered to programs, by learner or address: it is bounded by them, and not by the key's rate."""

    def count(self, request: Request, view: APIView) -> list[LimitUse]:
        """Count the request, and return what is left."""
        caller = caller_of(request)
        return [count_input(request._request, caller, caller.who("", client_address(request._request)))]
