"""Writes a value as a short text for a learner, whatever a program has made of its classes.

As in `guest.program.literal`, only the real type of an object counts, and the methods of the builtin type read it. Here
nothing is asked either for what it would give: an iterator is only named.
"""

from __future__ import annotations

import ctypes
import sys
from _collections import deque  # type: ignore[import-not-found]

from guest.program.literal import name_of
from guest.program.main_module import DIRECTORY
from guest.protocol import TRACE_CHARACTERS

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

MOST_ITEMS, MOST_DEPTH = 20, 2

MOST_BITS = 330
"""Of an integer that is written in decimal: a hundred digits."""

# A program can give a class body or exec() a mapping of its own, whose methods would be the program's.
LOCALS = (dict, type(next(sys._getframe().f_locals for _ in "x")))
"""The types of a frame's variables that are safe to read."""

SEQUENCES: tuple[tuple[type, str, str], ...] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "{", "}"),
    (frozenset, "{", "}"),
    (deque, "[", "]"),
)
SCALARS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (float, float.__repr__),
    (complex, complex.__repr__),
    (str, lambda value: str.__repr__(str.__getitem__(value, slice(TRACE_CHARACTERS)))),
    (bytes, lambda value: bytes.__repr__(bytes.__getitem__(value, slice(TRACE_CHARACTERS)))),
    (bytearray, lambda value: bytearray.__repr__(bytearray.__getitem__(value, slice(TRACE_CHARACTERS)))),
)
DEFINED = (type(lambda: 0), type(len))
"""The types of functions."""

# Unlike the attribute __dict__, which a class can define, this calls nothing of the program.
_attributes = ctypes.pythonapi.PyObject_GenericGetDict
_attributes.restype = ctypes.py_object
_arguments = BaseException.__dict__["args"].__get__
_module_of = type.__dict__["__module__"].__get__
_namespace = vars(type(ctypes))["__dict__"].__get__
_modules = sys.modules


def glimpse(value: object) -> str:
    """Return at most TRACE_CHARACTERS characters about `value`."""
    try:
        text = _text(value, 0)
    except RuntimeError:  # another thread has changed it meanwhile
        text = f"<{name_of(type(value))}>"
    return text if len(text) <= TRACE_CHARACTERS else f"{text[: TRACE_CHARACTERS - 1]}…"


def is_definition(name: str, value: object) -> bool:
    """Return whether the variable `name` is only what `import`, `def` or `class` has defined."""
    kind = type(value)
    if kind is type(ctypes):
        return True
    if kind in DEFINED:
        return bool(value.__name__ is name or str.__eq__(value.__name__, name))  # type: ignore[attr-defined]
    return issubclass(kind, type) and name_of(value) == name  # type: ignore[arg-type]


def _text(value: Any, depth: int) -> str:
    kind = type(value)
    if value is None or value is True or value is False:
        return repr(value)
    if issubclass(kind, int):
        bits = int.bit_length(value)
        return _named(kind, int, int.__repr__(value) if bits <= MOST_BITS else f"<{bits} bits>")
    for base, write in SCALARS:
        if issubclass(kind, base):
            return _named(kind, base, write(value))
    for base, start, end in SEQUENCES:
        if issubclass(kind, base):
            return _named(kind, base, _sequence(value, base, start, end, depth))
    if issubclass(kind, dict):
        return _named(kind, dict, "{" + _joined(_pairs(dict.items(value)), depth) + "}")
    if kind is range:
        return f"range({_text(value.start, 1)}, {_text(value.stop, 1)}, {_text(value.step, 1)})".replace(", 1)", ")")
    if kind in DEFINED:
        return f"<function {_clean(value.__name__)}>"
    if issubclass(kind, type):
        return f"<class {name_of(value)}>"
    if issubclass(kind, BaseException):
        return f"{name_of(kind)}({_joined(((None, each) for each in _arguments(value)), depth)})"
    return _object(value, kind, depth)


def _object(value: Any, kind: type, depth: int) -> str:
    if not _is_of_the_program(kind):
        return f"<{name_of(kind)}>"
    try:
        attributes = _attributes(ctypes.py_object(value), None)
    except AttributeError:
        return f"<{name_of(kind)}>"
    if type(attributes) is not dict:
        return f"<{name_of(kind)}>"
    fields = _joined(_named_fields(attributes), depth)
    return f"<{name_of(kind)} {fields}>" if fields else f"<{name_of(kind)}>"


def _is_of_the_program(kind: type) -> bool:
    """Whether its files define a class: the attributes of any other, such as a turtle's, are no business of a learner.

    A SimpleNamespace has only what the program gives it.
    """
    module = _module_of(kind)
    if type(module) is not str:
        return False
    if module in ("__main__", "types"):
        return True
    defining = _modules.get(module)
    path = _namespace(defining).get("__file__") if type(defining) is type(ctypes) else None
    return type(path) is str and path.startswith(f"{DIRECTORY}/")


def _named_fields(attributes: dict[Any, Any]) -> Iterable[tuple[str | None, Any]]:
    return ((f"{_clean(name)}=", each) for name, each in attributes.items())


def _pairs(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str | None, Any]]:
    return ((f"{_text(key, MOST_DEPTH)}: ", each) for key, each in items)


def _sequence(value: Any, base: type, start: str, end: str, depth: int) -> str:
    items = _joined(((None, each) for each in base.__iter__(value)), depth)  # type: ignore[attr-defined]
    if base in (set, frozenset) and not items:
        return f"{base.__name__}()"
    comma = "," if base is tuple and tuple.__len__(value) == 1 else ""
    return f"{start}{items}{comma}{end}"


def _joined(items: Iterable[tuple[str | None, Any]], depth: int) -> str:
    """Return the items, each after its label, as far as there is room for them."""
    texts: list[str] = []
    room = TRACE_CHARACTERS
    for label, each in items:
        if depth >= MOST_DEPTH or len(texts) == MOST_ITEMS or room < 0:
            texts.append("…")
            break
        texts.append(f"{label or ''}{_text(each, depth + 1)}")
        room -= len(texts[-1]) + 2
    return ", ".join(texts)


def _named(kind: type, base: type, text: str) -> str:
    return text if kind is base or kind is frozenset else f"{name_of(kind)}({text})"


def _clean(name: object) -> str:
    return str.__getitem__(name, slice(TRACE_CHARACTERS)) if issubclass(type(name), str) else "?"  # type: ignore[index]
