"""What a request to run a program, or to answer one, may contain."""

from typing import Any

from apikeys.serializers import LearnerField
from codeexec.fields import (
    BoundedListField,
    StrictBooleanField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
    refuse,
)
from executions import limits
from executions.requests import ExecutionRequest, Match, TestCase


class TestCaseSerializer(StrictSerializer):
    """One of `test_cases`."""

    input = StrictTextField(longest_bytes=limits.INPUT_BYTES, required=False, allow_null=True)
    expected_output = StrictTextField(longest_bytes=limits.CODE_BYTES, required=False, allow_null=True)
    code = StrictTextField(longest_bytes=limits.CODE_BYTES, required=False, allow_null=True)
    name = StrictTextField(longest_bytes=limits.NAME_BYTES, required=False, allow_null=True)
    stdin = StrictTextField(longest_bytes=limits.INPUT_BYTES, required=False, allow_null=True)
    match = StrictChoiceField(choices=list(Match), required=False, allow_null=True)
    hidden = StrictBooleanField(required=False, allow_null=True)


class ExecutionRequestSerializer(StrictSerializer):
    """The body of `POST /execute`."""

    code = StrictTextField(longest_bytes=limits.CODE_BYTES, may_be_empty=False)
    language = StrictChoiceField(choices=["python"], required=False, allow_null=True)
    input_data = StrictTextField(longest_bytes=limits.INPUT_BYTES, required=False, allow_null=True)
    test_cases = BoundedListField(
        child=TestCaseSerializer(), required=False, allow_null=True, max_length=limits.TEST_CASES
    )
    timeout = StrictIntegerField(
        lowest=limits.SHORTEST_TIMEOUT_SECONDS, highest=limits.LONGEST_TIMEOUT_SECONDS, required=False, allow_null=True
    )
    learner = LearnerField(required=False, allow_null=True)
    interactive = StrictBooleanField(required=False, allow_null=True)

    def validate_interactive(self, interactive: bool | None) -> bool | None:
        """Refuse it where the program's question could not reach anybody."""
        if interactive and not self.context.get("is_live"):
            refuse("This needs the header Accept: text/event-stream.", "not_live")
        return interactive

    def validate_learner(self, learner: str | None) -> str | None:
        """Refuse another learner than the one that the caller's token is bound to."""
        bound = self.context.get("learner")
        if learner and bound is not None and learner != bound:
            refuse("The token is that of another learner.", "other_learner")
        return learner

    def request(self) -> ExecutionRequest:
        """Return the validated request."""
        values = dict(self.validated_data)
        if bound := self.context.get("learner"):
            values["learner"] = bound
        values.pop("language", None)
        cases = values.pop("test_cases", None)
        if cases is not None:
            values["test_cases"] = tuple(TestCase.of(case) for case in cases)
        return ExecutionRequest(**values)


class InputSerializer(StrictSerializer):
    """The body of `POST /executions/{id}/input`."""

    text = StrictTextField(longest_bytes=limits.INPUT_TEXT_BYTES, required=False, allow_null=True)
    end = StrictBooleanField(required=False, allow_null=True)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body that says nothing."""
        if values.get("text") is None and not values.get("end"):
            refuse("This needs a text, or end: true.", "empty")
        return values

    def line(self) -> str:
        """Return what the program is to read: the text as a line."""
        text = self.validated_data.get("text")
        return "" if text is None else f"{text}\n"
