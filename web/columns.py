"""Model fields that migrations see as columns alone."""

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
