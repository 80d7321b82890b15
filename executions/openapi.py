"""What OpenAPI tells of running programs and of what came of them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from codeexec.fields import StrictChoiceField
from codeexec.openapi_errors import FOR_BODIES, FOR_KEYS, errors, headers
from executions.models import Execution
from executions.sandbox.results import RunStatus
from executions.serializers import ExecutionRequestSerializer

ENDS = [status for status in RunStatus if status is not RunStatus.NOT_RUN]


class TestResultSerializer(serializers.Serializer[Any]):
    """What came of one test case. Of a hidden one it tells `passed`, `status` and `execution_time`."""

    passed = serializers.BooleanField()
    message = serializers.CharField(help_text="The verdict in a sentence.")
    input = serializers.CharField(allow_null=True, help_text="As it was sent.")
    expected_output = serializers.CharField(allow_null=True, help_text="As it was sent.")
    name = serializers.CharField(allow_null=True, help_text="As it was sent.")
    actual_output = serializers.CharField(allow_null=True, help_text="What was compared.")
    status = StrictChoiceField(choices=list(RunStatus), help_text="`not_run`: the time was up before.")
    execution_time = serializers.FloatField(min_value=0, help_text="Seconds.")
    hidden = serializers.BooleanField()


class AnswerSerializer(serializers.Serializer[Any]):
    """What a program did."""

    output = serializers.CharField(help_text="What was printed, also before a timeout or a kill; the first 64 KiB.")
    error = serializers.CharField(help_text="The traceback, or what ended the program; else an empty text.")
    execution_time = serializers.FloatField(min_value=0, help_text="Seconds that the program itself took.")
    test_results = TestResultSerializer(
        many=True, allow_null=True, help_text="One for each test case, in their order; null without test cases."
    )
    id = serializers.UUIDField(help_text="Of the record.")
    status = StrictChoiceField(choices=ENDS, help_text="How the program ended.")
    exit_code = serializers.IntegerField(allow_null=True, help_text="null when the program was killed.")
    cpu_time = serializers.FloatField(min_value=0, help_text="Seconds of processor time.")
    memory_peak_kb = serializers.IntegerField(min_value=0, help_text="The most memory it held.")
    truncated = serializers.BooleanField(help_text="Whether more was printed than is kept.")
    error_detail = serializers.DictField(allow_null=True, help_text="Reserved.")
    images = serializers.ListField(child=serializers.DictField(), help_text="Reserved; empty.")


class StoredAnswerSerializer(AnswerSerializer):
    """What is on record of an execution. Until it has ended, its figures are null."""

    status = StrictChoiceField(
        choices=list(Execution.Status),
        help_text="`running`, how the program ended, `refused` (nothing ran), or `internal_error` (a fault of ours).",
    )
    execution_time = serializers.FloatField(min_value=0, allow_null=True, help_text="Seconds.")
    cpu_time = serializers.FloatField(min_value=0, allow_null=True, help_text="Seconds of processor time.")
    memory_peak_kb = serializers.IntegerField(min_value=0, allow_null=True, help_text="The most memory it held.")
    learner = serializers.CharField(help_text="Who wrote the program; an empty text where that was not said.")
    created = serializers.DateTimeField()
    finished = serializers.DateTimeField(allow_null=True, help_text="null while it runs.")


HELLO = {"code": 'print("Hello,", input())', "input_data": "Ada", "timeout": 5}
ADD = {
    "code": "def add(a, b):\n    return a + b",
    "test_cases": [
        {"input": "add(5, 3)", "expected_output": "8"},
        {"code": "print(add(0.1, 0.2))", "expected_output": "0.3", "match": "float", "hidden": True},
    ],
}
ANSWER = {
    "output": "Hello, Ada\n",
    "error": "",
    "execution_time": 0.001875,
    "test_results": None,
    "status": "success",
    "exit_code": 0,
    "cpu_time": 0.003495,
    "memory_peak_kb": 14972,
    "truncated": False,
    "error_detail": None,
    "images": [],
    "id": "01a20721-e828-7330-892d-0b9ae5257344",
}
TIMEOUT = {
    **ANSWER,
    "output": "so far\n",
    "error": "Execution timed out after 5 seconds",
    "execution_time": 5.000812,
    "status": "timeout",
    "exit_code": None,
}
TESTED = {
    **ANSWER,
    "output": "",
    "test_results": [
        {
            "passed": True,
            "message": "✅ Test passed: add(5, 3) -> Expected: 8",
            "input": "add(5, 3)",
            "expected_output": "8",
            "name": None,
            "actual_output": "8\n",
            "status": "success",
            "execution_time": 0.004526,
            "hidden": False,
        },
        {
            "passed": True,
            "message": "✅ Test passed",
            "input": None,
            "expected_output": None,
            "name": None,
            "actual_output": None,
            "status": "success",
            "execution_time": 0.004411,
            "hidden": True,
        },
    ],
}
STORED = {**ANSWER, "learner": "ada", "created": "2026-11-24T12:00:00.104Z", "finished": "2026-11-24T12:00:00.119Z"}

describe_execute = extend_schema(
    operation_id="execute",
    tags=["Executions"],
    summary="Run a program",
    description="Runs a Python program in a container of its own, with its input and its test cases. A program that"
    " fails is an answer with status 200: the service has done its work.\n\n"
    '`null` is the same as left out. Nothing is coerced or clamped: an unknown field, `"5"` or `5.0` for a number, a'
    " NUL or half of a surrogate pair is a 400 that names the field.",
    parameters=headers(limited=True),
    request=ExecutionRequestSerializer,
    examples=[
        OpenApiExample("With input", HELLO, request_only=True),
        OpenApiExample("With test cases", ADD, request_only=True),
    ],
    responses={
        200: OpenApiResponse(
            AnswerSerializer,
            "What the program did.",
            [
                OpenApiExample("A program that ended", ANSWER),
                OpenApiExample("A timeout", TIMEOUT),
                OpenApiExample("With test cases", TESTED),
            ],
        ),
        **errors(
            *FOR_KEYS,
            *FOR_BODIES,
            "learner_rate_limited",
            "concurrency_limited",
            "executions_used_up",
            "cpu_used_up",
        ),
    },
)

describe_stored = extend_schema(
    operation_id="getExecution",
    tags=["Executions"],
    summary="What came of an execution",
    description="For a server with a secret key: what was answered to a request of this key or of one that it was"
    " rotated from or into. While the program runs, `status` is `running`.",
    parameters=[
        OpenApiParameter(
            "id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The `id` of the answer."
        ),
        *headers(limited=True),
    ],
    responses={
        200: OpenApiResponse(StoredAnswerSerializer, "What is on record.", [OpenApiExample("One that ended", STORED)]),
        **errors(*FOR_KEYS, "secret_key_required", "not_found"),
    },
)
