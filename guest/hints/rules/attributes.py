"""Rules for an attribute that a value does not have."""

from __future__ import annotations

import re
import sys

from guest.hints.elsewhere import key_of
from guest.hints.kinds import FUNCTIONS, KINDS
from guest.hints.rule import Rule, Words
from guest.hints.traces import is_hidden, last_frame, with_nearest

BUILT_IN = {"str": str, "list": list, "dict": dict, "set": set}

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
"""The methods in Python, and what other languages or Python 2 call the same thing."""

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


def _about_attribute(words: Words, error: BaseException, code: str) -> str:
    kind, name = words["kind"], words["name"]
    if kind in KINDS and not _is_raised_by_program(error):  # a library got another value than it expected
        return ""
    if kind == "dict" and name in getattr(error, "obj", ()):
        return "attribute_key"
    for kinds, names, hint in ATTRIBUTES:
        if kind in kinds.split() and name in names.split():
            return hint
    near = key_of(METHODS_ELSEWHERE, name)
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
    if words["module"] and (part := _imported(words["module"], words["program"])):
        words["part"] = part
        return "function_for_module" if words["module"] in sys.stdlib_module_names else ""
    return "" if re.search(rf"\.{name}\s*[-+*/]?=(?!=)", words["program"]) else "function_uncalled"


def _imported(name: str, program: str) -> str:
    """Return what the program imports to have `name` from a module: the name, * for all, or nothing."""
    if re.search(rf"\bfrom\s+\w+\s+import\b.*\b{name}\b", program):
        return name
    return "*" if re.search(rf"\bfrom\s+{name}\s+import\s+\*", program) else ""


def _about_datetime(words: Words, error: BaseException, code: str) -> str:
    words["part"] = _imported("datetime", words["program"])
    words["type"] = "datetime.datetime"
    return "class_for_module" if words["part"] else _about_class_attribute(words, error, code)


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


ATTRIBUTE_RULES: tuple[Rule, ...] = (
    (AttributeError, "'NoneType' object has no attribute '{name}'", "", _about_none),
    (AttributeError, "'{kind}' object has no attribute '{name}'", r"«[^»]*»\s*=(?!=)", _about_new_attribute),
    (AttributeError, "'{kind}' object has no attribute '{name}'", "", _about_attribute),
    (AttributeError, "module '{module}' has no attribute '{name}'", "", _about_module_attribute),
    (AttributeError, "partially initialized module '{module}'", "", _about_hidden),
    (AttributeError, "type object 'datetime.datetime' has no attribute '{name}'", "", _about_datetime),
    (AttributeError, "type object '{type}' has no attribute '{name}'", "", _about_class_attribute),
)
