"""What is told of a call with the wrong arguments, or of what is no function."""

from __future__ import annotations

import builtins
import re

from guest.hints.traces import last_frame, with_suggestion

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.hints.diagnosis import Rule, Words


def _about_count(words: Words, error: BaseException, code: str) -> str:
    words["given"] = words["given"].partition(" ")[0]
    function = words["function"].rpartition("<locals>.")[2]
    is_on_class = re.search(rf"\b{re.escape(function.removesuffix(')'))}", code)
    if "." not in function or is_on_class:
        return "arguments_many"
    return "self_missing" if words["takes"] == "0" else "method_many"


def _about_missing(words: Words, error: BaseException, code: str) -> str:
    words["type"], _, words["method"] = words["function"].rpartition("<locals>.")[2].rpartition(".")
    return "self_object" if words["type"] and words["name"].startswith("'self'") else "argument_missing"


def _about_unknown(words: Words, error: BaseException, code: str) -> str:
    return with_suggestion("argument_unknown", words, error)


def _about_called(words: Words, error: BaseException, code: str) -> str:
    frame = last_frame(error)
    is_own = frame is not None and words["name"] in {*frame.f_locals, *frame.f_globals}
    if is_own and hasattr(builtins, words["name"]):
        return "name_taken"
    return "list_called" if is_own and words["kind"] in ("list", "dict") else "not_a_function"


CALL_RULES: tuple[Rule, ...] = (
    # Too many or too few, of a learner's own function
    (TypeError, "{function} missing {number} required {what}: {name}", "", _about_missing),
    (TypeError, "{function} takes {takes} positional argument{s} but {given} w", "", _about_count),
    (TypeError, "{function} got an unexpected keyword argument '{name}'", "", _about_unknown),
    (TypeError, "{function} got multiple values for argument '{name}'", "", "argument_twice"),
    # And of Python's
    (TypeError, "{what}at most 2 arguments", r"^\s*«class\b", "class_base"),
    (TypeError, "{function} missing required argument {name} (pos", "", "argument_missing"),
    (TypeError, "{function} missing required argument {name}", "", "argument_missing"),
    (TypeError, "{function} expected {takes} argument{s}, got {given}", "", "arguments_many"),
    (TypeError, "{function} takes no arguments (", "", "arguments_none"),
    (TypeError, "{function} takes no arguments", "", "class_without_init"),
    (TypeError, "{function} takes no positional arguments", "", "arguments_named"),
    (TypeError, "{function} takes {takes} positional argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "{function} takes {takes} argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "map() must have at least two arguments", "", "map_arguments"),
    (TypeError, "'{name}' is an invalid keyword argument for {function}", "", "argument_unknown"),  # 3.11
    (TypeError, "unbound method {kind}.{method}() needs an argument", "", "method_alone"),
    (TypeError, "descriptor '{method}' for '{kind}' objects doesn't apply", "", "method_alone"),
    # What is no function
    (TypeError, "'module' object is not callable", "", "module_called"),
    (TypeError, "'{kind}' object is not callable", r"«(?P<name>\w+)\s*\(", _about_called),
    (TypeError, "'{kind}' object is not callable", "", "not_a_function"),
    # Classes
    (TypeError, "__init__() should return None", "", "init_return"),
    (TypeError, "Can't instantiate abstract class {name} with", "", "abstract"),
)
