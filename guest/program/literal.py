"""Writes a value as the Python literal of plain data, whatever a program has made of its classes.

Only the real type of an object counts, and the methods of the builtin type read it: no `__repr__`, `__eq__` or
`__class__` of the program is called. An iterator alone has to be asked for what it gives.
"""

from __future__ import annotations

import sys
from _collections import OrderedDict  # type: ignore[import-not-found]  # `collections` itself would load more

from guest.protocol import VALUE_BYTES, VALUE_DEPTH, VALUES

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

TOO_LARGE = b"<a value that is too large>"
TOO_DEEP = "<a value that is nested too deeply>"

MOST_BITS = 8 * VALUE_BYTES // 3
"""Of an integer."""
MOST_DECIMAL_BITS = 14_000
"""Python does not write longer integers in decimal (`sys.set_int_max_str_digits`)."""

_DICTS: tuple[dict[None, None], ...] = ({}, OrderedDict())
VIEWS = tuple(type(view) for each in _DICTS for view in (each.keys(), each.items()))
"""Types that have an order, but are equal to a set."""
LISTED: tuple[type, ...] = (range, *(type(each.values()) for each in _DICTS))
"""Types that are iterated over, but are no iterators."""
LISTED_ELSEWHERE = {"collections": "deque", "array": "array"}


class _TooLarge(Exception):
    """The value does not fit."""


def literal(value: object) -> bytes:
    """Return the literal in UTF-8, at most VALUE_BYTES of it.

    What is no plain data, or has no room, is a word in angle brackets in it. Raises what an iterator raises.
    """
    try:
        return b"".join(_Writer().write(value, 0))
    except _TooLarge:
        return TOO_LARGE


class _Writer:
    """Counts what is written, so that a cycle or an endless iterator ends."""

    def __init__(self) -> None:
        self._left_values = VALUES
        self._left_bytes = VALUE_BYTES

    def write(self, value: Any, depth: int) -> Iterator[bytes]:
        """Yield the pieces of the literal. Raises _TooLarge."""
        self._left_values -= 1
        if self._left_values < 0:
            raise _TooLarge
        kind = type(value)
        if depth > VALUE_DEPTH:
            yield self._piece(TOO_DEEP)
        elif issubclass(kind, list):
            yield from self._sequence("[", list.__iter__(value), "]", depth)
        elif issubclass(kind, tuple):
            yield from self._sequence("(", tuple.__iter__(value), ",)" if tuple.__len__(value) == 1 else ")", depth)
        elif issubclass(kind, dict):
            yield from self._pairs(dict.items(value), depth)
        elif issubclass(kind, set):
            yield from self._set(set.__iter__(value), set.__len__(value), depth)
        elif issubclass(kind, frozenset):
            yield from self._set(frozenset.__iter__(value), frozenset.__len__(value), depth)
        elif (text := self._scalar(value, kind)) is not None:
            yield self._piece(text)
        elif (listed := _listed(value, kind, self._left_values)) is not None:
            yield from self.write(listed, depth)
        elif kind in VIEWS:
            yield from self._sequence("view([", value, "])", depth)
        elif kind in LISTED or _is_elsewhere(kind, LISTED_ELSEWHERE) or hasattr(kind, "__next__"):
            yield from self._sequence("iterator([", value, "])", depth)
        else:
            yield self._piece(f"<{name_of(kind)} object>")

    def _piece(self, text: str) -> bytes:
        data = text.encode()
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise _TooLarge
        return data

    def _sequence(self, start: str, values: Iterable[object], end: str, depth: int) -> Iterator[bytes]:
        yield self._piece(start)
        separator = ""
        for value in values:
            yield self._piece(separator)
            yield from self.write(value, depth + 1)
            separator = ", "
        yield self._piece(end)

    def _set(self, values: Iterable[object], size: int, depth: int) -> Iterator[bytes]:
        return self._sequence("{", values, "}", depth) if size else iter([self._piece("set()")])

    def _pairs(self, pairs: Iterable[tuple[object, object]], depth: int) -> Iterator[bytes]:
        yield self._piece("{")
        separator = ""
        for key, value in pairs:
            yield self._piece(separator)
            yield from self.write(key, depth + 1)
            yield self._piece(": ")
            yield from self.write(value, depth + 1)
            separator = ", "
        yield self._piece("}")

    def _scalar(self, value: Any, kind: type) -> str | None:
        """Return the literal of a value that contains no others; None if this is none of them."""
        if value is None or value is True or value is False or value is ...:
            return repr(value)
        if issubclass(kind, int):
            if (bits := int.bit_length(value)) > MOST_BITS:
                raise _TooLarge
            return int.__repr__(value) if bits <= MOST_DECIMAL_BITS else int.__format__(value, "#x")
        if issubclass(kind, float):
            return float.__repr__(value)
        if issubclass(kind, complex):
            plain = complex.__add__(value, 0j)
            return f"complex({plain.real!r}, {plain.imag!r})"
        if issubclass(kind, str):
            self._demand_room(str.__len__(value))
            return str.__repr__(value)
        if issubclass(kind, bytes):
            self._demand_room(bytes.__len__(value))
            return bytes.__repr__(value)
        if issubclass(kind, bytearray):
            self._demand_room(bytearray.__len__(value))
            return repr(bytearray.decode(value, "latin-1").encode("latin-1"))
        if _is_elsewhere(kind, {"decimal": "Decimal"}):
            return f"Decimal({kind.__str__(value)!r})"
        if _is_elsewhere(kind, {"fractions": "Fraction"}):
            return f"Fraction({int(value.numerator)}, {int(value.denominator)})"
        return None

    def _demand_room(self, size: int) -> None:
        if size > self._left_bytes:
            raise _TooLarge


def _is_elsewhere(kind: type, names: dict[str, str]) -> bool:
    """Return whether `kind` is one of these classes, given by their modules, which may not be loaded."""
    return any(kind is getattr(sys.modules.get(module), name, None) for module, name in names.items())


def _listed(value: Any, kind: type, most: int) -> object:
    """Return the plain data of a value of numpy or pandas; None if it is something else."""
    if not issubclass(kind, _kinds("numpy", "ndarray generic") + _kinds("pandas", "Series Index DataFrame")):
        return None
    if value.size > most:
        raise _TooLarge
    return value.to_dict("list") if issubclass(kind, _kinds("pandas", "DataFrame")) else value.tolist()


def _kinds(module: str, names: str) -> tuple[type, ...]:
    """Return the classes of a module, or none if the program has not loaded it."""
    return tuple(getattr(sys.modules[module], name) for name in names.split()) if module in sys.modules else ()


def name_of(kind: type) -> str:
    """Return the name of a class, without asking its metaclass."""
    name = type.__dict__["__name__"].__get__(kind)
    return "".join(each for each in name if each.isalnum() or each == "_")[:100]
