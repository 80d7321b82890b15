"""Rules for an import that fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from guest.hints.elsewhere import NEED_A_SCREEN
from guest.hints.rule import Rule, Words
from guest.hints.traces import is_hidden, with_nearest
from guest.hints.typos import meant_by

DEPENDENCIES = """
    certifi charset_normalizer contourpy cycler dateutil fontTools idna kiwisolver markdown_it mdurl mpl_toolkits
    packaging pygments pylab pyparsing soupsieve typing_extensions tzdata urllib3
""".split()
"""What is installed only because the packages that programs import need it."""


def _about_module(words: Words, error: BaseException, code: str) -> str:
    parent, _, words["part"] = words["name"].rpartition(".")
    if parent in sys.modules:  # Python imports the parent before it looks for the part
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
    words["installed"] = ", ".join(sorted(_installed().difference(DEPENDENCIES)))
    return "module" if words["installed"] else "module_alone"


def _about_part(words: Words) -> str:
    part, module = words["part"], sys.modules[words["module"]]
    if part == "py":
        return "import_text"
    if hasattr(module, part):
        return "module_member"
    words["near"] = meant_by(part, _parts(words["module"]))
    return "module_part_near" if words["near"] else "module_part"


def _about_import(words: Words, error: BaseException, code: str) -> str:
    if is_hidden(words["module"], getattr(error, "path", None)):
        return "module_hidden"
    if "(consider renaming" in str(error):  # since 3.13: the module has not been read to its end
        return ""
    return with_nearest("import_name", words, _parts(words["module"]))


def _if_hidden(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a module that imports itself, as a file with the name of another module may; else none."""
    return "module_hidden" if is_hidden(words["module"], getattr(error, "path", None)) else ""


def _nearest(name: str, known: list[str]) -> str:
    """Return the module that `name` is a slip for, or that has only another ending, as numpy for numpie."""
    endings = (each for each in known if len(name) > 5 and name.isalpha() and name[:-2] == each[:-1])
    return meant_by(name, known) or next(endings, "")


def _is_there(name: str) -> bool:
    import importlib.util

    return name not in NEED_A_SCREEN and importlib.util.find_spec(name) is not None


def _parts(module: str) -> set[str]:
    """Return the public names in a loaded module, and the modules in its directory."""
    loaded = sys.modules.get(module)
    names = {*dir(loaded), *_modules_in(getattr(loaded, "__path__", ()))}
    return {name for name in names if not name.startswith("_")}


def _installed() -> set[str]:
    """Return the import names of everything installed beside the standard library."""
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
    (ImportError, "No module named 'tkinter'", "", "module_screen"),  # raised by Debian's Python
    (ModuleNotFoundError, "No module named '{name}'", "", _about_module),
    (ImportError, "libtk", "", "module_screen"),
    (ImportError, "cannot import name '{name}' from '{module}'", "", _about_import),
    (ImportError, "cannot import name '{name}' from partially initialized module '{module}'", "", _if_hidden),
)
