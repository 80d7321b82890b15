"""What the columns of models are made of: ids, JSON as text, and fields that migrations see as columns alone."""

import json
import os
import time
import uuid
from typing import Any, TypeVar

from django.db.models import Field

F = TypeVar("F", bound="Field[Any, Any]")

OUR_CODE = ("default", "encoder", "validators")


def column_only(field: F) -> F:
    """Return `field`, but leave out of its migrations what does not concern the database and would import our code."""
    deconstruct = field.deconstruct

    def without_code() -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, options = deconstruct()
        return name, path, args, {option: value for option, value in options.items() if option not in OUR_CODE}

    field.deconstruct = without_code  # type: ignore[method-assign]
    return field


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7). It begins with the time, so that new rows are close together."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class PlainJSON(json.JSONEncoder):
    """Writes each character as itself: as an escape it would take up to twelve bytes where JSON is stored as text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False})
