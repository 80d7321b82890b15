"""Whether modules that decide about a test are what they were before the submission ran.

This finds what a program assigns to them, not what it does to its own memory: see docs/decisions/0046-suites.md.
"""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

# Saved because a submission may replace or delete them.
_loaded = sys.modules
_import = importlib.import_module
_vars, _getattr, _isinstance = vars, getattr, isinstance

MAY_GROW = ("builtins", "unittest")
"""Modules that get further names from others, or when these are first used."""
MAY_CHANGE = (
    *(f"builtins.{name}" for name in ("print", "input", "open", "_")),
    "doctest.master",
    "doctest.DocTestCase._classSetupFailed",
    "doctest.DocTestCase.tearDown_exceptions",
    "unittest.case.TestCase.maxDiff",
)
"""What lessons replace, and what doctest.testmod() and unittest.main() note. No verdict depends on it."""
WRITTEN_BY_PYTHON = ("__warningregistry__", "__annotations__")

HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: other classes cannot be changed
FUNCTION = type(lambda: None)
INSIDE = ("__func__", "__wrapped__")
PARTS_OF_A_FUNCTION = ("__code__", "__defaults__", "__kwdefaults__")


class Seal:
    """What some loaded modules consist of: their names, those of their classes, and the code of their functions."""

    def __init__(self, *names: str) -> None:
        """Load them if need be: a file of the program's may have taken the name of one."""
        self._modules = {name: _import(name) for name in names}
        self.renew()

    def renew(self) -> None:
        """Take what they are now for what they should be."""
        self._parts = dict(_parts(self._modules))

    def broken(self) -> str | None:
        """Return the name of a part that is no longer the same, None if all are."""
        for name, module in self._modules.items():
            if _loaded.get(name) is not module:
                return name
        now = dict(_parts(self._modules))
        for name, part in self._parts.items():
            if name not in now or now[name] is not part:
                return name
        return next((name for name in now if name not in self._parts and not _may_be_new(name)), None)


def _may_be_new(name: str) -> bool:
    module, _, rest = name.partition(".")
    return module in MAY_GROW and "." not in rest


def _parts(modules: dict[str, ModuleType]) -> Iterator[tuple[str, Any]]:
    for module_name, module in modules.items():
        for name, value in list(_vars(module).items()):
            path = f"{module_name}.{name}"
            if path in MAY_CHANGE or name in WRITTEN_BY_PYTHON:
                continue
            yield path, value
            if not _isinstance(value, type):
                yield from _parts_of_function(path, value)
            elif value.__flags__ & HEAP_TYPE and value.__module__ == module_name:
                for attribute, each in list(_vars(value).items()):
                    if f"{path}.{attribute}" not in MAY_CHANGE:
                        yield f"{path}.{attribute}", each
                        yield from _parts_of_function(f"{path}.{attribute}", each)


def _parts_of_function(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what can be put into a function, also into one below a decorator."""
    for name in INSIDE:
        value = _getattr(value, name, value)
    if type(value) is FUNCTION:
        for name in PARTS_OF_A_FUNCTION:
            yield f"{path}.{name}", _getattr(value, name)
