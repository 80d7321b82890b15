"""What is told of a name that is not known, and of one that a value does not have."""

from __future__ import annotations

import builtins
import re

from guest.hints.messages import KINDS
from guest.hints.traces import last_line, with_suggestion

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.hints.diagnosis import Rule, Words

FUNCTIONS = ("function", "method", "builtin_function_or_method")
BUILT_IN = {"str": str, "list": list, "dict": dict, "set": set}

SHORT_NAMES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot"}
IN_MODULES = {
    "math": "sqrt sin cos floor ceil factorial",
    "random": "randint choice shuffle randrange uniform",
    "time": "sleep perf_counter",
    "collections": "Counter defaultdict deque",
}
VALUES_ELSEWHERE = {"None": "null NULL nil undefined", "True": "true TRUE", "False": "false FALSE", "self": "this"}
FUNCTIONS_ELSEWHERE = {
    "str": "string String toString unicode",
    "int": "integer Integer parseInt",
    "float": "Float double parseFloat",
    "bool": "boolean Boolean",
    "len": "length size count",
    "print": "printf println echo puts",
    "input": "raw_input prompt",
}
METHODS_ELSEWHERE = {
    "upper": "toUpper toUpperCase",
    "lower": "toLower toLowerCase",
    "strip": "trim",
    "index": "indexOf",
    "startswith": "startsWith",
    "endswith": "endsWith",
    "extend": "addAll concat",
    "items": "iteritems entrySet",
    "keys": "keySet",
}
"""How these are called in other languages, or were in Python 2."""

# Kinds, what is looked for in them, and which hint.
ATTRIBUTES = (
    ("str list tuple dict set frozenset range", "length Length size len", "attribute_length"),
    ("str list tuple dict set frozenset range", "contains includes has has_key", "attribute_in"),
    ("str tuple dict set", "sort", "attribute_sort"),
    ("str tuple", "reverse", "attribute_reverse"),
    ("str", "append add push", "attribute_append_text"),
    ("str", "charAt substring substr slice", "attribute_part"),
    ("list", "add push push_back", "attribute_add_list"),
    ("list", "join", "attribute_join"),
    ("tuple", "append add insert remove pop", "tuple_fixed"),
    ("dict", "append add push insert put", "attribute_add_dict"),
    ("set", "append push insert", "attribute_add_set"),
)


def _about_name(words: Words, error: BaseException, code: str) -> str:
    name = words["name"]
    is_called = re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", code) is not None
    if name in SHORT_NAMES:
        words["module"] = SHORT_NAMES[name]
        return "name_short"
    if near := _key(VALUES_ELSEWHERE, name) or (_key(FUNCTIONS_ELSEWHERE, name) if is_called else ""):
        words["near"] = near
        return "name_elsewhere"
    if name != name.lower() and hasattr(builtins, name.lower()):
        words["near"] = name.lower()
        return "name_near"
    if last_line(error).endswith(f"forget to import '{name}'?"):
        return "name_module"
    hint = with_suggestion("name", words, error)
    if hint == "name" and is_called and (module := _key(IN_MODULES, name)):
        words["module"] = module
        return "name_in_module"
    return hint


def _key(table: dict[str, str], word: str) -> str:
    return next((key for key, listed in table.items() if word in listed.split()), "")


def _about_attribute(words: Words, error: BaseException, code: str) -> str:
    kind, name = words["kind"], words["name"]
    for kinds, names, hint in ATTRIBUTES:
        if kind in kinds.split() and name in names.split():
            return hint
    near = _key(METHODS_ELSEWHERE, name)
    if near and hasattr(BUILT_IN.get(kind), near):
        words["near"] = near
        return "name_elsewhere"
    if hint := _about_other_kind(words):
        return hint
    hint = with_suggestion("attribute", words, error)
    if hint == "attribute" and kind in FUNCTIONS:
        return "function_uncalled"
    if hint == "attribute" and name.startswith("__") and not name.endswith("__"):
        return "attribute_private"
    return hint


def _about_other_kind(words: Words) -> str:
    """Return the hint for a method of a text or a list that is looked for in a built-in value of another kind."""
    if words["kind"] not in KINDS or words["kind"] in FUNCTIONS or words["name"].startswith("_"):
        return ""
    words["owner"] = next((kind for kind, built_in in BUILT_IN.items() if hasattr(built_in, words["name"])), "")
    return "attribute_of_other" if words["owner"] else ""


def _about_module_attribute(words: Words, error: BaseException, code: str) -> str:
    if words["module"] == "datetime":
        import datetime

        if hasattr(datetime.datetime, words["name"]):
            return "module_class"
    return with_suggestion("module_attribute", words, error)


def _about_class_attribute(words: Words, error: BaseException, code: str) -> str:
    hint = with_suggestion("attribute", words, error)
    return "class_attribute" if hint == "attribute" else hint


NAME_RULES: tuple[Rule, ...] = (
    (UnboundLocalError, "cannot access local variable '{name}'", "", "name_local"),
    (NameError, "cannot access free variable '{name}'", "", "name_free"),
    (NameError, "name 'self' is not defined", "", "name_self"),
    (NameError, "name '{name}' is not defined", "", _about_name),
    (AttributeError, "'NoneType' object", "", "none"),
    (AttributeError, "'{kind}' object has no attribute '{name}'", r"«[^»]*»\s*=(?!=)", "attribute_fixed"),
    (AttributeError, "'{kind}' object has no attribute '{name}'", "", _about_attribute),
    (AttributeError, "module '{module}' has no attribute '{name}'", "", _about_module_attribute),
    (AttributeError, "type object 'datetime.datetime' has no attribute '{name}'", "", "class_for_module"),
    (AttributeError, "type object '{type}' has no attribute '{name}'", "", _about_class_attribute),
)
