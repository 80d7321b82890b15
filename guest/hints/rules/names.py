"""Rules for an undefined name, and for an attribute that a value does not have."""

from __future__ import annotations

import builtins
import re
import sys
from types import FrameType, FunctionType, ModuleType

from guest.hints.elsewhere import NEED_A_SCREEN, is_command
from guest.hints.kinds import FUNCTIONS, KINDS
from guest.hints.rule import Rule, Words
from guest.hints.traces import last_frame, line_of_module, lines_of, with_nearest
from guest.hints.typos import meant_by

BUILT_IN = {"str": str, "list": list, "dict": dict, "set": set}

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
PRINT_ELSEWHERE = r"\s*(cout(?=\s*<<)|console\.log|System\.out\.print(?:ln)?|Console\.Write(?:Line)?|document\.write)"
METHODS_ELSEWHERE = {
    "upper": "toUpper toUpperCase uppercase upperCase",
    "lower": "toLower toLowerCase lowercase lowerCase",
    "sort": "sorted",
    "reverse": "reversed",
    "strip": "trim",
    "index": "indexOf",
    "startswith": "startsWith",
    "endswith": "endsWith",
    "extend": "addAll concat",
    "items": "iteritems entrySet",
    "keys": "keySet",
}
"""The names in Python, and what other languages or Python 2 call the same thing."""

IN_PARTS = {
    "os": ("os.path", "join exists isfile isdir basename dirname splitext getsize"),
    "urllib": ("urllib.request", "urlopen urlretrieve Request"),
    "numpy": ("numpy.random", "rand randn randint choice shuffle seed normal uniform permutation"),
    "matplotlib": (
        "matplotlib.pyplot",
        "plot show figure title xlabel ylabel legend bar hist scatter pie subplot subplots savefig xlim ylim grid",
    ),
}
"""What beginners look for in a module, although a module inside it has it."""

ATTRIBUTES = (
    ("str list tuple dict set frozenset range", "length lenght Length size len", "attribute_length"),
    ("str list tuple dict set frozenset range", "contains includes has has_key", "attribute_in"),
    (
        "str tuple dict set frozenset range dict_keys dict_values dict_items map filter zip",
        "sort sorted",
        "attribute_sort",
    ),
    ("str tuple range", "reverse reversed", "attribute_reverse"),
    ("str", "append add push", "attribute_append_string"),
    ("str", "charAt substring substr slice", "attribute_part"),
    ("list", "add push push_back", "attribute_add_list"),
    ("list", "join", "attribute_join"),
    ("tuple", "append add insert remove pop", "tuple_fixed"),
    ("dict", "append add push insert put", "attribute_add_dict"),
    ("set", "append push insert", "attribute_add_set"),
)
"""Types, the attributes that beginners look for in them, and the hint."""


def _about_local(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a variable of a function that has no value yet."""
    frame, name = last_frame(error), words["name"]
    outside = frame.f_globals if frame else {}
    if hasattr(builtins, name) or isinstance(outside.get(name), (ModuleType, FunctionType, type)):
        return "name_local_taken"
    if frame is not None and hasattr(frame.f_locals.get("self"), name):
        words["near"] = f"self.{name}"
        return "name_near"
    if name not in outside or frame is None:
        return "name_local_unset"
    assignment = rf"(?<![\w.]){name}\s*=(?!=)|\bfor\b[^:]*\b{name}\b[^:]*\bin\b|\bas\s+{name}\b"
    above = lines_of(words["program"])[frame.f_code.co_firstlineno : frame.f_lineno - 1]
    return "name_local_unset" if re.search(assignment, "\n".join(above)) else "name_local"


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
    if found and (hint := _about_owner(words, found[1])):
        return hint
    if near := _key(VALUES_ELSEWHERE, name) or (_key(FUNCTIONS_ELSEWHERE, name) if is_called else ""):
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
    if module := "typing" if is_generic else _key(IN_MODULES, name) if is_called else "":
        words["module"] = module
        return "name_in_module"
    if not code:  # a test has used it
        return "name_undefined"
    return "name_function" if is_called else "name"


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
    if near := meant_by(name, (each for each in known if not each.startswith("__"))):
        return near
    others = ["True", "False", "None"]
    if is_called or re.search(r"\b(?:raise|except)\b", code):
        others += [each for each in dir(builtins) if callable(getattr(builtins, each))]
    if is_called or code.strip() == name:
        others.append("return")
    if code.strip() == name:
        others += ["break", "continue", "pass", "else", "try", "finally"]
    return meant_by(name, others)


def _key(table: dict[str, str], word: str) -> str:
    return next((key for key, listed in table.items() if word in listed.split()), "")


def _about_attribute(words: Words, error: BaseException, code: str) -> str:
    kind, name = words["kind"], words["name"]
    if kind in KINDS and not _is_raised_by_program(error):  # a library got another value than it expected
        return ""
    if kind == "dict" and name in getattr(error, "obj", ()):
        return "attribute_key"
    for kinds, names, hint in ATTRIBUTES:
        if kind in kinds.split() and name in names.split():
            return hint
    near = _key(METHODS_ELSEWHERE, name)
    if near and hasattr(BUILT_IN.get(kind), near):
        words["near"] = near
        return "name_elsewhere"
    if hint := _about_other_kind(words):
        return hint
    hint = with_nearest("attribute", words, _attributes(error))
    if hint == "attribute" and kind in FUNCTIONS:
        return _about_function(words, code)
    if hint == "attribute" and name.startswith("__") and re.search(rf"\bself\.{name}\b", words["program"]):
        return "attribute_private"
    return hint


def _about_new_attribute(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for an assignment to an attribute that the value cannot have."""
    if words["kind"] == "dict":
        return "attribute_add_dict"
    if words["kind"] == "super":
        return ""
    has_fixed_attributes = re.search(r"\b__slots__\b|\bslots\s*=", words["program"])
    return with_nearest("attribute", words, _attributes(error)) if has_fixed_attributes else "attribute_fixed"


def _about_function(words: Words, code: str) -> str:
    """Return the hint for an attribute that a function lacks; none if the program assigns it anywhere."""
    name = re.escape(words["name"])
    owner = re.search(rf"(?<![\w.])(\w+)\.{name}\b", code)
    words["module"] = owner[1] if owner else ""
    if words["module"] and re.search(rf"\bfrom\s+\w+\s+import\b.*\b{words['module']}\b", words["program"]):
        return "function_for_module" if words["module"] in sys.stdlib_module_names else ""
    return "" if re.search(rf"\.{name}\s*[-+*/]?=(?!=)", words["program"]) else "function_uncalled"


def _is_raised_by_program(error: BaseException) -> bool:
    frame = last_frame(error)
    return frame is None or frame.f_globals.get("__name__") == "__main__"


def _attributes(error: BaseException) -> list[str]:
    return dir(error.obj) if isinstance(error, AttributeError) else []


def _about_none(words: Words, error: BaseException, code: str) -> str:
    return "none_match" if words["name"] in ("group", "groups", "start", "end", "span") else "none"


def _about_other_kind(words: Words) -> str:
    """Return the hint for a method that this built-in value lacks, but one of string, list, dictionary and set has."""
    if words["kind"] not in KINDS or words["kind"] in FUNCTIONS or words["name"].startswith("_"):
        return ""
    owners = [kind for kind, built_in in BUILT_IN.items() if hasattr(built_in, words["name"])]
    words["owner"] = owners[0] if len(owners) == 1 else ""
    return "attribute_of_other" if words["owner"] else ""


def _about_hidden(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a file of the program that has the name of another module, or an empty string."""
    from guest.hints.rules.modules import is_hidden

    module = error.obj if isinstance(error, AttributeError) else None
    return "module_hidden" if is_hidden(words["module"], getattr(module, "__file__", None)) else ""


def _about_module_attribute(words: Words, error: BaseException, code: str) -> str:
    if hint := _about_hidden(words, error, code):
        return hint
    if "(consider renaming" in str(error):  # since 3.13: the module has not been read to its end
        return ""
    if words["module"] == "datetime":
        import datetime

        if hasattr(datetime.datetime, words["name"]):
            return "module_class"
    part, names = IN_PARTS.get(words["module"], ("", ""))
    if words["name"] in names.split():
        words["module"] = part
        return "name_in_module"
    return with_nearest("module_attribute", words, _attributes(error))


def _about_class_attribute(words: Words, error: BaseException, code: str) -> str:
    hint = with_nearest("attribute", words, _attributes(error))
    if hint != "attribute":
        return hint
    is_of_objects = re.search(rf"\bself\.{re.escape(words['name'])}\b", words["program"])
    return "class_attribute" if is_of_objects else "attribute_of_class"


NAME_RULES: tuple[Rule, ...] = (
    (UnboundLocalError, "cannot access local variable '{name}'", "", _about_local),
    (NameError, "cannot access free variable '{name}'", "", "name_free"),
    (NameError, "name 'self' is not defined", "", "name_self"),
    (NameError, "name '{name}' is not defined", "", _about_name),
    (AttributeError, "'NoneType' object has no attribute '{name}'", "", _about_none),
    (AttributeError, "'{kind}' object has no attribute '{name}'", r"«[^»]*»\s*=(?!=)", _about_new_attribute),
    (AttributeError, "'{kind}' object has no attribute '{name}'", "", _about_attribute),
    (AttributeError, "module '{module}' has no attribute '{name}'", "", _about_module_attribute),
    (AttributeError, "partially initialized module '{module}'", "", _about_hidden),
    (AttributeError, "type object 'datetime.datetime' has no attribute '{name}'", "", "class_for_module"),
    (AttributeError, "type object '{type}' has no attribute '{name}'", "", _about_class_attribute),
)
