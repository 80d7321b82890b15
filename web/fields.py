"""Strict fields of request bodies. Nothing is coerced: a number is no text, and true is no number."""

from collections.abc import Sequence
from typing import Any, NoReturn

from rest_framework import serializers

UNKNOWN_NAMES_SHOWN = 10
"""Of one object. An answer must not be many times as long as the request that it refuses."""


class StrictTextField(serializers.Field[str, Any, str, Any]):
    """A text that every part of the service can hold, counted in bytes of UTF-8 or, where told so, in characters."""

    def __init__(
        self, *, longest_bytes: int, longest_characters: int | None = None, may_be_empty: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self.longest_bytes = longest_bytes
        self.longest_characters = longest_characters
        self.may_be_empty = may_be_empty

    def to_internal_value(self, data: Any) -> str:
        """Return the text, or refuse what is none."""
        if not isinstance(data, str):
            refuse("This must be a text.", "not_a_text")
        try:
            size_bytes = len(data.encode())
        except UnicodeEncodeError:
            refuse("This has half of a surrogate pair in it, which is no character.", "surrogate")
        if "\0" in data:
            refuse("This must not contain the character NUL.", "nul")
        if size_bytes > self.longest_bytes:
            refuse(f"This is {size_bytes} bytes long in UTF-8; at most {self.longest_bytes} are allowed.", "too_long")
        if self.longest_characters is not None and len(data) > self.longest_characters:
            refuse(f"At most {self.longest_characters} characters are allowed.", "too_long")
        if not data and not self.may_be_empty:
            refuse("This must not be empty.", "empty")
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
            refuse(f"This must be a whole number from {self.lowest} to {self.highest}.", "out_of_range")
        return data

    def to_representation(self, value: int) -> int:
        """Return the number itself."""
        return value


class StrictBooleanField(serializers.Field[bool, Any, bool, Any]):
    """true or false, and no word for them."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value, or refuse what is none."""
        if not isinstance(data, bool):
            refuse("This must be true or false.", "not_a_boolean")
        return data

    def to_representation(self, value: bool) -> bool:
        """Return the value itself."""
        return value


class StrictChoiceField(StrictTextField):
    """One of a few words."""

    def __init__(self, *, choices: Sequence[str], **options: Any) -> None:
        super().__init__(longest_bytes=100, **options)
        self.choices = choices

    def to_internal_value(self, data: Any) -> str:
        """Return the word, or refuse any other."""
        word = super().to_internal_value(data)
        if word not in self.choices:
            refuse(f"This must be one of: {', '.join(self.choices)}.", "not_a_choice")
        return word


class BoundedListField(serializers.ListField):
    """A list that is measured before its items are looked at: a body has room for a million of them."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the valid items, or refuse the list for its length alone."""
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            refuse(f"This has {len(data)} items; at most {self.max_length} are allowed.", "too_long")
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


def _shown(name: str) -> str:
    """Return a client's field name in a form that any answer can carry."""
    return name[:100].encode(errors="replace").decode() or '""'


def refuse(sentence: str, code: str) -> NoReturn:
    """Refuse a value, from within a field or a `validate_` method."""
    raise serializers.ValidationError(sentence, code=code)
