"""What is told of an import that fails."""

from __future__ import annotations

import os
import sys

from guest.hints.traces import with_suggestion

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guest.hints.diagnosis import Rule, Words

NEED_A_SCREEN = ("tkinter", "_tkinter", "turtle", "turtledemo", "idlelib")


def _about_module(words: Words, error: BaseException, code: str) -> str:
    parent, _, words["part"] = words["name"].rpartition(".")
    if parent in sys.modules:  # it was imported before its part was looked for
        words["module"] = parent
        return _about_part(words)
    name = words["name"] = words["name"].partition(".")[0]
    if name not in sys.stdlib_module_names:
        words["near"] = _nearest(name, [*_installed(), *(each for each in sys.stdlib_module_names if each[0] != "_")])
        if words["near"] and _is_there(words["near"]):
            return "module_near"
        name = words["near"] or name
    if name in NEED_A_SCREEN:
        return "module_screen"
    if name in sys.stdlib_module_names:
        words["name"] = name
        return "module_absent"
    words["installed"] = ", ".join(sorted(_installed()))
    return "module" if words["installed"] else "module_alone"


def _about_part(words: Words) -> str:
    part, module = words["part"], sys.modules[words["module"]]
    if part == "py":
        return "import_text"
    if hasattr(module, part):
        return "module_member"
    words["near"] = _nearest(part, _parts(words["module"]))
    return "module_part_near" if words["near"] else "module_part"


def _about_import(words: Words, error: BaseException, code: str) -> str:
    hint = with_suggestion("import_name", words, error)
    if hint == "import_name" and words["module"] in sys.modules:  # Python knows only the parts that are loaded
        words["near"] = _nearest(words["name"], _parts(words["module"]))
    return "import_name_near" if words["near"] else "import_name"


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(name, {*known} - {name}, n=1, cutoff=0.7)), "")


def _is_there(name: str) -> bool:
    import importlib.util

    return name not in NEED_A_SCREEN and importlib.util.find_spec(name) is not None


def _parts(module: str) -> set[str]:
    """Return the names of what is in a loaded module, and of the modules in its directory."""
    loaded = sys.modules[module]
    names = {*dir(loaded), *_modules_in(getattr(loaded, "__path__", ()))}
    return {name for name in names if not name.startswith("_")}


def _installed() -> set[str]:
    """Return the names by which what is installed beside the standard library is imported."""
    directories = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    return {name for name in _modules_in(directories) if not name.startswith("_")}


def _modules_in(directories: Iterable[str]) -> Iterator[str]:
    for directory in directories:
        if os.path.isdir(directory):
            for entry in os.scandir(directory):
                name, dot, _ = entry.name.partition(".")
                if name.isidentifier() and ((entry.is_dir() and not dot) or entry.name.endswith((".py", ".so"))):
                    yield name


MODULE_RULES: tuple[Rule, ...] = (
    (ImportError, "No module named 'tkinter'", "", "module_screen"),  # Debian's is no ModuleNotFoundError
    (ModuleNotFoundError, "No module named '{name}'", "", _about_module),
    (ImportError, "libtk", "", "module_screen"),
    (ImportError, "cannot import name '{name}' from '{module}'", "", _about_import),
)
