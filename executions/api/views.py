"""The HTTP side of running programs, now or in the background, of sending them input, and of reading their records."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.authentication import caller_of
from apikeys.limits import Refused, count_execution
from apikeys.views import ExecutionRateThrottle, InputRateThrottle, IsServer, KeyedView, learner_named_in
from executions.api.answers import AnswerSerializer, StoredAnswerSerializer, accepted
from executions.api.event_stream import stream_events
from executions.api.once import HEADER, NOT_LIVE, Body, has_key, respond_once
from executions.api.schema import describe_background, describe_batch, describe_execute, describe_input, describe_stored
from executions.api.serializers import (
    BackgroundRequestSerializer,
    BatchSerializer,
    ExecutionRequestSerializer,
    InputSerializer,
    PollSerializer,
    background_context,
)
from executions.bounds import INPUT_BYTES
from executions.models import Execution
from executions.request import ExecutionRequest
from executions.running.admission import Source
from executions.running.backend import get_backend
from executions.running.background import accept
from executions.running.interactive import TooMuchInput, Typist
from executions.running.live import begin_live
from executions.running.service import execute
from executions.sandbox.results import SandboxError
from web.bodies import accepts_events
from web.connection import client_has_gone, ending
from web.errors import ServiceUnavailable
from web.sentences import NOTHING_HERE


class ExecuteView(KeyedView):
    """`POST /execute`: run a program and answer with what it did."""

    throttle_classes = (ExecutionRateThrottle,)
    http_method_names = ("post",)

    @describe_execute
    def post(self, request: Request) -> HttpResponseBase:
        """Run the program in the body."""
        caller, is_live = caller_of(request), accepts_events(request)
        context = {"learner": caller.learner, "is_live": is_live}
        serializer = ExecutionRequestSerializer(data=request.data, context=context)
        serializer.is_valid(raise_exception=True)
        asked, source = serializer.to_request(), _source(request)
        if is_live and has_key(request):
            raise ValidationError({HEADER: NOT_LIVE})

        def run() -> Body:
            return AnswerSerializer(execute(asked, source, get_backend(), is_kept=has_key(request))).data

        try:
            if is_live:
                return stream_events(request, begin_live(asked, source, get_backend()))
            return respond_once(request, run, Response)
        except SandboxError as error:
            raise ServiceUnavailable(get_backend().retry_seconds()) from error


class MayRunInBackground(IsServer):
    """Permits only servers, and tells others what they can do."""

    message = "Only a server with a secret key can run programs in the background. A page can use POST /execute."


def _asked(body: Any, context: dict[str, Any]) -> ExecutionRequest:
    """Return the request in a body, to run in the background. Raises ValidationError."""
    serializer = BackgroundRequestSerializer(data=body, context=context)
    serializer.is_valid(raise_exception=True)
    return serializer.to_request()


class ExecutionsView(KeyedView):
    """`POST /executions`: accept a program that runs in the background."""

    throttle_classes = (ExecutionRateThrottle,)
    permission_classes = (MayRunInBackground,)
    http_method_names = ("post",)

    @describe_background
    def post(self, request: Request) -> Response:
        """Accept the program in the body."""
        asked, source = _asked(request.data, background_context(caller_of(request).key)), _source(request)

        def run() -> Body:
            return accepted(accept(asked, source, get_backend()))

        return respond_once(request, run, _accepted)


class BatchView(KeyedView):
    """`POST /executions/batch`: accept programs that run in the background."""

    throttle_scope = "Batch"
    permission_classes = (MayRunInBackground,)
    http_method_names = ("post",)

    @describe_batch
    def post(self, request: Request) -> Response:
        """Accept the programs in the body, each for itself."""
        serializer = BatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        bodies, source = serializer.validated_data["executions"], _source(request)
        context = background_context(source.caller.key)

        def run() -> Body:
            return {"executions": [self._accept(each, context, source) for each in bodies]}

        return respond_once(request, run, partial(Response, status=202))

    def _accept(self, body: Any, context: dict[str, Any], source: Source) -> Body:
        """Return the item for one program. It counts against the rates like a request of its own."""
        caller = source.caller
        try:
            count_execution(caller.key, caller.names(learner_named_in(body)))
            return {"id": accepted(accept(_asked(body, context), source, get_backend()))["id"], "error": None}
        except (Refused, APIException, DatabaseError, InterfaceError, RedisError) as error:
            return {"id": None, "error": self.answer_error(error).data}


class ExecutionView(KeyedView):
    """`GET /executions/{id}`: the answer on record, for the site's server."""

    throttle_scope = "Execution"
    permission_classes = (IsServer,)
    http_method_names = ("get", "head")

    @describe_stored
    def get(self, request: Request, id: UUID) -> Response:
        """Answer with an execution of this key or of one that it replaces or was replaced by, when it has ended."""
        serializer = PollSerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        own = Execution.objects.select_related("kept").filter(key__family=caller_of(request).key.family)
        execution = get_object_or_404(own, public_id=id)
        seconds = serializer.validated_data.get("wait", 0)
        if seconds and execution.status == Execution.Status.RUNNING:
            get_backend().polls.wait(execution, seconds, partial(_is_over, _source(request)))
            execution = get_object_or_404(own, public_id=id)
        return Response(StoredAnswerSerializer(execution).data)


class ExecutionInputView(KeyedView):
    """`POST /executions/{id}/input`: input for a running program."""

    throttle_classes = (InputRateThrottle,)
    http_method_names = ("post",)

    @describe_input
    def post(self, request: Request, id: UUID) -> Response:
        """Send the program its input. 404 for any execution that takes no input from this caller."""
        serializer = InputSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        is_end = serializer.validated_data.get("end", False)

        def send() -> Body:
            try:
                if not get_backend().send_input(id, Typist.of(caller_of(request)), serializer.line(), is_end):
                    raise NotFound(NOTHING_HERE)
            except SandboxError as error:
                raise ServiceUnavailable(1) from error
            except TooMuchInput as error:
                raise ValidationError({"text": f"All input together is at most {INPUT_BYTES} bytes."}) from error
            return {}

        return respond_once(request, send, lambda _: Response(status=204))


def _accepted(body: Body) -> Response:
    return Response(body, status=202, headers={"Location": f"/executions/{body['id']}"})


def _is_over(source: Source) -> bool:
    """Return whether a request should stop waiting: nobody reads the answer, or this process is about to stop."""
    return ending.is_set() or not source.is_waiting()


def _source(request: Request) -> Source:
    connection = request.META.get("gunicorn.socket")
    return Source(caller_of(request), request.headers.get("Origin", ""), lambda: not client_has_gone(connection))
