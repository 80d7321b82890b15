"""Rules for an undefined name."""

from __future__ import annotations

import builtins
import re
import sys
import warnings
from types import CodeType, FrameType, FunctionType, ModuleType

from guest.hints.elsewhere import NEED_A_SCREEN, is_command, key_of
from guest.hints.rule import Rule, Words
from guest.hints.traces import last_frame, line_of_module, lines_of
from guest.hints.typos import meant_by

SHORT_NAMES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot"}
IN_MODULES = {
    "math": "sqrt sin cos floor ceil",
    "random": "randint choice shuffle randrange uniform",
    "time": "sleep perf_counter",
    "collections": "Counter defaultdict deque namedtuple",
    "copy": "deepcopy",
    "functools": "reduce",
}
TYPING = "List Dict Tuple Set Optional Union Any Callable".split()
WITH_SIDE_EFFECTS = ("this", "antigravity")
"""Modules that do something when they are imported."""

VALUES_ELSEWHERE = {"None": "null NULL nil undefined", "True": "true TRUE", "False": "false FALSE"}
FUNCTIONS_ELSEWHERE = {
    "str": "string String toString unicode",
    "int": "integer Integer parseInt long",
    "float": "Float parseFloat",
    "bool": "boolean Boolean",
    "len": "length strlen",
    "print": "printf println echo puts",
    "input": "raw_input prompt",
    "open": "file fopen",
    "range": "xrange",
    "chr": "unichr",
}
"""The names in Python, and what other languages or Python 2 call the same thing."""

PRINT_ELSEWHERE = r"\s*(cout(?=\s*<<)|console\.log|System\.out\.print(?:ln)?|Console\.Write(?:Line)?|document\.write)"


def _about_local(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a variable of a function that has no value yet."""
    frame, name = last_frame(error), words["name"]
    outside = frame.f_globals if frame else {}
    above = "\n".join(lines_of(words["program"])[frame.f_code.co_firstlineno : frame.f_lineno - 1]) if frame else ""
    if re.search(rf"\bdel\b[^#\n]*\b{name}\b|\bexcept\b.*\bas\s+{name}\b", above):  # it has lost its value
        return ""
    assignment = rf"(?<![\w.]){name}\s*=(?!=)|\bfor\b[^:]*\b{name}\b[^:]*\bin\b|\bas\s+{name}\b"
    is_assigned = re.search(assignment, above) is not None
    if not is_assigned and frame and _has_enclosing(frame.f_code.co_qualname, words):
        return "name_local_enclosing"
    if hasattr(builtins, name) or isinstance(outside.get(name), (ModuleType, FunctionType, type)):
        return "name_local_taken"
    if frame is not None and "self" in frame.f_locals and name in dir(frame.f_locals["self"]):
        words["near"] = f"self.{name}"
        return "name_near"
    if name not in outside or frame is None:
        return "name_local_unset"
    return "name_local_unset" if is_assigned else "name_local"


def _has_enclosing(function: str, words: Words) -> bool:
    """Return whether a function around this one, which is known by its qualified name, has a variable of the name."""
    around = function.split(".<locals>.")[:-1]
    if not around:
        return False
    with warnings.catch_warnings(action="ignore"):  # compiling it the first time has shown them
        codes = [compile(words["program"], words["file"], "exec", dont_inherit=True)]
    for each in codes:  # it grows
        codes += [inner for inner in each.co_consts if isinstance(inner, CodeType)]
    names = {".<locals>.".join(around[: count + 1]) for count in range(len(around))}
    return any(words["name"] in each.co_varnames + each.co_cellvars for each in codes if each.co_qualname in names)


def _about_name(words: Words, error: BaseException, code: str) -> str:
    name, frame = words["name"], last_frame(error)
    is_called = re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", code) is not None
    if code.split()[:1] == [name] and is_command(code):
        return "terminal"
    if (found := re.match(PRINT_ELSEWHERE, code)) and found[1].startswith(name):
        words |= {"name": found[1], "near": "print"}
        return "name_elsewhere"
    if re.fullmatch(r"\s*(?:end|endif|endfor|endwhile|done|begin)\s*;?\s*", code, re.IGNORECASE):
        return "block_end"
    found = re.search(rf"(?<![\w.]){re.escape(name)}\.(\w+)", code)
    if found and (near := _imported_as(name, frame)):
        module = frame.f_globals[near]  # type: ignore[union-attr]
        part = "" if hasattr(module, found[1]) else _part(module, name)
        words["near"] = f"{near}.{part}" if hasattr(getattr(module, part, None), found[1]) else near
        return "name_near"
    if found and (hint := _about_owner(words, found[1])):
        return hint
    if near := key_of(VALUES_ELSEWHERE, name) or (key_of(FUNCTIONS_ELSEWHERE, name) if is_called else ""):
        words["near"] = near
        return "name_elsewhere"
    if _is_defined_later(error, words):
        return "name_later"
    if near := _near_name(words, frame, code, is_called):
        words["near"] = near
        return "name_near"
    if re.match(rf"\s*{re.escape(name)}\s*==(?!=)", code):
        return "name_compared"
    is_generic = name in TYPING and re.search(rf"(?<![\w.]){name}\[", code)
    if module := "typing" if is_generic else key_of(IN_MODULES, name) if is_called else "":
        words["module"] = module
        return "name_in_module"
    if not code:  # a test has used it
        return "name_undefined"
    return "name_function" if is_called else "name"


def _imported_as(name: str, frame: FrameType | None) -> str:
    """Return the name under which the program has imported the module, as r after import random as r; else nothing."""
    module = SHORT_NAMES.get(name, name.lower())
    known = frame.f_globals.items() if frame else ()
    return next((each for each, value in known if type(value) is ModuleType and value.__name__ == module), "")


def _part(module: ModuleType, name: str) -> str:
    """Return what the module has under the name, perhaps in other capitals, or an empty string."""
    parts = (each for each in dir(module) if each.casefold() == name.casefold())
    return max(parts, key=lambda each: each == name, default="")


def _about_owner(words: Words, attribute: str) -> str:
    """Return the hint for an undefined name with an attribute, or an empty string if the name is no module."""
    name = words["name"]
    if name in SHORT_NAMES:
        words["module"] = SHORT_NAMES[name]
        return "name_short"
    if name in SHORT_NAMES.values():
        return "name_module"
    module = name if name in sys.stdlib_module_names else name.lower()
    if name == "this":
        words["near"] = "self"
        return "name_elsewhere"
    if module in NEED_A_SCREEN:
        return "module_screen"
    if module not in sys.stdlib_module_names or module in WITH_SIDE_EFFECTS:
        return ""
    try:
        imported = __import__(module)
    except ImportError:
        return ""
    if hasattr(imported, attribute) or _is_slip_for_part(attribute, imported):
        words["name"] = module
        return "name_module"
    if module == "datetime" and attribute in dir(sys.modules[module].datetime):
        words["module"] = module
        return "name_in_module"
    return ""


def _is_slip_for_part(attribute: str, module: ModuleType) -> bool:
    """Return whether the attribute is a slip for a function in the module, or for a part that it writes in capitals.

    What differs only in capitals is none if it has none: the method empty() of a variable is not the class Empty.
    """
    near = meant_by(attribute, (each for each in dir(module) if not each.startswith("_")))
    if not attribute.islower():
        return bool(near)
    part = getattr(module, near, None)
    return near.lower() != attribute and callable(part) and not isinstance(part, type)


def _is_defined_later(error: BaseException, words: Words) -> bool:
    """Return whether the program defines a function or class of this name below the line that it has reached."""
    definition = re.compile(rf"(?:async\s+)?(?:def|class)\s+{re.escape(words['name'])}\b")
    return any(definition.match(line) for line in lines_of(words["program"])[line_of_module(error, words["file"]) :])


def _near_name(words: Words, frame: FrameType | None, code: str, is_called: bool) -> str:
    """Return the name that the program or Python has and this one is a slip for, or a keyword, or an empty string.

    A built-in name is no typo of a name that the program uses as a variable.
    """
    name = words["name"]
    known = {*frame.f_locals, *frame.f_globals} if frame else set()
    if "self" in known and name in dir(frame.f_locals.get("self")):  # type: ignore[union-attr]
        return f"self.{name}"
    modules = {each for each, value in (frame.f_globals.items() if frame else ()) if isinstance(value, ModuleType)}
    if is_called and (module := meant_by(name, modules)) and (part := _part(frame.f_globals[module], name)):  # type: ignore[union-attr]
        return f"{module}.{part}"
    if near := meant_by(name, (each for each in known - (modules if is_called else set()) if each[:2] != "__")):
        return near
    others = ["True", "False", "None"]
    if is_called or re.search(r"\b(?:raise|except)\b", code):
        others += [each for each in dir(builtins) if callable(getattr(builtins, each))]
    if is_called or code.strip() == name:
        others.append("return")
    if code.strip() == name:
        others += ["break", "continue", "pass", "else", "try", "finally"]
    return meant_by(name, others)


NAME_RULES: tuple[Rule, ...] = (
    (UnboundLocalError, "cannot access local variable '{name}'", "", _about_local),
    (NameError, "cannot access free variable '{name}'", "", "name_free"),
    (NameError, "name 'self' is not defined", "", "name_self"),
    (NameError, "name '{name}' is not defined", "", _about_name),
)
