"""The one shape of all errors. Imports nothing, so that the server has it before Django is set up."""

from typing import Any


def error_body(detail: str, code: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the body of an error. All errors are built here."""
    body: dict[str, Any] = {"detail": detail, "code": code}
    if fields:
        body["fields"] = fields
    return body
