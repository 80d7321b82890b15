"""What OpenAPI tells of running programs and of what came of them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from executions.api.serializers import ExecutionRequestSerializer, InputSerializer
from executions.models import Execution
from executions.sandbox.results import RunStatus
from guest.hints.messages import HINTS
from web.fields import ChoiceField
from web.openapi import FOR_BODIES, FOR_KEYS, errors, headers

ENDS = [status for status in RunStatus if status is not RunStatus.NOT_RUN]


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What went wrong, and where, for an editor to mark. It comes from the process that the program ran in."""

    type = serializers.CharField(help_text="The exception, or what ended the program in place of one.")
    message = serializers.CharField(help_text="What Python says of it.")
    line = serializers.IntegerField(min_value=1, allow_null=True, help_text="The innermost line of `code`.")
    column = serializers.IntegerField(min_value=1, allow_null=True, help_text="In characters, from 1.")
    end_column = serializers.IntegerField(min_value=1, allow_null=True, help_text="After the last character.")
    source = serializers.CharField(allow_null=True, help_text="The line itself.")  # type: ignore[assignment]
    hint = serializers.CharField(allow_null=True, help_text="A sentence of help for a beginner.")


class ImageSerializer(serializers.Serializer[Any]):
    """Something that the program has shown."""

    format = ChoiceField(choices=["png"], help_text="The only one.")
    data = serializers.CharField(help_text="In base64.")  # type: ignore[assignment]
    width = serializers.IntegerField(min_value=1, help_text="Pixels.")
    height = serializers.IntegerField(min_value=1, help_text="Pixels.")
    test_index = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="The place of the test case that showed it; null: the program itself."
    )


class TestResultSerializer(serializers.Serializer[Any]):
    """What came of one test case. Of a hidden one it tells `passed`, `status` and `execution_time`."""

    passed = serializers.BooleanField()
    message = serializers.CharField(help_text="The verdict in a sentence.")
    input = serializers.CharField(allow_null=True, help_text="As it was sent.")
    expected_output = serializers.CharField(allow_null=True, help_text="As it was sent.")
    name = serializers.CharField(allow_null=True, help_text="As it was sent.")
    actual_output = serializers.CharField(allow_null=True, help_text="What was compared, or its head.")
    truncated = serializers.BooleanField(
        allow_null=True, help_text="Whether more was printed than `actual_output` has."
    )
    status = ChoiceField(choices=list(RunStatus), help_text="`not_run`: the time was up before.")
    execution_time = serializers.FloatField(min_value=0, help_text="Seconds; whole ones of a hidden test.")
    hidden = serializers.BooleanField()
    diff = serializers.CharField(allow_null=True, help_text="Where the output differs, if that is why it failed.")
    error_detail = ErrorDetailSerializer(allow_null=True, help_text="What went wrong in it; null if nothing did.")


class AnswerSerializer(serializers.Serializer[Any]):
    """What a program did."""

    output = serializers.CharField(help_text="What was printed, also before a timeout or a kill; the first 64 KiB.")
    error = serializers.CharField(help_text="The traceback, or what ended the program; else an empty text.")
    execution_time = serializers.FloatField(min_value=0, help_text="Seconds that the program itself took.")
    test_results = TestResultSerializer(
        many=True, allow_null=True, help_text="One for each test case, in their order; null without test cases."
    )
    id = serializers.UUIDField(help_text="Of the record.")
    status = ChoiceField(choices=ENDS, help_text="How the program ended.")
    exit_code = serializers.IntegerField(allow_null=True, help_text="null when the program was killed.")
    cpu_time = serializers.FloatField(min_value=0, help_text="Seconds of processor time.")
    memory_peak_kb = serializers.IntegerField(min_value=0, help_text="The most memory it held.")
    truncated = serializers.BooleanField(help_text="Whether more was printed than is kept.")
    error_detail = ErrorDetailSerializer(allow_null=True, help_text="What went wrong, and where; null if nothing did.")
    images = ImageSerializer(many=True, help_text="What the program has shown, itself and under test cases; not kept.")
    images_dropped = serializers.IntegerField(min_value=0, help_text="How many images more were not taken.")


class StoredAnswerSerializer(AnswerSerializer):
    """What is on record of an execution. Until it has ended, its figures are null."""

    status = ChoiceField(
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
    "images_dropped": 0,
    "id": "01a20721-e828-7330-892d-0b9ae5257344",
}
TIMEOUT = {
    **ANSWER,
    "output": "so far\n",
    "error": "Execution timed out after 5 seconds",
    "execution_time": 5.000812,
    "status": "timeout",
    "exit_code": None,
    "error_detail": {
        "type": "Timeout",
        "message": "Execution timed out after 5 seconds",
        "line": None,
        "column": None,
        "end_column": None,
        "source": None,
        "hint": HINTS["timeout"],
    },
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
            "truncated": False,
            "status": "success",
            "execution_time": 0.004526,
            "hidden": False,
            "diff": None,
            "error_detail": None,
        },
        {
            "passed": True,
            "message": "✅ Test passed",
            "input": None,
            "expected_output": None,
            "name": None,
            "actual_output": None,
            "truncated": None,
            "status": "success",
            "execution_time": 0.0,
            "hidden": True,
            "diff": None,
            "error_detail": None,
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
    " NUL or half of a surrogate pair is a 400 that names the field.\n\n"
    "With `Accept: text/event-stream` the answer comes as it happens, in server-sent events: `start`, `stdout`,"
    " `stderr`, `image`, `input`, `test`, and last `result` with the answer, or `error`.",
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
            "interactive_limited",
            "executions_used_up",
            "cpu_used_up",
        ),
    },
)

ID = OpenApiParameter(
    "id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The `id` of the answer."
)

describe_input = extend_schema(
    operation_id="answerProgram",
    tags=["Executions"],
    summary="Answer a program that waits for input",
    description="Gives an interactive program, whose events somebody reads, a line of input, the end of it, or both. By"
    " the same key, and the same learner if it was a learner token.",
    parameters=[ID, *headers(limited=True)],
    request=InputSerializer,
    examples=[
        OpenApiExample("A line", {"text": "Ada"}, request_only=True),
        OpenApiExample("The end of input", {"end": True}, request_only=True),
    ],
    responses={
        204: OpenApiResponse(None, "It is given."),
        **errors(*FOR_KEYS, *FOR_BODIES, "learner_rate_limited", "not_found"),
    },
)

describe_stored = extend_schema(
    operation_id="getExecution",
    tags=["Executions"],
    summary="What came of an execution",
    description="For a server with a secret key: what was answered to a request of this key or of one that it was"
    " rotated from or into. While the program runs, `status` is `running`.",
    parameters=[ID, *headers(limited=True)],
    responses={
        200: OpenApiResponse(StoredAnswerSerializer, "What is on record.", [OpenApiExample("One that ended", STORED)]),
        **errors(*FOR_KEYS, "secret_key_required", "not_found"),
    },
)
