"""The fields and serializers of Django REST framework, made strict: nothing is coerced, clamped or ignored."""

from functools import cache
from typing import Any, NoReturn, TypedDict

from django.core.validators import BaseValidator
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils.serializer_helpers import BindingDict

MAX_REPORTED_NAMES = 10
"""Unknown fields named in a response, which must not be many times as long as the request."""


class Optional(TypedDict):
    """The options of a field that may be omitted."""

    required: bool
    allow_null: bool


OPTIONAL: Optional = {"required": False, "allow_null": True}
"""For the fields of a StrictSerializer, where null means the same as omitting the field."""


class StringField(serializers.CharField):
    """A string, untrimmed. `max_bytes` counts bytes of UTF-8, `max_length` characters."""

    default_error_messages = {
        "invalid": "Must be a string.",
        "blank": "Must not be empty.",
        "surrogates": "Must not contain lone surrogates.",
        "nul": "Must not contain NUL characters.",
        "max_bytes": "Is {size_bytes} bytes of UTF-8; at most {max_bytes} are allowed.",
        "max_length": "Must have at most {max_length} characters.",
    }

    def __init__(self, *, max_bytes: int | None = None, allow_blank: bool = True, **options: Any) -> None:
        # In characters, too: drf-spectacular tells clients about lengths, but not about allow_blank and max_bytes.
        options = {"max_length": max_bytes, "min_length": None if allow_blank else 1} | options
        super().__init__(allow_blank=allow_blank, trim_whitespace=False, **options)
        self.max_bytes = max_bytes
        # The framework's own search for surrogates takes Python through each character of 64 KiB.
        self.validators = [each for each in self.validators if isinstance(each, BaseValidator)]

    def to_internal_value(self, data: Any) -> str:
        """Return the string unchanged."""
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            size_bytes = len(data) if data.isascii() else len(data.encode())
        except UnicodeEncodeError:
            self.fail("surrogates")
        if "\0" in data:
            self.fail("nul")
        if self.max_bytes is not None and size_bytes > self.max_bytes:
            self.fail("max_bytes", size_bytes=size_bytes, max_bytes=self.max_bytes)
        return data


class IntegerField(serializers.IntegerField):
    """An integer within bounds. 5.0, "5" and true are not integers."""

    def __init__(self, *, min_value: int, max_value: int, **options: Any) -> None:
        sentence = f"Must be an integer from {min_value} to {max_value}."
        messages: dict[str, Any] = dict.fromkeys(("invalid", "min_value", "max_value"), sentence)
        super().__init__(min_value=min_value, max_value=max_value, error_messages=messages, **options)

    def to_internal_value(self, data: Any) -> int:
        """Return the integer unchanged."""
        if type(data) is not int:
            self.fail("invalid")
        return data


class NumberField(serializers.FloatField):
    """A number within bounds, with at most `decimals` decimal places if given. "5" and true are not numbers."""

    def __init__(self, *, min_value: float, max_value: float, decimals: int | None = None, **options: Any) -> None:
        sentence = f"Must be a number from {min_value} to {max_value}"
        sentence += "." if decimals is None else f", with at most {decimals} decimal places."
        messages: dict[str, Any] = dict.fromkeys(("invalid", "min_value", "max_value"), sentence)
        super().__init__(min_value=min_value, max_value=max_value, error_messages=messages, **options)
        self._decimals = decimals
        self._most = max_value

    def to_internal_value(self, data: Any) -> float:
        """Return the number unchanged."""
        if type(data) not in (int, float):
            self.fail("invalid")
        number: float = data
        if self._decimals is not None and abs(number) <= self._most and round(number, self._decimals) != number:
            self.fail("invalid")
        return number


class BooleanField(serializers.BooleanField):
    """true or false. "true" and 1 are neither."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean unchanged."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of a few strings."""

    default_error_messages = {"invalid": "Must be a string.", "invalid_choice": "Must be one of: {choices}."}

    def to_internal_value(self, data: Any) -> str:
        """Return the string unchanged."""
        if not isinstance(data, str):
            self.fail("invalid")
        if data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(self.choices))
        return data


class ListField(serializers.ListField):
    """A list whose length is checked before its items: a request has room for a million of them."""

    default_error_messages = {
        "not_a_list": "Must be a list.",
        "empty": "Must not be empty.",
        "too_long": "Has {length} items; at most {max_length} are allowed.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the validated items."""
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("too_long", length=len(data), max_length=self.max_length)
        values: list[Any] = super().to_internal_value(data)
        return values


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields: a misspelt one would otherwise be ignored. A field that is null counts as left out."""

    @cached_property
    def fields(self) -> BindingDict:
        """The fields, which all serializers of a class share: they keep nothing of a request, and see no context.

        The framework copies them for each serializer, which takes longer than validating most bodies.
        """
        return _fields_of(type(self))

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated values that are not null.

        The framework would take each field of each test case through five functions, though few are given.
        """
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["Must be an object."]})
        if unknown := data.keys() - self.fields.fields.keys():
            names = sorted(unknown)[:MAX_REPORTED_NAMES]
            raise serializers.ValidationError({_printable(name): ["Unknown field."] for name in names})
        values, errors = {}, {}
        for name, field in self.fields.items():
            if data.get(name) is None and not field.required:
                continue
            try:
                value = field.run_validation(data.get(name, empty))
                values[name] = getattr(self, f"validate_{name}", _unchanged)(value)
            except serializers.ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        """Do nothing: ours have only validate() methods. The framework would search all fields for defaults first."""


@cache
def _fields_of(kind: type[StrictSerializer]) -> BindingDict:
    return super(StrictSerializer, kind()).fields


def _unchanged(value: Any) -> Any:
    return value


def refuse(sentence: str, code: str) -> NoReturn:
    """Refuse a value. For `validate_` methods."""
    raise serializers.ValidationError(sentence, code=code)


def refuse_field(name: str, sentence: str) -> NoReturn:
    """Refuse the value of one field because of others. For `validate` methods."""
    raise serializers.ValidationError({name: [sentence]})


def _printable(name: str) -> str:
    """Return a client's field name as a string that can be encoded, and not a long one."""
    return name[:100].encode(errors="replace").decode() or '""'
