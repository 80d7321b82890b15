"""What drf-spectacular cannot see of our fields and serializers."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

Schema = dict[str, Any]


class ChoiceSchema(OpenApiSerializerFieldExtension):
    """The schema of a choice without the marker that drf-spectacular leaves for a hook we do not use."""

    target_class = "web.fields.ChoiceField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a field."""
        schema: Schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {"type": "string", "enum": schema["enum"]}


class StrictSerializerSchema(OpenApiSerializerExtension):
    """The schema of an object without further fields, with the length of its strings in bytes.

    JSON Schema counts characters. It could exclude NUL only by a pattern, which would slow every validator down.
    """

    target_class = "web.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the schema of a serializer."""
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, field in self.target.fields.items():
            if max_bytes := getattr(field, "max_bytes", None):
                described = schema["properties"][name]
                described["x-maxBytes"] = max_bytes
                described["description"] = f"{field.help_text or ''} At most {max_bytes} bytes of UTF-8.".strip()
        return {**schema, "additionalProperties": False}
