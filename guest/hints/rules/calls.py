"""Rules for a call with the wrong arguments, or of something that is not a function."""

from __future__ import annotations

import builtins
import re
from types import FunctionType

from guest.hints.rule import Rule, Words
from guest.hints.traces import last_frame
from guest.hints.typos import is_slip


def _about_count(words: Words, error: BaseException, code: str) -> str:
    words["given"] = words["given"].partition(" ")[0]
    function = words["function"].rpartition("<locals>.")[2]
    is_on_class = re.search(rf"\b{re.escape(function.removesuffix(')'))}", code)
    if "." not in function or is_on_class:
        return "arguments_many"
    if words["takes"] == "0":
        return "self_missing"
    if _has_self(function, error) and words["takes"].isdigit() and words["given"].isdigit():
        words["takes"], words["given"] = (str(int(words[key]) - 1) for key in ("takes", "given"))
        return "arguments_many"
    return "method_many"


def _has_self(function: str, error: BaseException) -> bool:
    """Return whether the method, such as 'Dog.bark()', has 'self' as its first parameter."""
    frame = last_frame(error)
    kind, _, method = function.removesuffix("()").partition(".")
    found = getattr(frame.f_globals.get(kind), method, None) if frame else None
    return isinstance(found, FunctionType) and found.__code__.co_varnames[:1] == ("self",)


def _about_missing(words: Words, error: BaseException, code: str) -> str:
    words["type"], _, words["method"] = words["function"].rpartition("<locals>.")[2].rpartition(".")
    return "self_object" if words["type"] and words["names"].startswith("'self'") else "argument_missing"


def _about_unknown(words: Words, error: BaseException, code: str) -> str:
    suggested = re.search(r"Did you mean '(\w+)'", str(error))  # not in 3.11
    words["near"] = suggested[1] if suggested and is_slip(words["name"], suggested[1]) else ""
    return "argument_unknown_near" if words["near"] else "argument_unknown"


def _about_called(words: Words, error: BaseException, code: str) -> str:
    frame = last_frame(error)
    is_own = frame is not None and words["name"] in {*frame.f_locals, *frame.f_globals}
    if is_own and hasattr(builtins, words["name"]):
        return "name_taken"
    called = frame.f_globals.get(words["name"], getattr(builtins, words["name"], None)) if frame else None
    if not is_own and callable(called):  # what cannot be called is one of its arguments, or its result
        caller = re.search(r"\b(map|filter|sorted|max|min|reduce)\(", code)
        words["name"] = caller[1] if caller else ""
        return "function_needed" if caller else ""
    return "list_called" if is_own and words["kind"] in ("list", "dict") else "not_a_function"


CALL_RULES: tuple[Rule, ...] = (
    # Too many or too few arguments for a learner's own function
    (TypeError, "{function} missing {number} required {what}: {names}", "", _about_missing),
    (TypeError, "{function} takes {takes} positional argument{s} but {given} w", "", _about_count),
    (TypeError, "{function} got an unexpected keyword argument '{name}'", "", _about_unknown),
    (TypeError, "{function} got multiple values for argument '{name}'", "", "argument_twice"),
    # And for Python's functions
    (TypeError, "{what}at most 2 arguments", r"^\s*«class\b", "class_base"),
    (TypeError, "{function} missing required argument {names} (pos", "", "argument_missing"),
    (TypeError, "{function} missing required argument {names}", "", "argument_missing"),
    (TypeError, "{function} expected {takes} argument{s}, got {given}", "", "arguments_many"),
    (TypeError, "{function} takes no arguments (", "", "arguments_none"),
    (TypeError, "{function} takes no arguments", "", "class_without_init"),
    (TypeError, "{function} takes no positional arguments", "", "arguments_named"),
    (TypeError, "{function} takes {takes} positional argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "{function} takes {takes} argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "map() must have at least two arguments", "", "map_arguments"),
    (TypeError, "'{name}' is an invalid keyword argument for {function}", "", "argument_unknown"),  # 3.11
    (TypeError, "unbound method {kind}.{method}() needs an argument", "", "method_alone"),
    (TypeError, "descriptor '{method}' of '{name}' object needs an argument", r"\bsuper\.", "parentheses_needed"),
    (TypeError, "descriptor '{method}' for '{kind}' objects doesn't apply", "", "method_alone"),
    # Not a function
    (TypeError, "'module' object is not callable", "", "module_called"),
    (TypeError, "'{kind}' object is not callable", r"«(?P<name>\w+)\s*\(", _about_called),
    (TypeError, "'{kind}' object is not callable", r"«[\w.]+\.\w+\(\s*\)»", "no_parentheses"),
    (TypeError, "'{kind}' object is not callable", "", "not_a_function"),
    # Classes
    (TypeError, "__init__() should return None", "", "init_return"),
    (TypeError, "Can't instantiate abstract class {name} with", "", "abstract"),
)
