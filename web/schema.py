"""How OpenAPI describes our strict fields, once for all that use them."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

Schema = dict[str, Any]


class StrictTextSchema(OpenApiSerializerFieldExtension):
    """A text of so many bytes has at most so many characters, which is all that JSON Schema can count.

    That no text may hold NUL is left to words: a pattern would say it, and cost every validator dear.
    """

    target_class = "web.fields.StrictTextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a text."""
        field = self.target
        schema = {"type": "string", "maxLength": field.longest_characters or field.longest_bytes}
        if not field.may_be_empty:
            schema["minLength"] = 1
        if not field.longest_characters:
            schema["x-maxBytes"] = field.longest_bytes
        return schema


class StrictChoiceSchema(OpenApiSerializerFieldExtension):
    """One of a few words, or null where that is the same as none."""

    target_class = "web.fields.StrictChoiceField"
    priority = 1  # it is a text, too

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a word."""
        words: list[str | None] = [str(word) for word in self.target.choices]
        return {"type": "string", "enum": [*words, None] if self.target.allow_null else words}


class StrictIntegerSchema(OpenApiSerializerFieldExtension):
    """A whole number within bounds."""

    target_class = "web.fields.StrictIntegerField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a number."""
        return {"type": "integer", "minimum": self.target.lowest, "maximum": self.target.highest}


class StrictBooleanSchema(OpenApiSerializerFieldExtension):
    """true or false."""

    target_class = "web.fields.StrictBooleanField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a truth value."""
        return {"type": "boolean"}


class StrictSerializerSchema(OpenApiSerializerExtension):
    """An object that takes no other fields, and says of its texts how they are measured."""

    target_class = "web.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of an object."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for each in schema["properties"].values():
            if "x-maxBytes" in each:
                each["description"] = (
                    f"{each.get('description', '')} At most {each['x-maxBytes']} bytes of UTF-8.".strip()
                )
        return {**schema, "additionalProperties": False}
