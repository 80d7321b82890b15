"""Strict JSON (RFC 8259) in UTF-8: no NaN, no duplicate names, no very deep nesting, and only so many values.

Python takes up to eighty bytes for a value of three: two megabytes of `{},` would become 50. So the values of a body
are counted before any is created (docs/decisions/0022-bodies.md).
"""

import json
import re
import threading
from itertools import islice
from typing import Any, NoReturn

MOST_TOKENS = 25_000
"""Strings, lists, objects and commas. A valid request has less than two thousand."""

DECODED_AT_ONCE = 2
"""Bodies that are decoded at the same time. Each takes up to nine times its size meanwhile."""

# Possessive quantifiers (`*+`) never go back, so the time is linear. A string that never ends reaches to the end of the
# text: otherwise each escaped quote in it would begin a search of its own.
STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
TOKEN = re.compile(rf"{STRING}|(?:0,)++|[\[{{,]", re.DOTALL)  # a list of zeros takes little memory
ITEM = rf'(?:[^"\[\]{{}},]++|{STRING}|[\[{{](?:[^"\[\]{{}}]++|{STRING})*+[\]}}])++'
STRING_OR_LONG_LIST = re.compile(rf"{STRING}|\[(?P<items>(?:{ITEM},){{1000,}}+{ITEM})\]", re.DOTALL)

_decoding = threading.BoundedSemaphore(DECODED_AT_ONCE)


class NotStrict(ValueError):
    """JSON that other parsers accept."""


def decode(body: bytes) -> Any:
    """Return the value of a body. Raises ValueError with the reason."""
    try:
        with _decoding:
            text = _bounded(body.decode("utf-8"))
            return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicate_names)
    except (ValueError, RecursionError) as error:
        raise ValueError(_reason(error)) from error


def _bounded(text: str) -> str:
    """Return `text` if it has few tokens, or has few once its long lists contain zeros. Otherwise raise NotStrict.

    No valid list is that long. Only the length of such a list matters: the response names it.
    """
    if not _has_many_tokens(text):
        return text
    pieces, copied = [], 0
    for match in STRING_OR_LONG_LIST.finditer(text):
        if match["items"] is not None:
            _, length = re.subn(ITEM, "", match["items"], flags=re.DOTALL)
            pieces += [text[copied : match.start("items")], "0," * (length - 1), "0"]
            copied = match.end("items")
    shorter = "".join([*pieces, text[copied:]])
    if _has_many_tokens(shorter):
        raise NotStrict("it has too many values")
    return shorter


def _has_many_tokens(text: str) -> bool:
    return not _has_few_tokens(text) and next(islice(TOKEN.finditer(text), MOST_TOKENS, None), None) is not None


def _has_few_tokens(text: str) -> bool:
    """Return whether there are certainly few: an upper bound, and TOKEN counts exactly what exceeds it.

    TOKEN looks at each escape of a string, which takes ten times as long for a megabyte of lines.
    """
    pieces = text.split('"', MOST_TOKENS)
    if len(pieces) > MOST_TOKENS:
        return False
    tokens, is_string = 0, False
    for piece in pieces:
        if is_string:
            backslashes = len(piece) - len(piece.rstrip("\\"))
            is_string = backslashes % 2 == 1  # the quotation mark that follows is escaped
        else:
            tokens += 1 + sum(map(piece.count, ",[{"))
            is_string = True
    return tokens <= MOST_TOKENS


def _refuse_constant(constant: str) -> NoReturn:
    raise NotStrict(f"{constant} is not a JSON value")


def _refuse_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise NotStrict("an object has the same name twice")
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError | NotStrict):
        return str(error)
    return "a number has too many digits"  # Python's own sentence is about its settings
