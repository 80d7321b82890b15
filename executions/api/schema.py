"""The operations and examples that OpenAPI shows for executions."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from executions.api.answers import AcceptedSerializer, AnswerSerializer, BatchAnswerSerializer, StoredAnswerSerializer
from executions.api.serializers import (
    BackgroundRequestSerializer,
    BatchSerializer,
    ExecutionRequestSerializer,
    InputSerializer,
)
from executions.bounds import BATCH, LONGEST_POLL_SECONDS
from executions.running.hint_sentences import HINTS
from web.error_body import error_body
from web.openapi import FOR_BODIES, FOR_IDEMPOTENCY, FOR_KEYS, errors, headers

HELLO = {"code": 'print("Hello,", input())', "input_data": "Ada", "timeout": 5}
ADD = {
    "code": "def add(a, b):\n    return a + b",
    "test_cases": [
        {"input": "add(5, 3)", "expected_output": "8", "points": 1, "on_fail": "add must return a + b."},
        {"avoids": ["sum"], "defines": [{"name": "add", "parameters": 2}]},
        {"code": "print(add(0.1, 0.2))", "expected_output": "0.3", "match": "float", "hidden": True, "points": 1.5},
    ],
}
ANSWER = {
    "output": "Hello, Ada\n",
    "error": "",
    "execution_time": 0.001875,
    "test_results": None,
    "score": None,
    "max_score": None,
    "groups": [],
    "status": "success",
    "exit_code": 0,
    "cpu_time": 0.003495,
    "memory_peak_kb": 14972,
    "truncated": False,
    "error_detail": None,
    "images": [],
    "images_dropped": 0,
    "trace": None,
    "files": [],
    "not_collected": [],
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
        "file": None,
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
            "points": 1,
            "group": None,
            "feedback": None,
            "methods": None,
        },
        {
            "passed": True,
            "message": "✅ Test passed: Do not use sum(). Define a function add with 2 parameters.",
            "input": None,
            "expected_output": None,
            "name": None,
            "actual_output": "",
            "truncated": False,
            "status": "success",
            "execution_time": 0.003917,
            "hidden": False,
            "diff": None,
            "error_detail": None,
            "points": None,
            "group": None,
            "feedback": None,
            "methods": None,
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
            "points": None,
            "group": None,
            "feedback": None,
            "methods": None,
        },
    ],
    "score": 2.5,
    "max_score": 2.5,
}
STORED = {
    **ANSWER,
    "learner": "ada",
    "exercise": "loops-1",
    "created": "2026-11-24T12:00:00.104Z",
    "finished": "2026-11-24T12:00:00.119Z",
}
ACCEPTED = {"id": ANSWER["id"], "status": "running"}
BATCH_ANSWER = {
    "executions": [
        {"id": ANSWER["id"], "error": None},
        {"id": None, "error": error_body("code: Must not be empty.", "invalid", {"code": "Must not be empty."})},
    ]
}
FOR_EXECUTIONS = (
    *FOR_IDEMPOTENCY,
    "learner_rate_limited",
    "concurrency_limited",
    "executions_used_up",
    "cpu_used_up",
)

IDEMPOTENCY = [
    OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        OpenApiParameter.HEADER,
        description="A new value for each request. If you send a request again with the same value within an hour, you"
        " get the answer to the first one.",
    ),
    OpenApiParameter(
        "Idempotent-Replayed",
        str,
        OpenApiParameter.HEADER,
        description="`true` if this is the answer to an earlier request.",
        response=[200, 202],
    ),
]

describe_execute = extend_schema(
    operation_id="execute",
    tags=["Executions"],
    summary="Run a program",
    description="Runs a Python program with its input and test cases in its own container. The response is a 200 even"
    " if the program fails.\n\n"
    '`null` means the same as an omitted field. Nothing is coerced or clamped: an unknown field, `"5"` or `5.0` for an'
    " integer, a NUL or a lone surrogate is a 400 that names the field.\n\n"
    "With `Accept: text/event-stream` the answer is a stream of server-sent events: `start`, `stdout`, `stderr`,"
    " `image`, `drawing`, `input`, `test`, and finally `result` with the answer, or `error`.",
    parameters=[*IDEMPOTENCY, *headers(limited=True)],
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
        **errors(*FOR_KEYS, *FOR_BODIES, *FOR_EXECUTIONS, "interactive_limited"),
    },
)

ID = OpenApiParameter(
    "id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The `id` of the answer."
)

describe_background = extend_schema(
    operation_id="submit",
    tags=["Executions"],
    summary="Run a program in the background",
    description="Accepts a program, which runs as with `POST /execute`, and responds immediately. `Location` is the URL"
    " of its answer; a `webhook` receives it in a signed POST (https://www.standardwebhooks.com). Requires a secret"
    " key.",
    parameters=[*IDEMPOTENCY, *headers(limited=True)],
    request=BackgroundRequestSerializer,
    examples=[OpenApiExample("With test cases", ADD, request_only=True)],
    responses={
        202: OpenApiResponse(AcceptedSerializer, "The program was accepted.", [OpenApiExample("Accepted", ACCEPTED)]),
        **errors(*FOR_KEYS, *FOR_BODIES, *FOR_EXECUTIONS, "secret_key_required"),
    },
)

describe_batch = extend_schema(
    operation_id="submitBatch",
    tags=["Executions"],
    summary="Run programs in the background",
    description=f"Accepts up to {BATCH} programs, each as with `POST /executions`. If one is refused, for example"
    " because it is invalid, the others are still accepted. Each program counts against the rates and quotas like a"
    " request of its own. Requires a secret key.",
    parameters=[*IDEMPOTENCY, *headers(limited=True)],
    request=BatchSerializer,
    examples=[OpenApiExample("Two programs", {"executions": [HELLO, ADD]}, request_only=True)],
    responses={
        202: OpenApiResponse(
            BatchAnswerSerializer, "One item for each program.", [OpenApiExample("One was refused", BATCH_ANSWER)]
        ),
        **errors(*FOR_KEYS, *FOR_BODIES, *FOR_IDEMPOTENCY, "secret_key_required"),
    },
)

describe_input = extend_schema(
    operation_id="answerProgram",
    tags=["Executions"],
    summary="Send input to a running program",
    description="Sends an interactive program a line of input, the end of input, or both. Use the key that started the"
    " program, or one that it was rotated from or to; with a learner token, use a token of the same learner.",
    parameters=[ID, *IDEMPOTENCY, *headers(limited=True)],
    request=InputSerializer,
    examples=[
        OpenApiExample("A line", {"text": "Ada"}, request_only=True),
        OpenApiExample("The end of input", {"end": True}, request_only=True),
    ],
    responses={
        204: OpenApiResponse(None, "The input was accepted."),
        **errors(*FOR_KEYS, *FOR_BODIES, *FOR_IDEMPOTENCY, "learner_rate_limited", "not_found"),
    },
)

WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_POLL_SECONDS},
    description="How many seconds to wait for the end of a program that is still running. Default: 0.",
)

describe_stored = extend_schema(
    operation_id="getExecution",
    tags=["Executions"],
    summary="Get an execution",
    description="Returns the stored answer to a request of this secret key, or of a key that it was rotated from or"
    " to. While the program waits for its turn or runs, `status` is `running`.",
    parameters=[ID, WAIT, *headers(limited=True)],
    responses={
        200: OpenApiResponse(
            StoredAnswerSerializer, "The stored execution.", [OpenApiExample("A finished execution", STORED)]
        ),
        **errors(*FOR_KEYS, "invalid", "secret_key_required", "not_found"),
    },
)
