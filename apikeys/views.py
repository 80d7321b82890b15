"""The base of all views that need a key, and the view that mints learner tokens."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apikeys import tokens
from apikeys.authentication import caller_of
from apikeys.limits import Refused
from apikeys.throttling import KeyRateThrottle, limit_headers, to_http_error
from apikeys.token_schema import TokenRequestSerializer, describe_minting
from web.bodies import LengthRequired
from web.sentences import SECRET_KEY_REQUIRED


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
        """Answer an error: the one place where a refusal becomes HTTP."""
        return super().handle_exception(to_http_error(self.request, exc) if isinstance(exc, Refused) else exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Forbid caching, and add the headers that show what remains of the caller's limits."""
        response["Cache-Control"] = "no-store"
        for name, value in limit_headers(request).items():
            response[name] = value
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
