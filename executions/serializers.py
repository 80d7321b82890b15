"""What a request may contain. Nothing is coerced: a number is no text, and true is no number."""

from typing import Any, NoReturn

from rest_framework import serializers

from executions import limits
from executions.requests import ExecutionRequest, Match, TestCase

UNKNOWN_NAMES_SHOWN = 10
"""Of one object. An answer must not be many times as long as the request that it refuses."""


class StrictTextField(serializers.Field[str, Any, str, Any]):
    """A text, counted in bytes of UTF-8, that every part of the service can hold."""

    def __init__(self, *, longest_bytes: int, may_be_empty: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.longest_bytes = longest_bytes
        self.may_be_empty = may_be_empty

    def to_internal_value(self, data: Any) -> str:
        """Return the text, or refuse what is none."""
        if not isinstance(data, str):
            _refuse("This must be a text.", "not_a_text")
        try:
            size_bytes = len(data.encode())
        except UnicodeEncodeError:
            _refuse("This has half of a surrogate pair in it, which is no character.", "surrogate")
        if "\0" in data:
            _refuse("This must not contain the character NUL.", "nul")
        if size_bytes > self.longest_bytes:
            _refuse(f"This is {size_bytes} bytes long in UTF-8; at most {self.longest_bytes} are allowed.", "too_long")
        if not data and not self.may_be_empty:
            _refuse("This must not be empty.", "empty")
        return data

    def to_representation(self, value: str) -> str:
        """Return the text itself."""
        return value


class StrictIntegerField(serializers.Field[int, Any, int, Any]):
    """A whole number within bounds, never clamped."""

    def __init__(self, *, lowest: int, highest: int, **options: Any) -> None:
        super().__init__(**options)
        self.lowest = lowest
        self.highest = highest

    def to_internal_value(self, data: Any) -> int:
        """Return the number, or refuse what is none."""
        if isinstance(data, bool) or not isinstance(data, int) or not self.lowest <= data <= self.highest:
            _refuse(f"This must be a whole number from {self.lowest} to {self.highest}.", "out_of_range")
        return data

    def to_representation(self, value: int) -> int:
        """Return the number itself."""
        return value


class StrictBooleanField(serializers.Field[bool, Any, bool, Any]):
    """true or false, and no word for them."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value, or refuse what is none."""
        if not isinstance(data, bool):
            _refuse("This must be true or false.", "not_a_boolean")
        return data

    def to_representation(self, value: bool) -> bool:
        """Return the value itself."""
        return value


class StrictChoiceField(StrictTextField):
    """One of a few words."""

    def __init__(self, *, choices: list[str], **options: Any) -> None:
        super().__init__(longest_bytes=100, **options)
        self.choices = choices

    def to_internal_value(self, data: Any) -> str:
        """Return the word, or refuse any other."""
        word = super().to_internal_value(data)
        if word not in self.choices:
            _refuse(f"This must be one of: {', '.join(self.choices)}.", "not_a_choice")
        return word


class BoundedListField(serializers.ListField):
    """A list that is measured before its items are looked at: a body has room for a million of them."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the valid items, or refuse the list for its length alone."""
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            _refuse(f"This has {len(data)} items; at most {self.max_length} are allowed.", "too_long")
        values: list[Any] = super().to_internal_value(data)
        return values


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt one would otherwise be ignored in silence."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the valid values of the fields; a null one counts as left out."""
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["This must be an object."]})
        if unknown := data.keys() - self.fields.keys():
            names = sorted(unknown)[:UNKNOWN_NAMES_SHOWN]
            raise serializers.ValidationError({_shown(name): ["This field is unknown."] for name in names})
        values: dict[str, Any] = super().to_internal_value(data)
        return {name: value for name, value in values.items() if value is not None}


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
    learner = StrictTextField(longest_bytes=limits.LEARNER_CHARACTERS * 4, required=False, allow_null=True)

    def validate_learner(self, learner: str | None) -> str | None:
        """Refuse an id that is longer than the record has room for."""
        if learner is not None and len(learner) > limits.LEARNER_CHARACTERS:
            _refuse(f"At most {limits.LEARNER_CHARACTERS} characters are allowed.", "too_long")
        return learner

    def request(self) -> ExecutionRequest:
        """Return the validated request."""
        values = dict(self.validated_data)
        values.pop("language", None)
        cases = values.pop("test_cases", None)
        if cases is not None:
            values["test_cases"] = tuple(TestCase(**_test_case_values(case)) for case in cases)
        return ExecutionRequest(**values)


def _test_case_values(case: dict[str, Any]) -> dict[str, Any]:
    return {**case, "match": Match(case["match"])} if "match" in case else case


def _shown(name: str) -> str:
    """Return a client's field name in a form that any answer can carry."""
    return name[:100].encode(errors="replace").decode() or '""'


def _refuse(sentence: str, code: str) -> NoReturn:
    raise serializers.ValidationError(sentence, code=code)
