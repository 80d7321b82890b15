"""What a child writes about itself, and only the host reads: a DETAIL body, and the methods of a suite.

A program may have written any of it itself. See `guest.protocol` for the frames.
"""

from __future__ import annotations

import struct

from guest.protocol import ProtocolError

TYPE_CHARACTERS, MESSAGE_CHARACTERS = 100, 1000
"""How much of these strings a DETAIL frame holds. A character takes at most four bytes."""

HINT_BYTES, WORD_CHARACTERS, LIST_CHARACTERS = 2000, 60, 1000
"""How much of a hint it holds, of each word that is filled in, and of a word that is a list."""

LISTS = ("names", "installed", "variables")
"""The words of hints that are lists."""

POSITION = "<position>"
"""In place of the type in a DETAIL body: the line is where the program was near its deadline, the message has the
variables of the loop. No exception has this name."""

BASES_BYTES = 1024
"""How much of the names of an exception's base classes it holds."""

METHODS, METHOD_CHARACTERS, METHOD_MESSAGE_CHARACTERS = 100, 100, 500
"""The most methods of a suite that are reported, and how long the name of one and its message are."""

METHOD_IS, METHOD_BEGAN, METHOD_PASSED, METHOD_FAILED = range(4)
"""What a suite writes about a method: first the names of all of them, then when one begins, and how it has ended."""

# line, column and end column, from 1, or 0 if unknown; lengths of type, message, hint and the name of a file; line,
# column and end column in that file
_DETAIL = struct.Struct("!IIIHHHHIII")
_METHOD = struct.Struct("!BBH")  # the number of the method, from 0; what is written about it; length of a text


def pack_detail(
    kind: str,
    message: str,
    hint: str,
    line: int,
    column: int,
    end_column: int,
    file: tuple[str, int, int, int] = ("", 0, 0, 0),
) -> bytes:
    """Return the body of a DETAIL frame, without the zeros that follow it. A number of 0 means unknown.

    `kind` is the full name of an exception, whose end says more than its beginning; `hint` comes from `pack_hint`.
    `file` has the name of the file beside the program that the error is in, and its line and columns there.
    """
    name, *position = file
    bounded = (kind[-TYPE_CHARACTERS:], message[:MESSAGE_CHARACTERS], hint, name)
    # A learner's message may hold half a surrogate pair.
    strings = [string.encode("utf-8", "replace") for string in bounded]
    strings[2] = strings[2][:HINT_BYTES]
    return _DETAIL.pack(line, column, end_column, *map(len, strings), *position) + b"".join(strings)


def pack_hint(key: str, words: dict[str, str]) -> str:
    """Return a hint as a DETAIL frame holds it: its key and its words, each after its name, separated by NUL."""
    parts = [key]
    for name, word in words.items():
        parts += [name, word.replace("\0", "\ufffd")[: longest_word(name)]]
    return "\0".join(parts)


def longest_word(name: str) -> int:
    """Return how many characters of the word with this name a hint holds."""
    return LIST_CHARACTERS if name in LISTS else WORD_CHARACTERS


def unpack_hint(hint: str) -> tuple[str, dict[str, str]]:
    """Return what `pack_hint` was given, as far as there was room. A program may have written it itself."""
    key, *parts = hint.split("\0")
    return key, dict(zip(parts[::2], parts[1::2], strict=False))


def pack_bases(names: list[str]) -> bytes:
    """Return what follows in a DETAIL frame: the full names of the classes that the exception's own inherits."""
    return "\n".join(names).encode("utf-8", "replace")[:BASES_BYTES]


def unpack_bases(body: bytes) -> tuple[str, ...]:
    """Return what `pack_bases` was given, from the whole body of a DETAIL frame that `unpack_detail` accepts."""
    _, _, _, *lengths, _, _, _ = _DETAIL.unpack_from(body)
    names, _, _ = body[_DETAIL.size + sum(lengths) :][:BASES_BYTES].partition(b"\0")
    return tuple(names.decode("utf-8", "replace").split("\n")) if names else ()


def pack_method(number: int, what: int, text: str = "") -> bytes:
    """Return what a suite writes about its method `number`: its name, or the message of its failure."""
    data = text.encode("utf-8", "replace")
    return _METHOD.pack(number, what, len(data)) + data


def unpack_methods(data: bytes) -> list[tuple[int, int, str]]:
    """Return all that `pack_method` was given. Raises ProtocolError if this is something else."""
    found, start = [], 0
    while start < len(data):
        try:
            number, what, size = _METHOD.unpack_from(data, start)
        except struct.error as error:
            raise ProtocolError("a malformed report of a method") from error
        start += _METHOD.size
        if start + size > len(data):
            raise ProtocolError("a report of a method longer than its frame")
        found.append((number, what, data[start : start + size].decode("utf-8", "replace")))
        start += size
    return found


def unpack_detail(body: bytes) -> tuple[str, str, str, int, int, int]:
    """Return what `pack_detail` was given, without the file; the type is empty if there is no detail.

    A program may have written this itself: raises ProtocolError if it is too short, and guarantees nothing else.
    """
    try:
        line, column, end_column, *lengths, _, _, _ = _DETAIL.unpack_from(body)
    except struct.error as error:
        raise ProtocolError("a malformed detail") from error
    if _DETAIL.size + sum(lengths) > len(body):
        raise ProtocolError("a detail longer than its frame")
    kind, message, hint, _ = _split_strings(body[_DETAIL.size :], lengths)
    return kind, message, hint, line, column, end_column


def unpack_file(body: bytes) -> tuple[str, int, int, int]:
    """Return the file that `pack_detail` was given, from a body that `unpack_detail` accepts; no name means none."""
    _, _, _, *lengths, line, column, end_column = _DETAIL.unpack_from(body)
    return _split_strings(body[_DETAIL.size :], lengths)[-1], line, column, end_column


def _split_strings(data: bytes, lengths: list[int]) -> list[str]:
    strings, start = [], 0
    for length in lengths:
        strings.append(data[start : start + length].decode("utf-8", "replace"))
        start += length
    return strings
