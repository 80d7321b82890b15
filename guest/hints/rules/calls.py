"""Rules for a call with the wrong arguments, or of something that is not a function."""

from __future__ import annotations

import builtins
import re
from types import FunctionType, ModuleType

from guest.hints.rule import Rule, Words
from guest.hints.traces import last_frame
from guest.hints.typos import is_slip


def _about_count(words: Words, error: BaseException, code: str) -> str:
    words["given"] = words["given"].partition(" ")[0]
    function = words["function"].rpartition("<locals>.")[2]
    if not code:  # a test has called it
        return _about_count_in_test(words, function, error)
    many = "" if _is_called_by_another(function, error, words, code) else "arguments_many"
    if "." not in function:
        if _first_parameter(_passed_on_to(function, error, code)) == "self":
            _leave_out_object(words)
        return many
    found = _method(function, error)
    is_of_class = isinstance(found, classmethod) or function.endswith(".__new__()")
    if not is_of_class and (isinstance(found, staticmethod) or _is_on_class(function, code)):
        return many
    if found is None:  # in a library: what it counts may or may not include the object
        return ""
    if words["takes"] == "0":
        return "" if is_of_class else "self_missing"
    if (is_of_class or _first_parameter(found) == "self") and words["given"].isdigit():
        _leave_out_object(words)
        return many
    return "method_many"


def _about_count_in_test(words: Words, function: str, error: BaseException) -> str:
    method = _method(function, error)
    if _first_parameter(method) == "self" or isinstance(method, classmethod):
        _leave_out_object(words)
    elif "." in function and not isinstance(method, staticmethod):
        return "self_missing" if words["takes"] == "0" else ""
    return "arguments_tested"


def _leave_out_object(words: Words) -> None:
    """Count the arguments as the learner passes them."""
    for key in ("takes", "given"):
        words[key] = re.sub(r"\d+", lambda number: str(int(number[0]) - 1), words[key])


def _passed_on_to(function: str, error: BaseException, code: str) -> object:
    """Return the method that a function of turtle, such as 'forward()', calls on its own object; else None."""
    name, frame = function.removesuffix("()"), last_frame(error)
    module = _owner(name, error, code)
    known = vars(module) if isinstance(module, ModuleType) else frame.f_globals if frame else {}
    called = known.get(name)
    cells = (getattr(called, "__closure__", None) or ()) if getattr(called, "__module__", "") == "turtle" else ()
    return next((cell.cell_contents for cell in cells if isinstance(cell.cell_contents, FunctionType)), None)


def _about_twice(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for two values of one parameter; if it stands in the place of 'self', the object is the other."""
    function = words["function"].rpartition("<locals>.")[2]
    is_first = _first_parameter(_method(function, error)) == words["name"] != "self"
    return "self_missing" if is_first and not _is_on_class(function, code) else "argument_twice"


def _is_on_class(function: str, code: str) -> bool:
    """Return whether the line calls the method, such as 'Dog.bark()', on its class and not on an object."""
    return re.search(rf"\b{re.escape(function.removesuffix(')'))}", code) is not None


def _method(function: str, error: BaseException) -> object:
    """Return what the class has under the name of the method, such as 'Dog.bark()', or None."""
    frame = last_frame(error)
    kind, _, method = function.removesuffix("()").partition(".")
    found = {**frame.f_globals, **frame.f_locals}.get(kind) if frame else None
    return vars(found).get(method) if isinstance(found, type) else None


def _owner(method: str, error: BaseException, code: str) -> object:
    """Return the value of the variable whose method the line calls, or None."""
    frame = last_frame(error)
    found = re.search(rf"(?<![\w.])(\w+)\.{re.escape(method)}\(", code)
    return {**frame.f_globals, **frame.f_locals}.get(found[1]) if frame and found else None


def _first_parameter(method: object) -> str:
    return "".join(method.__code__.co_varnames[:1]) if isinstance(method, FunctionType) else ""


def _about_missing(words: Words, error: BaseException, code: str) -> str:
    function = words["function"].rpartition("<locals>.")[2]
    words["type"], _, words["method"] = function.rpartition(".")
    owner = _owner(words["method"].removesuffix("()"), error, code)
    if isinstance(owner, type) and words["type"]:
        words["type"] = owner.__name__
    if not code:  # a test has called it
        return "" if words["names"].startswith("'self'") else "argument_tested"
    if _is_called_by_another(function, error, words, code):
        return ""
    if words["names"].startswith("'self'"):
        return "self_object" if words["type"] else ""
    found = getattr(owner, words["method"].removesuffix("()"), None) if isinstance(owner, type) else None
    if _first_parameter(found) == "self":
        return "" if words["method"].startswith("__") else "self_object"  # an argument has become 'self'
    return "argument_missing"


def _is_called_by_another(function: str, error: BaseException, words: Words, code: str) -> bool:
    """Return whether the line has no call of the function that the learner could mend: map(f, x), or a property.

    A static method with 'self' has a parameter too many, and gets one value too few.
    """
    method = _method(function, error)
    is_static = isinstance(method, staticmethod) and _first_parameter(method.__func__) == "self"
    name = re.escape(function.removesuffix("()"))
    is_called = re.search(rf"\b{name.rpartition('.')[2]}\s*\(", code)
    is_passed_on = re.search(rf"(?<![\w.]){name}\s*[,)]", code) and not is_called
    is_special = re.search(r"\.__(?!init__|new__|call__)\w+__\(", function) and not re.search(r"\.__\w+__\(", code)
    is_by_python = is_passed_on or is_special or (not is_called and _calls_no_other(words))
    return is_static or isinstance(method, property) or bool(is_by_python)


def _calls_no_other(words: Words) -> bool:
    """Return whether what Python marks calls nothing, or only Python's own functions, which may call others."""
    marked = words["marked"].partition("«")[2].partition("»")[0] or words["marked"]
    called = re.findall(r"(\w+|[)\]])\s*\(", marked)
    return all((each in dir(builtins) and each[0] != "_") or each in ("reduce", "sort") for each in called)


def _about_unknown(words: Words, error: BaseException, code: str) -> str:
    suggested = re.search(r"Did you mean '(\w+)'", str(error))  # not in 3.11
    words["near"] = suggested[1] if suggested and is_slip(words["name"], suggested[1]) else ""
    return "argument_unknown_near" if words["near"] else "argument_unknown"


def _about_value_called(words: Words, error: BaseException, code: str) -> str | None:
    frame = last_frame(error)
    if frame is not None and frame.f_code.co_filename != words["file"]:  # a library called something
        return None
    if _is_function_of_program(words):
        return "name_reused"
    owner = _owner(words["name"], error, code)
    has_method = isinstance(owner, ModuleType) or hasattr(type(owner), words["name"])
    if has_method and re.search(rf"\.{words['name']}\s*=(?!=)", words["program"]):
        return "function_replaced"
    if words["kind"] in ("list", "tuple", "dict") and re.search(r"\([^)]+\)»", words["marked"]):
        return "list_called"
    return "no_parentheses" if re.search(r"\(\s*\)»", words["marked"]) else None


def _is_function_of_program(words: Words) -> bool:
    found = re.search(rf"(@\w*property\s+)?\bdef\s+{re.escape(words['name'])}\b", words["program"])
    return found is not None and not found[1]


def _about_called(words: Words, error: BaseException, code: str) -> str:
    name, frame = words["name"], last_frame(error)
    own = {**frame.f_globals, **frame.f_locals} if frame else {}
    if name in own and not callable(own[name]):
        if hasattr(builtins, name):
            return "name_taken"
        if _is_function_of_program(words):
            return "name_reused"
    elif name not in own and callable(getattr(builtins, name, None)):  # its argument was called, or its result
        caller = re.search(r"\b(map|filter|sorted|max|min|reduce)\(", code)
        words["name"] = caller[1] if caller else ""
        return "function_needed" if caller else ""
    return "list_called" if name in own and words["kind"] in ("list", "dict") else "not_a_function"


def _about_no_function(words: Words, error: BaseException, code: str) -> str:
    return "not_a_function" if code else ""  # a test has called it


CALL_RULES: tuple[Rule, ...] = (
    # Too many or too few arguments for a learner's own function
    (TypeError, "{function} missing {number} required {what}: {names}", "", _about_missing),
    (TypeError, "{function} takes {takes} positional argument{s} but {given} w", "", _about_count),
    (TypeError, "{function} got an unexpected keyword argument '{name}'", "", _about_unknown),
    (TypeError, "{function} got multiple values for argument '{name}'", "", _about_twice),
    # And for Python's functions
    (TypeError, "{what}at most 2 arguments", r"^\s*«class\b", "class_base"),
    (TypeError, "{function} takes no arguments", r"^\s*«class\b", "class_base"),
    (TypeError, "{function} missing required argument {names} (pos", "", "argument_missing"),
    (TypeError, "{function} missing required argument {names}", "", "argument_missing"),
    (TypeError, "{function} expected {takes} argument{s}, got {given}", "", "arguments_many"),
    (TypeError, "{function} takes no arguments (", "", "arguments_none"),
    (TypeError, "{function} takes no arguments", "", "class_without_init"),
    (TypeError, "{function} takes no positional arguments", "", "arguments_named"),
    (TypeError, "{function} takes {takes} positional argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "{function} takes {takes} argument{s} ({given} given)", "", "arguments_many"),
    (TypeError, "{name}() must have at least two arguments", "", "map_arguments"),
    (TypeError, "'{name}' is an invalid keyword argument for {function}", "", "argument_unknown"),  # 3.11
    (TypeError, "unbound method {kind}.{method}() needs an argument", "", "method_alone"),
    (TypeError, "descriptor '{method}' of '{name}' object needs an argument", r"\bsuper\.", "parentheses_needed"),
    (TypeError, "descriptor '{method}' for '{kind}' objects doesn't apply", "", "method_alone"),
    # Not a function
    (TypeError, "'module' object is not callable", "", "module_called"),
    (TypeError, "'{kind}' object is not callable", r"\.(?P<name>sort)\(\s*key\b", "function_needed"),
    (TypeError, "'{kind}' object is not callable", r"«[^»]*\.(?P<name>\w+)\([^()]*\)»", _about_value_called),
    (TypeError, "'{kind}' object is not callable", r"«(?P<name>\w+)\s*\(", _about_called),
    (TypeError, "'{kind}' object is not callable", "", _about_no_function),
    # Classes
    (TypeError, "__init__() should return None", "", "init_return"),
    (TypeError, "Can't instantiate abstract class {name} with", "", "abstract"),
)
