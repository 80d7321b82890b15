"""The HTTP side of running programs, and of reading what came of them."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.authentication import SUSPENDED
from apikeys.callers import caller_of
from apikeys.client_address import client_address
from apikeys.limits import LimitReached
from apikeys.throttling import ExecutionRateThrottle, too_many_requests, who_runs
from apikeys.views import IsServer, KeyedView
from codeexec.errors import ServiceUnavailable
from executions.executor import get_executor
from executions.models import Execution
from executions.sandbox.results import SandboxError
from executions.serializers import ExecutionRequestSerializer
from executions.service import Source, Suspended, execute, stored_answer


class ExecuteView(KeyedView):
    """`POST /execute`: run a program and answer with what it did."""

    throttle_classes = (ExecutionRateThrottle,)
    http_method_names = ("post",)

    def post(self, request: Request) -> Response:
        """Run the program in the body."""
        serializer = ExecutionRequestSerializer(data=request.data, context={"learner": caller_of(request).learner})
        serializer.is_valid(raise_exception=True)
        try:
            return Response(execute(serializer.request(), _source(request), get_executor()))
        except Suspended as error:
            raise PermissionDenied(SUSPENDED, code="suspended") from error
        except LimitReached as reached:
            raise too_many_requests(request, reached) from reached
        except SandboxError as error:
            raise ServiceUnavailable from error


class ExecutionView(KeyedView):
    """`GET /executions/{id}`: what came of an execution, for the site's server."""

    permission_classes = (IsServer,)
    http_method_names = ("get", "head")

    def get(self, request: Request, public_id: UUID) -> Response:
        """Answer with an execution of this key or of one that it replaces or was replaced by."""
        own = Execution.objects.filter(key__family=caller_of(request).key.family)
        return Response(stored_answer(get_object_or_404(own, public_id=public_id)))


def _source(request: Request) -> Source:
    address = client_address(request._request)
    return Source(caller_of(request).key, who_runs(request), request.headers.get("Origin", ""), address)
