"""The base of all views that need a key, its throttles, and the view that mints learner tokens.

Here requests are counted against the rates, and here alone refusals become HTTP.
"""

import logging
from typing import Any

from django.http import UnreadablePostError
from rest_framework.exceptions import APIException, MethodNotAllowed, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apikeys import tokens, traffic
from apikeys.authentication import KEY_ATTRIBUTE, caller_of
from apikeys.limits import (
    LimitUse,
    Refused,
    Unavailable,
    count_execution,
    count_input,
    count_request,
    refuse_over_rate,
)
from apikeys.models import LEARNER_CHARACTERS
from apikeys.token_schema import TokenRequestSerializer, describe_minting
from web.bodies import LengthRequired
from web.errors import ServiceUnavailable, TooManyRequests
from web.fields import StringField
from web.sentences import SECRET_KEY_REQUIRED

USES_ATTRIBUTE = "limit_uses"
LEARNER_FIELD = StringField(max_length=LEARNER_CHARACTERS)

log = logging.getLogger(__name__)


class KeyRateThrottle(BaseThrottle):
    """Counts a request against its key's rate, separately for each `throttle_scope` of the views."""

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
        """Count the request, even if its body is unreadable, and return what is left.

        The body names the learner, unless a token does. An address over its rate is refused before its body is read.
        """
        caller = caller_of(request)
        if not caller.is_server:
            refuse_over_rate(caller.key, caller.names(""))
        try:
            learner = learner_named_in(request.data) if caller.learner is None else ""
        except (APIException, UnreadablePostError):
            count_execution(caller.key, caller.names(""))
            raise
        return count_execution(caller.key, caller.names(learner))


class InputRateThrottle(KeyRateThrottle):
    """Counts input for running programs by learner or address. The key itself has no limit for input."""

    def count(self, request: Request, view: Any) -> list[LimitUse]:
        """Count the request, and return what is left."""
        caller = caller_of(request)
        return [count_input(caller.key, caller.counted_as(""))]


class KeyedView(APIView):
    """A view that needs a key, within the key's rate."""

    throttle_classes: Any = (KeyRateThrottle,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, before authentication, what no caller may send."""
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        if "Transfer-Encoding" in request.headers:
            raise LengthRequired
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an error. The headers show the limit that was reached, and no other."""
        if isinstance(exc, Refused) and exc.use is not None:
            setattr(self.request._request, USES_ATTRIBUTE, [exc.use])
        return self.answer_error(exc)

    def answer_error(self, error: Exception) -> Response:
        """Return the answer to an error: the one place where a refusal becomes HTTP."""
        return super().handle_exception(_to_http_error(error) if isinstance(error, Refused) else error)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Forbid caching, add the headers that show what remains of the caller's limits, and count the request."""
        response["Cache-Control"] = "no-store"
        for name, value in _limit_headers(request).items():
            response[name] = value
        _count(request, response)
        return super().finalize_response(request, response, *args, **kwargs)


class IsServer(BasePermission):
    """Permits only servers, which hold a secret key themselves."""

    message = SECRET_KEY_REQUIRED
    code = "secret_key_required"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the caller is a server."""
        return caller_of(request).is_server


class TokensView(KeyedView):
    """`POST /tokens`: mint a learner token."""

    throttle_scope = "Tokens"
    permission_classes = (IsServer,)
    http_method_names = ("post",)

    @describe_minting
    def post(self, request: Request) -> Response:
        """Return a token for the learner in the body."""
        serializer = TokenRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = {"lifetime_seconds": tokens.DEFAULT_LIFETIME_SECONDS, **serializer.validated_data}
        token = tokens.mint_learner_token(caller_of(request).key, **asked)
        body = {"token": str(token), "learner": token.learner, "expires": token.ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return Response(body, status=201)


def _limit_headers(request: Request) -> dict[str, str]:
    """Return the RateLimit header fields for the answer to `request`, none if it was refused before it counted."""
    uses: list[LimitUse] = getattr(request._request, USES_ATTRIBUTE, [])
    if not uses:
        return {}
    fields = {"RateLimit": [use.field() for use in uses], "RateLimit-Policy": [use.policy() for use in uses]}
    return {name: ", ".join(items) for name, items in fields.items()}


def _count(request: Request, response: Response) -> None:
    """Count a request for its key: the one place that sees each answer of the API."""
    key = getattr(request._request, KEY_ATTRIBUTE, None)
    traffic.get_traffic().count(
        key, str(response.data["code"]) if response.status_code in traffic.REFUSED_STATUSES else ""
    )


def _to_http_error(refused: Refused) -> APIException:
    """Return the error for a refusal: 429 for a limit, else 503 or 403."""
    if refused.use is not None:
        return TooManyRequests(refused.sentence, refused.code, refused.use.seconds_left)
    if isinstance(refused, Unavailable):
        log.warning("refused a request: %s", refused.sentence)
        return ServiceUnavailable()
    return PermissionDenied(refused.sentence, refused.code)


def learner_named_in(body: Any) -> str:
    """Return the learner in a body that is not validated yet, or "" if there is none or it is invalid."""
    try:
        return str(LEARNER_FIELD.run_validation(body.get("learner", "") if isinstance(body, dict) else ""))
    except ValidationError:
        return ""
