"""The answers of the API: their OpenAPI schema, and how they become JSON.

The fields are declared for the schema; the values need no conversion. docs/decisions/0019-one-answer.md.
"""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from executions.answer import ECHOES
from executions.models import Execution
from executions.records.kept import kept
from executions.request import TestCase
from executions.running.score import group_results, score
from executions.sandbox.results import Reason, RunStatus
from executions.sandbox.steps import TRACE_CUTS
from guest.protocol import TRACE_EVENTS
from web.fields import ChoiceField
from web.openapi import ErrorSerializer

RECORDED = (
    "output error error_detail execution_time test_results status exit_code cpu_time memory_peak_kb truncated "
    "learner exercise created finished"
).split()
"""The columns that a stored answer repeats unchanged."""

KEPT_FOR_AN_HOUR = (
    "Not part of the record: kept for an hour after a run in the background or with an `Idempotency-Key`."
)

ENDS = [status for status in RunStatus if status is not RunStatus.NOT_RUN]


class DataclassSerializer(serializers.Serializer[Any]):
    """Renders a dataclass whose fields have the names that are declared here, in the dataclass's order.

    The framework's own rendering converts and checks each value, at a multiple of the cost.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the JSON object."""
        declared = self._declared_fields
        return {name: _rendered(declared[name], getattr(instance, name)) for name in instance.__dataclass_fields__}


def _rendered(field: Any, value: Any) -> Any:
    if isinstance(field, serializers.BaseSerializer) and value is not None:
        return field.to_representation(value)
    return value


class ErrorInFileSerializer(DataclassSerializer):
    """Where an error is, in a file beside the program."""

    name = serializers.CharField(help_text="The name of the file.")
    line = serializers.IntegerField(min_value=1, help_text="The innermost line in the file, from 1.")
    column = serializers.IntegerField(min_value=1, allow_null=True, help_text="In characters, from 1.")
    end_column = serializers.IntegerField(min_value=1, allow_null=True, help_text="One past the last character.")
    source = serializers.CharField(help_text="The text of that line.")  # type: ignore[assignment]


class ErrorDetailSerializer(DataclassSerializer):
    """What went wrong and where, for an editor to mark. The program's own process reports it, so do not trust it."""

    type = serializers.CharField(help_text="The exception, or what else ended the program.")
    message = serializers.CharField(help_text="Python's message.")
    line = serializers.IntegerField(min_value=1, allow_null=True, help_text="The innermost line of `code`, from 1.")
    column = serializers.IntegerField(min_value=1, allow_null=True, help_text="In characters, from 1.")
    end_column = serializers.IntegerField(min_value=1, allow_null=True, help_text="One past the last character.")
    source = serializers.CharField(allow_null=True, help_text="The text of that line.")  # type: ignore[assignment]
    hint = serializers.CharField(allow_null=True, help_text="A sentence that helps a beginner.")
    file = ErrorInFileSerializer(
        allow_null=True,
        help_text="Where the error is, if it is in one of `files`; `line` is then the line that led there.",
    )


class ImageSerializer(DataclassSerializer):
    """An image that the program has shown."""

    format = ChoiceField(choices=["png"], help_text="The format of the image.")
    data = serializers.CharField(help_text="The image in base64.")  # type: ignore[assignment]
    width = serializers.IntegerField(min_value=1, help_text="In pixels.")
    height = serializers.IntegerField(min_value=1, help_text="In pixels.")
    test_index = serializers.IntegerField(
        min_value=0,
        allow_null=True,
        help_text="The index of the test case that showed it; null for the program itself.",
    )


class CollectedFileSerializer(DataclassSerializer):
    """A file that the program has left. A request can send it again, as one of its `files`."""

    name = serializers.CharField(help_text="As in `collect`.")
    text = serializers.CharField(
        allow_null=True, help_text="The content, if it is UTF-8 without control characters such as NUL."
    )
    base64 = serializers.CharField(allow_null=True, help_text="The content of any other file, in base64.")


class NotCollectedSerializer(DataclassSerializer):
    """A file of `collect` that is not in `files`."""

    name = serializers.CharField(help_text="As in `collect`.")
    reason = ChoiceField(
        choices=list(Reason),
        help_text="`missing`: there is no such file; `too_large`: it did not fit into the 1 MiB of all files; "
        "`unreadable`: it is a directory, a link or the like; `lost`: the run ended its container, nothing ran, or the "
        "file was not kept.",
    )


class MethodResultSerializer(DataclassSerializer):
    """The result of one method of a `unittest`, or of the examples in one docstring."""

    name = serializers.CharField(help_text="Such as `TestAdd.test_small`, or what the docstring belongs to.")
    passed = serializers.BooleanField()
    message = serializers.CharField(help_text="Why it failed; otherwise an empty string.")


class TestResultSerializer(DataclassSerializer):
    """The result of one test case. A hidden one has only `passed`, `status`, `execution_time` and `feedback`."""

    passed = serializers.BooleanField()
    message = serializers.CharField(help_text="The verdict as a sentence.")
    input = serializers.CharField(allow_null=True, help_text="As sent.")
    expected_output = serializers.CharField(allow_null=True, help_text="As sent.")
    name = serializers.CharField(allow_null=True, help_text="As sent.")
    actual_output = serializers.CharField(
        allow_null=True, help_text="The output that was compared, possibly truncated."
    )
    truncated = serializers.BooleanField(
        allow_null=True, help_text="Whether the test printed more than `actual_output` shows."
    )
    status = ChoiceField(choices=list(RunStatus), help_text="`not_run`: earlier runs used up the time or memory.")
    execution_time = serializers.FloatField(
        min_value=0, help_text="Seconds, rounded to whole seconds for a hidden test."
    )
    hidden = serializers.BooleanField()
    diff = serializers.CharField(allow_null=True, help_text="Where the output differs, if that is why the test failed.")
    error_detail = ErrorDetailSerializer(allow_null=True, help_text="What went wrong in the test; null if nothing did.")
    points = serializers.FloatField(allow_null=True, help_text="As sent.")
    group = serializers.CharField(allow_null=True, help_text="As sent.")
    feedback = serializers.CharField(
        allow_null=True, help_text="The `on_pass` or `on_fail` of the test case, even if it is hidden."
    )
    methods = MethodResultSerializer(
        many=True, allow_null=True, help_text="The methods of a `unittest` or `doctest`, at most 100; otherwise null."
    )


class GroupResultSerializer(DataclassSerializer):
    """The result of a group of test cases. Its points count only if all of them pass."""

    name = serializers.CharField(help_text="The `group` of its test cases.")
    passed = serializers.BooleanField()
    score = serializers.FloatField(min_value=0, help_text="`max_score` if all its test cases passed, otherwise 0.")
    max_score = serializers.FloatField(min_value=0, help_text="The points of its test cases together.")


class FrameSerializer(DataclassSerializer):
    """A frame of a step."""

    function = serializers.CharField(help_text="`<module>` for the program itself.")
    file = serializers.CharField(help_text="`main.py`, or one of `files`.")
    line = serializers.IntegerField(min_value=1, help_text="The line where the frame is, from 1.")
    variables = serializers.DictField(
        child=serializers.CharField(), help_text="The frame's variables, each value as a short string."
    )


class StepSerializer(DataclassSerializer):
    """A step of a trace: the program as it was before a line ran, or when a function was entered or left."""

    event = ChoiceField(choices=list(TRACE_EVENTS), help_text="What happens next, or has just happened.")
    line = serializers.IntegerField(min_value=1, help_text="The line of the innermost frame.")
    value = serializers.CharField(allow_null=True, help_text="What a function returns, or the exception.")
    printed = serializers.IntegerField(min_value=0, help_text="How many characters of `output` had been printed.")
    depth = serializers.IntegerField(min_value=1, help_text="How many frames there are.")
    stack = FrameSerializer(many=True, help_text="The outermost frame and the innermost ones, at most 20.")


class TraceSerializer(DataclassSerializer):
    """The steps of a program. Its own process reports them, so do not trust them."""

    steps = StepSerializer(many=True, help_text="At most 500 steps.")
    cut = ChoiceField(
        choices=list(TRACE_CUTS),
        allow_null=True,
        help_text="Why there are no more steps; null if they reach the program's end.",
    )
    output = serializers.CharField(help_text="What the traced run printed on stdout.")


class AnswerSerializer(DataclassSerializer):
    """What a program did."""

    output = serializers.CharField(help_text="The first 64 KiB of stdout, including before a timeout or kill.")
    error = serializers.CharField(help_text="The traceback, or what ended the program; otherwise an empty string.")
    execution_time = serializers.FloatField(
        min_value=0, help_text="Seconds that the program ran, without its test cases."
    )
    test_results = TestResultSerializer(
        many=True, allow_null=True, help_text="One result for each test case, in order; null without test cases."
    )
    score = serializers.FloatField(
        min_value=0, allow_null=True, help_text="The points that the program got; null if no test case has points."
    )
    max_score = serializers.FloatField(
        min_value=0, allow_null=True, help_text="The points of all test cases; null if none has points."
    )
    groups = GroupResultSerializer(many=True, help_text="The groups of the test cases, in their order.")
    id = serializers.UUIDField(help_text="The ID of the record.")
    status = ChoiceField(choices=ENDS, help_text="How the program ended.")
    exit_code = serializers.IntegerField(allow_null=True, help_text="null if the program was killed.")
    cpu_time = serializers.FloatField(min_value=0, help_text="Seconds of CPU time.")
    memory_peak_kb = serializers.IntegerField(min_value=0, help_text="Peak memory use in KiB.")
    truncated = serializers.BooleanField(help_text="Whether the program printed more than is kept.")
    error_detail = ErrorDetailSerializer(allow_null=True, help_text="What went wrong, and where; null if nothing did.")
    images = ImageSerializer(many=True, help_text=f"Images shown by the program and its test cases. {KEPT_FOR_AN_HOUR}")
    images_dropped = serializers.IntegerField(min_value=0, help_text="How many other images were dropped.")
    trace = TraceSerializer(
        allow_null=True, help_text=f"The steps of the program; null unless requested. {KEPT_FOR_AN_HOUR}"
    )
    files = CollectedFileSerializer(
        many=True,
        help_text=f"The files of `collect` that the program left, in that order. {KEPT_FOR_AN_HOUR}",
    )
    not_collected = NotCollectedSerializer(many=True, help_text="The other files of `collect`, each with the reason.")


class StoredAnswerSerializer(AnswerSerializer):
    """A stored execution. Its figures are null until it has ended."""

    status = ChoiceField(
        choices=list(Execution.Status),
        help_text="`running`, how the program ended, `refused` (nothing ran) or `internal_error` (our fault).",
    )
    execution_time = serializers.FloatField(min_value=0, allow_null=True, help_text="Seconds.")
    cpu_time = serializers.FloatField(min_value=0, allow_null=True, help_text="Seconds of CPU time.")
    memory_peak_kb = serializers.IntegerField(min_value=0, allow_null=True, help_text="Peak memory use in KiB.")
    learner = serializers.CharField(help_text="The learner of the request; an empty string if none was given.")
    exercise = serializers.CharField(allow_null=True, help_text="The exercise of the request; null if none was given.")
    created = serializers.DateTimeField()
    finished = serializers.DateTimeField(allow_null=True, help_text="null while it runs.")

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        """Return the JSON object for a record. JSON columns may have been written before today's fields existed."""
        results, cases = instance.test_results or [], instance.test_cases or []
        recorded = {name: getattr(instance, name) for name in RECORDED}
        if results and cases:
            recorded["test_results"] = [_with_echoes(*each) for each in zip(results, cases, strict=True)]
        others = {"id": str(instance.public_id), **asdict(kept(instance))}
        return recorded | _scores(cases if results else [], results) | others


def repeated_answer(execution: Execution) -> dict[str, Any]:
    """Return the answer to an earlier request again, from the record of its execution."""
    stored = StoredAnswerSerializer().to_representation(execution)
    return {name: stored[name] for name in AnswerSerializer._declared_fields}


class AcceptedSerializer(serializers.Serializer[Any]):
    """A program that will run."""

    id = serializers.UUIDField(help_text="The ID of the record, for `GET /executions/{id}`.")
    status = ChoiceField(choices=[Execution.Status.RUNNING], help_text="It is waiting for its turn, or running.")


class BatchItemSerializer(serializers.Serializer[Any]):
    """Whether a program of a batch was accepted or refused."""

    id = serializers.UUIDField(allow_null=True, help_text="The ID of its record; null if it was refused.")
    error = ErrorSerializer(allow_null=True, help_text="Why it was refused, as `POST /executions` would respond.")


class BatchAnswerSerializer(serializers.Serializer[Any]):
    """Which programs of a batch were accepted."""

    executions = BatchItemSerializer(many=True, help_text="One item for each program, in order.")


def accepted(execution: Execution) -> dict[str, str]:
    """Return the answer to a request that was accepted."""
    return {"id": str(execution.public_id), "status": str(Execution.Status.RUNNING)}


def _with_echoes(result: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded result together with what it repeats of its test case."""
    return {name: None if case["hidden"] else case[name] for name in ECHOES if name in case} | result


def _scores(cases: list[dict[str, Any]], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the score of recorded results, and that of their groups."""
    test_cases, passed = [TestCase.of(case) for case in cases], [result["passed"] for result in results]
    gained, most = score(test_cases, passed)
    groups = [asdict(group) for group in group_results(test_cases, passed)]
    return {"score": gained, "max_score": most, "groups": groups}
