"""Rules for a value of the wrong type, or one that does not fit."""

from __future__ import annotations

import builtins
import re
import sys

from guest.hints.kinds import FUNCTIONS, KINDS
from guest.hints.rule import Choice, Rule, Words
from guest.hints.traces import last_frame

IN_LOOP = r"\bfor\b[^:«]*«[^:]*,[^:]*\bin\b"
OF_LOOP = r"\bfor\b[^:]*\bin\s+«|«[^»]*\bfor\b"  # 3.11 marks all of the loop
DECIMAL_IN_RANGE = r"\brange\((?:[^,/]*,[^,/]*,\s*-?(?P<step>[A-Za-z_]\w*)\s*\)|[^)]*(?<!\d)0?\.\d)"
NUMBERS = ("int", "float")
COLLECTIONS = ("list", "tuple", "dict", "set")
WITHOUT_INDEX = ("set", "frozenset", "dict_keys", "dict_values", "dict_items")
ONE_BY_ONE = ("map", "filter", "zip", "enumerate", "generator", "list_reverseiterator")
FUNCTION_LAST = r"\b(map|filter)\(\s*(?!lambda\b)(?:(\w+)\s*|.*[\])}'\"]\s*),\s*(?:lambda\b|(\w+)\s*\))"
"""A call of map() or filter() whose last argument looks like the function."""


def _of_value(hint: str) -> Choice:
    """Return the choice of `hint` for a value of the wrong type; if it is a function, it was not called."""
    return lambda words, error, code: "function_uncalled" if words["kind"] in FUNCTIONS else hint


def _about_operands(words: Words, error: BaseException, code: str) -> str:
    one, other = words["one"], words["other"]
    if words["operator"] in ("&", "|"):
        are_plain = one in KINDS and other in KINDS and not {one, other}.intersection(COLLECTIONS + WITHOUT_INDEX)
        return "logic_sign" if are_plain else "operands"
    if words["operator"] == "^" and one in NUMBERS and other in NUMBERS:
        return "power_sign"
    if {one, other}.intersection(FUNCTIONS):
        return "function_uncalled"
    if {one, other} == {"str"}:
        return "strings_operator"
    if "tuple" in (one, other) and {one, other}.intersection(NUMBERS) and _has_comma_in_number(words):
        return "tuple_comma"
    if "str" in (one, other) and {one, other}.intersection(NUMBERS):
        return "string_plus_number" if words["operator"] in ("+", "+=") else "string_and_number"
    return "operands"


def _about_list_plus(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for something after a list and a +; in a call of print() it was to be a part of the text."""
    if words["kind"] != "str" or not re.search(r"\bprint\(", code):
        return "list_plus"
    words["kind"] = "list"
    return "string_plus_other"


def _about_tuple_plus(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in NUMBERS and _has_comma_in_number(words):
        return "tuple_comma"
    if re.search(r"(\b\w+)\s*=\s*\1\s*\+|\+=|\)\s*\+", code):  # it is to become longer
        return "tuple_plus"
    words |= {"operator": "+", "one": "tuple", "other": words["kind"]}
    return "operands"


def _has_comma_in_number(words: Words) -> bool:
    """Return whether the program assigns what looks like one number, as in x = 1,000."""
    number = r"=\s*-?\d+(?:,(?:\d{2,})?|(?:,\d{3})+)\s*(?:#|;|$)"
    return re.search(number, words["program"], re.MULTILINE) is not None


def _about_times(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in FUNCTIONS:
        return "function_uncalled"
    return "tuple_comma" if words["kind"] == "float" and _has_comma_in_number(words) else "string_times"


def _about_percent(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for values that a string has no placeholders for, or for a number that is still a string."""
    before, _, marked = words["marked"].rpartition("«")
    marked = marked.partition("»")[0]
    if literal := re.search(r"(['\"])( *)\1\s*%", marked):
        text = words["line"][len(before) + literal.start(2) : len(before) + literal.end(2)]
        return "string_remainder" if text.strip().isdecimal() else "format_many"
    if re.search(r"%\s*\([^()]*,", marked):
        return "format_many"
    variable = re.search(r"(\w+)\s*%", marked)
    value = _value_of(variable[1], error) if variable else ""
    return "format_many" if isinstance(value, str) and "%" in value else "string_remainder"


def _about_string_plus(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in FUNCTIONS:
        return "function_uncalled"
    if words["kind"] in NUMBERS and _module_of(error) in sys.stdlib_module_names:  # it wants to calculate
        words["operator"] = "+"
        return "string_and_number"
    return "string_plus_number" if words["kind"] in NUMBERS else "string_plus_other"


def _about_elements(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if found := re.search(FUNCTION_LAST, code):
        name, first, last = found.groups()
        if not _is_function(first, error) and (last is None or _is_function(last, error)):
            words["name"] = name
            return "map_arguments"
    if kind in FUNCTIONS:
        return "function_uncalled"
    return "not_iterable" if kind in NUMBERS and re.search(OF_LOOP, words["marked"]) else "no_elements"


def _about_brackets(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_indexed"
    return "no_index" if kind in WITHOUT_INDEX + ONE_BY_ONE else "not_indexed"


def _value_of(name: str, error: BaseException) -> object:
    frame = last_frame(error)
    return {**frame.f_globals, **frame.f_locals}.get(name) if frame else None


def _is_function(name: str | None, error: BaseException) -> bool:
    """Return whether the program or Python has a function or class of this name."""
    value = _value_of(name, error) if name else None
    return callable(getattr(builtins, name or "", None) if value is None else value)


def _about_class_brackets(words: Words, error: BaseException, code: str) -> str:
    return "function_indexed" if hasattr(builtins, words["name"]) else ""


def _about_item(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a value whose elements cannot be changed; it may have none."""
    is_indexed = words["kind"] in ("range", "bytes") or hasattr(_value_of(words["kind"], error), "__getitem__")
    return "not_changed" if is_indexed else "not_indexed"


def _about_length(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_uncalled"
    if kind in ONE_BY_ONE:
        return "no_count"
    return "no_length" if "len(" in code else "no_elements"


def _about_index(words: Words, error: BaseException, code: str) -> str:
    hints = {"float": "index_type", "str": "index_text", "tuple": "index_several"}
    return _of_value(hints.get(words["kind"], "index_other"))(words, error, code) or ""


def _about_integer(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_uncalled"
    if kind in COLLECTIONS:
        return "integer_length"
    found = re.search(DECIMAL_IN_RANGE, code)
    if found and kind == "float" and (found["step"] is None or isinstance(_value_of(found["step"], error), float)):
        return "range_decimal"
    if kind == "str" and re.search(r"\bopen\(", code):
        return "encoding_named"
    if kind == "str" and re.search(r"\bsleep\(", code):
        return "number_needed"
    return {"str": "integer_string", "float": "integer"}.get(kind, "integer_other")


def _about_number(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in FUNCTIONS:
        return "function_uncalled"
    return "" if words["kind"] in (*NUMBERS, "complex") else "number_needed"


def _about_string(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in FUNCTIONS:
        return "function_uncalled"
    return "" if words["kind"] == "bytes" else "string_needed"  # str(...) would not decode them


def _if_arguments(words: Words, error: BaseException, code: str) -> str | None:
    """Return the hint for a missing argument of the command line, if the line looks for one."""
    names = re.findall(r"^\s*(\w+)\s*=\s*(?:sys\.)?argv\b", words["program"], re.MULTILINE)
    return "command_line" if re.search(rf"\b(?:{'|'.join(['argv', *names])})\b", code) else None


def _module_of(error: BaseException) -> str:
    """Return the name of the module or package that raised `error`, `__main__` for the program."""
    frame = last_frame(error)
    return str(frame.f_globals.get("__name__")).partition(".")[0] if frame else ""


def _about_position(words: Words, error: BaseException, code: str) -> str:
    return "" if _module_of(error) in sys.stdlib_module_names else "index"


def _about_key(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a missing key, unless a library other than pandas raised the error for reasons of its own."""
    is_slice = words["key"].startswith("slice(")  # since 3.12
    module = _module_of(error)
    if module == "__main__":
        is_looked_up = re.search(r"«[^»]*(?:\[|\bpop\(|\bpopitem\()|^[^«]*$", words["marked"])
        return "key" if is_looked_up and not is_slice else ""
    return "column" if module == "pandas" and not is_slice else ""


def _about_digits(words: Words, error: BaseException, code: str) -> str:
    is_float = words["text"].replace(".", "", 1).removeprefix("-").isdecimal()
    return "int_float" if is_float else "int_string"


def _about_range(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a range whose ends are the wrong way round, but none if they meet: then it is just empty."""
    numbers = re.findall(r"-?\d+", words["what"])
    is_empty = not numbers or numbers[0] == numbers[1]
    if re.search(r"\brandint\([^,]*,.*\blen\(|\brandrange\(.*\blen\(", code):
        return "pop_empty" if is_empty else ""
    return "" if is_empty else "empty_range"


def _about_json(words: Words, error: BaseException, code: str) -> str:
    found = str(getattr(error, "doc", ""))[getattr(error, "pos", 0) :]
    return "json_quotes" if re.match(r"'|\w", found) else ""


VALUE_RULES: tuple[Rule, ...] = (
    (TypeError, "{what}NoneType", "", "none"),
    # Operators
    (TypeError, "unsupported operand type(s) for +: 'int' and 'str'", r"«sum\(", "sum_of_strings"),
    (TypeError, "sum() can't sum strings", "", "sum_to_string"),
    (TypeError, 'can only concatenate str (not "{kind}") to str', "", _about_string_plus),
    (TypeError, "can only concatenate list", r"«sum\(", ""),
    (TypeError, 'can only concatenate list (not "{kind}") to list', "", _about_list_plus),
    (TypeError, 'can only concatenate tuple (not "{kind}") to tuple', "", _about_tuple_plus),
    (TypeError, "'{kind}' object is not iterable", r"«[^»]*\+=", _of_value("list_plus")),
    (TypeError, "unsupported operand type(s) for {operator}: '{one}' and '{other}'", "", _about_operands),
    (TypeError, "'{operator}' not supported between instances of '{one}' and '{other}'", "", _about_operands),
    (TypeError, "can't multiply sequence by non-int of type '{kind}'", "", _about_times),
    (TypeError, "not all arguments converted during string formatting", "", _about_percent),
    (TypeError, "'in <string>' requires string as left operand, not {kind}", "", _of_value("string_in")),
    (TypeError, "argument of type '{kind}' is not", "", _of_value("not_in")),
    # Elements
    (TypeError, "'{kind}' object is not iterable", "", _about_elements),
    (TypeError, "'{kind}' object is not subscriptable", "", _about_brackets),
    (TypeError, "type '{name}' is not subscriptable", "", _about_class_brackets),
    (TypeError, "object of type '{kind}' has no len", "", _about_length),
    (TypeError, "{what} indices must be integers or slices, not {kind}", "", _about_index),
    (TypeError, "string indices must be integers, not '{kind}'", "", _about_index),
    (TypeError, "'str' object does not support item", "", "string_fixed"),
    (TypeError, "'str' object doesn't support item", "", "string_fixed"),
    (TypeError, "'tuple' object does not support item", "", "tuple_fixed"),
    (TypeError, "'tuple' object doesn't support item", "", "tuple_fixed"),
    (TypeError, "'{kind}' object does not support item", "", _about_item),
    (TypeError, "'{kind}' object doesn't support item", "", _about_item),
    (TypeError, "unhashable type: 'slice'", "", ""),  # 3.11
    (TypeError, "unhashable type: '{kind}'", "", "unhashable"),
    (TypeError, "cannot unpack non-iterable {kind} object", IN_LOOP, "loop_single"),
    (TypeError, "cannot unpack non-iterable {kind} object", "", _of_value("not_unpacked")),
    (ValueError, "too many values to unpack", IN_LOOP, "loop_unpack"),
    (ValueError, "not enough values to unpack", IN_LOOP, "loop_unpack"),
    (ValueError, "too many values to unpack", r"=.*\.split\(", "unpack_split"),
    (ValueError, "not enough values to unpack", r"=.*\.split\(", "unpack_split"),
    (ValueError, "too many values to unpack", "", "unpack_many"),
    (ValueError, "not enough values to unpack", r"=\s*(?:sys\.)?argv\b", "command_line"),
    (ValueError, "not enough values to unpack", "", "unpack_few"),
    (IndexError, "", "", _if_arguments),
    (IndexError, "pop from", "", "pop_empty"),
    (IndexError, "Cannot choose from an empty sequence", "", "pop_empty"),
    (IndexError, "{what} assignment index out of range", r"\bdel\b", "index"),
    (IndexError, "{what} assignment index out of range", "", "index_assign"),
    (IndexError, "{what}index out of range", r"\b(?:heap\w+|choices)\(", "pop_empty"),
    (IndexError, "{what}index out of range", "", _about_position),
    (IndexError, "index {number} is out of bounds", "", "index_axis"),  # numpy
    (IndexError, "single positional indexer is out-of-bounds", "", "index"),  # pandas
    (IndexError, "Replacement index", "", "format_values"),
    (TypeError, "not enough arguments for format string", "", "format_values"),
    (KeyError, "'pop from an empty set'", "", "pop_empty"),
    (KeyError, "'popitem(): dictionary is empty'", "", "pop_empty"),
    (KeyError, "'dictionary is empty'", "", "pop_empty"),
    (KeyError, "{key}", r"«.*\.remove\(.*\)»", "not_there"),
    (KeyError, "{key}", r"«.*\.format\(.*\)»", "format_name"),
    (KeyError, "{key}", "", _about_key),
    (ValueError, "{what}(x): x not in", "", "not_there"),
    (ValueError, "{what} is not in list", "", "not_there"),
    (ValueError, "substring not found", "", "substring_not_found"),
    (RuntimeError, "{what} changed size during iteration", "", "changed_in_loop"),
    (RuntimeError, "dictionary keys changed during iteration", "", "changed_in_loop"),
    (StopIteration, "", "", "stop_iteration"),
    # Strings
    (TypeError, "can only join an iterable", "", "join_list"),
    (TypeError, "sequence item {number}: expected str instance, {kind} found", "", _of_value("join_elements")),
    (TypeError, "{what}must be str, not {kind}", r"^\s*«class\b", "class_base"),
    (TypeError, "{what}must be str, not {kind}", "", _about_string),
    (TypeError, "{what}must be str or None, not {kind}", "", _about_string),
    (TypeError, "{what} must be None or a string, not {kind}", "", _about_string),
    (TypeError, "ord() expected a character", "", "character_needed"),
    (ValueError, "Expecting property name enclosed in double quotes", "", _about_json),
    (ValueError, "Unknown format code '{code}' for object of type '{kind}'", "", "format_code"),
    # Numbers
    (TypeError, "'{kind}' object cannot be interpreted as an integer", "", _about_integer),
    (TypeError, "{function} argument must be a string{what} real number, not '{kind}'", "", _of_value("digits_needed")),
    (TypeError, "must be real number, not {kind}", "", _about_number),
    (TypeError, "%{code} format: a real number is required, not {kind}", "", _about_number),
    (TypeError, "type {kind} doesn't define __round__", "", _about_number),
    (TypeError, "bad operand type for {operator}: '{kind}'", "", _about_number),
    (ValueError, "invalid literal for int() with base 10: ''", "", "number_empty"),
    (ValueError, "could not convert string to float: ''", "", "number_empty"),
    (ValueError, "invalid literal for int() with base 10: '{text}'", "", _about_digits),
    (ValueError, "could not convert string to float: '{text}'", "", "float_string"),
    (ValueError, "math domain error", "", "math_domain"),
    (ValueError, "max() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "min() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "max() arg is an empty sequence", "", "empty_maximum"),  # 3.11
    (ValueError, "min() arg is an empty sequence", "", "empty_maximum"),  # 3.11
    (ValueError, "empty range ", r"\brandint\(\s*-?\d+\s*,\s*-?\d+\s*\)", "empty_range"),
    (ValueError, "empty range {what}", "", _about_range),
    (ValueError, "range() arg 3 must not be zero", "", "step_zero"),
    (ValueError, "slice step cannot be zero", "", "step_zero"),
    (ValueError, "Exceeds the limit", "", "large_number"),
    (ValueError, "The truth value of a", "", "truth_of_many"),
    (OverflowError, "date value out of range", "", ""),
    (OverflowError, "can't convert negative", "", ""),
    (OverflowError, "", "", "large_number"),
    (ZeroDivisionError, "{what}to a negative power", "", ""),
    (ZeroDivisionError, "", "", "division"),
    (AssertionError, "", r"\bassert\b", "assertion"),
)
