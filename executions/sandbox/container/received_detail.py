"""What a program's process tells of its error, brought within bounds: it is the program's, and can say anything."""

import re

from executions.sandbox.results import ErrorDetail
from guest import protocol

LONGEST_SOURCE = 500
"""Characters of a line that are shown."""

LINE_END = re.compile(r"\r\n|\r|\n")  # as Python and editors count lines


def read_detail(body: bytes, code: str) -> ErrorDetail | None:
    """Return what the body of a DETAIL frame tells of an error in `code`, or None if it tells nothing.

    A place that `code` does not have is left out.
    """
    try:
        kind, message, hint, line, column, end_column = protocol.unpack_detail(body)
    except protocol.ProtocolError:
        return None
    if not kind:
        return None
    texts = (_clean(kind, protocol.TYPE_CHARACTERS), _clean(message, protocol.MESSAGE_CHARACTERS))
    shown_hint = _clean(hint, protocol.HINT_CHARACTERS) or None
    lines = LINE_END.split(code)
    if not 1 <= line <= len(lines):
        return ErrorDetail(*texts, hint=shown_hint)
    source = lines[line - 1]
    is_within = 1 <= column <= end_column <= len(source) + 1
    columns = (column, end_column) if is_within else (None, None)
    return ErrorDetail(*texts, line, columns[0], columns[1], source[:LONGEST_SOURCE], shown_hint)


def _clean(text: str, longest: int) -> str:
    # PostgreSQL cannot store NUL.
    return text[:longest].replace("\0", "\ufffd")
