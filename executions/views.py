"""The HTTP side of running programs."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apikeys.client_address import client_address
from apikeys.models import ApiKey
from apikeys.throttling import KeyRateThrottle, rate_headers
from codeexec.errors import ServiceUnavailable
from executions.executor import get_executor
from executions.sandbox.results import SandboxError
from executions.serializers import ExecutionRequestSerializer
from executions.service import Source, execute


class ExecuteView(APIView):
    """`POST /execute`: run a program and answer with what it did."""

    throttle_classes = (KeyRateThrottle,)
    http_method_names = ("post",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse another method before anything else: what can be asked here does not depend on who asks."""
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        """Run the program in the body."""
        serializer = ExecutionRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        assert isinstance(request.auth, ApiKey)  # noqa: S101 (by ApiKeyAuthentication)
        source = Source(request.auth, request.headers.get("Origin", ""), client_address(request._request))
        try:
            return Response(execute(serializer.request(), source, get_executor()))
        except SandboxError as error:
            raise ServiceUnavailable from error

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add what every answer carries: no cache may keep it, and the caller sees what is left of its rate."""
        response["Cache-Control"] = "no-store"
        for name, value in rate_headers(request).items():
            response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)
