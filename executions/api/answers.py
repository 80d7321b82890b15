"""The answers of the API: what OpenAPI says of them, and how they become JSON.

The fields are declared for the schema; the values need no conversion. docs/decisions/0019-one-answer.md.
"""

from typing import Any

from rest_framework import serializers

from executions.answer import ECHOES
from executions.models import Execution
from executions.sandbox.results import RunStatus
from web.fields import ChoiceField

RECORDED = (
    "output error error_detail execution_time test_results status exit_code cpu_time memory_peak_kb truncated "
    "learner created finished"
).split()
"""What the answer from a record takes from it unchanged."""

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


class ErrorDetailSerializer(DataclassSerializer):
    """What went wrong, and where, for an editor to mark. It comes from the process that the program ran in."""

    type = serializers.CharField(help_text="The exception, or what ended the program in place of one.")
    message = serializers.CharField(help_text="What Python says of it.")
    line = serializers.IntegerField(min_value=1, allow_null=True, help_text="The innermost line of `code`.")
    column = serializers.IntegerField(min_value=1, allow_null=True, help_text="In characters, from 1.")
    end_column = serializers.IntegerField(min_value=1, allow_null=True, help_text="After the last character.")
    source = serializers.CharField(allow_null=True, help_text="The line itself.")  # type: ignore[assignment]
    hint = serializers.CharField(allow_null=True, help_text="A sentence of help for a beginner.")


class ImageSerializer(DataclassSerializer):
    """Something that the program has shown."""

    format = ChoiceField(choices=["png"], help_text="The only one.")
    data = serializers.CharField(help_text="In base64.")  # type: ignore[assignment]
    width = serializers.IntegerField(min_value=1, help_text="Pixels.")
    height = serializers.IntegerField(min_value=1, help_text="Pixels.")
    test_index = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="The place of the test case that showed it; null: the program itself."
    )


class TestResultSerializer(DataclassSerializer):
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


class AnswerSerializer(DataclassSerializer):
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

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        """Return the JSON object for a record. What is JSON there already may be older than today's fields."""
        results = instance.test_results
        if results and instance.test_cases:
            results = [_with_echoes(*each) for each in zip(results, instance.test_cases, strict=True)]
        recorded = {name: getattr(instance, name) for name in RECORDED} | {"test_results": results}
        return {**recorded, "images": [], "images_dropped": 0, "id": str(instance.public_id)}


def _with_echoes(result: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded result together with what it repeats of its test case."""
    return {name: None if case["hidden"] else case[name] for name in ECHOES} | result
