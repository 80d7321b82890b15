"""What is told of a value of the wrong kind, or of one that does not fit."""

from __future__ import annotations

from guest.hints.rules.names import FUNCTIONS
from guest.hints.traces import last_frame

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.hints.diagnosis import Rule, Words

NUMBERS = ("int", "float")
COLLECTIONS = ("list", "tuple", "dict", "set")
WITHOUT_PLACES = ("set", "frozenset", "dict_keys", "dict_values", "dict_items")
ONE_BY_ONE = ("map", "filter", "zip", "enumerate", "generator", "list_reverseiterator")


def _about_operands(words: Words, error: BaseException, code: str) -> str:
    one, other = words["one"], words["other"]
    if {one, other}.intersection(FUNCTIONS):
        return "function_uncalled"
    if {one, other} == {"str"}:
        return "texts_operator"
    if "str" in (one, other) and {one, other}.intersection(NUMBERS):
        return "text_plus_number" if words["operator"] in ("+", "+=") else "text_and_number"
    return "operands"


def _about_text_plus(words: Words, error: BaseException, code: str) -> str:
    if words["kind"] in FUNCTIONS:
        return "function_uncalled"
    return "text_plus_number" if words["kind"] in NUMBERS else "text_plus_other"


def _about_elements(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_uncalled"
    return "not_iterable" if kind in NUMBERS and "for" in code.split() else "no_elements"


def _about_brackets(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_indexed"
    return "no_places" if kind in WITHOUT_PLACES + ONE_BY_ONE else "not_indexed"


def _about_length(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_uncalled"
    if kind in ONE_BY_ONE:
        return "no_count"
    return "no_length" if "len(" in code else "no_elements"


def _about_index(words: Words, error: BaseException, code: str) -> str:
    return {"float": "index_type", "str": "index_text", "tuple": "index_several"}.get(words["kind"], "index_other")


def _about_whole_number(words: Words, error: BaseException, code: str) -> str:
    kind = words["kind"]
    if kind in FUNCTIONS:
        return "function_uncalled"
    if kind in COLLECTIONS:
        return "whole_number_length"
    return "whole_number" if kind in ("str", "float") else "whole_number_other"


def _about_key(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a key that was looked for by the program itself, or for a table."""
    frame = last_frame(error)
    module = str(frame.f_globals.get("__name__")).partition(".")[0] if frame else ""
    return {"__main__": "key", "pandas": "column"}.get(module, "")


def _about_digits(words: Words, error: BaseException, code: str) -> str:
    is_float = words["text"].replace(".", "", 1).removeprefix("-").isdecimal()
    return "int_float" if is_float else "int_text"


VALUE_RULES: tuple[Rule, ...] = (
    (TypeError, "{what}NoneType", "", "none"),
    # Operators
    (TypeError, "unsupported operand type(s) for +: 'int' and 'str'", r"«sum\(", "sum_texts"),
    (TypeError, "sum() can't sum strings", "", "sum_strings"),
    (TypeError, 'can only concatenate str (not "{kind}") to str', "", _about_text_plus),
    (TypeError, "can only concatenate list", "", "list_plus"),
    (TypeError, "can only concatenate tuple", "", "tuple_plus"),
    (TypeError, "'{kind}' object is not iterable", r"\+=", "list_plus"),
    (TypeError, "unsupported operand type(s) for {operator}: '{one}' and '{other}'", "", _about_operands),
    (TypeError, "'{operator}' not supported between instances of '{one}' and '{other}'", "", _about_operands),
    (TypeError, "can't multiply sequence by non-int of type '{kind}'", "", "text_times"),
    (TypeError, "not all arguments converted during string formatting", r"['\"]\s*%", "format_many"),
    (TypeError, "not all arguments converted during string formatting", "", "text_remainder"),
    (TypeError, "'in <string>' requires string as left operand, not {kind}", "", "text_in"),
    (TypeError, "argument of type '{kind}' is not", "", "not_in"),
    # Elements
    (TypeError, "'{kind}' object is not iterable", "", _about_elements),
    (TypeError, "'{kind}' object is not subscriptable", "", _about_brackets),
    (TypeError, "object of type '{kind}' has no len", "", _about_length),
    (TypeError, "{what} indices must be integers or slices, not {kind}", "", _about_index),
    (TypeError, "string indices must be integers, not '{kind}'", "", _about_index),
    (TypeError, "'str' object does not support item", "", "text_fixed"),
    (TypeError, "'str' object doesn't support item", "", "text_fixed"),
    (TypeError, "'tuple' object does not support item", "", "tuple_fixed"),
    (TypeError, "'tuple' object doesn't support item", "", "tuple_fixed"),
    (TypeError, "'{kind}' object does not support item", "", "not_indexed"),
    (TypeError, "'{kind}' object doesn't support item", "", "not_indexed"),
    (TypeError, "unhashable type: '{kind}'", "", "unhashable"),
    (TypeError, "cannot unpack non-iterable {kind} object", r"^\s*«?for\b", "loop_single"),
    (TypeError, "cannot unpack non-iterable {kind} object", "", "not_unpacked"),
    (ValueError, "too many values to unpack", r"^\s*for\b", "loop_unpack"),
    (ValueError, "not enough values to unpack", r"^\s*for\b", "loop_unpack"),
    (ValueError, "too many values to unpack", "", "unpack_many"),
    (ValueError, "not enough values to unpack", "", "unpack_few"),
    (IndexError, "pop from", "", "pop_empty"),
    (IndexError, "Cannot choose from an empty sequence", "", "pop_empty"),
    (IndexError, "{what} assignment index out of range", "", "index_assign"),
    (IndexError, "{what}index out of range", "", "index"),
    (IndexError, "index {number} is out of bounds", "", "index"),  # numpy
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
    (ValueError, "substring not found", "", "text_not_found"),
    (RuntimeError, "{what} changed size during iteration", "", "changed_in_loop"),
    (RuntimeError, "dictionary keys changed during iteration", "", "changed_in_loop"),
    (StopIteration, "", "", "stop_iteration"),
    # Texts
    (TypeError, "can only join an iterable", "", "join_list"),
    (TypeError, "sequence item {number}: expected str instance, {kind} found", "", "text_join"),
    (TypeError, "{what}must be str, not {kind}", "", "text_needed"),
    (TypeError, "{what}must be str or None, not {kind}", "", "text_needed"),
    (TypeError, "{what} must be None or a string, not {kind}", "", "text_needed"),
    (TypeError, "ord() expected a character", "", "character_needed"),
    (ValueError, "Unknown format code '{code}' for object of type '{kind}'", "", "format_code"),
    # Numbers
    (TypeError, "'{kind}' object cannot be interpreted as an integer", "", _about_whole_number),
    (TypeError, "{function} argument must be a string{what} real number, not '{kind}'", "", "digits_needed"),
    (TypeError, "must be real number, not {kind}", "", "number_needed"),
    (TypeError, "%{code} format: a real number is required, not {kind}", "", "number_needed"),
    (TypeError, "type {kind} doesn't define __round__", "", "number_needed"),
    (TypeError, "bad operand type for {operator}: '{kind}'", "", "number_needed"),
    (ValueError, "invalid literal for int() with base 10: ''", "", "number_empty"),
    (ValueError, "could not convert string to float: ''", "", "number_empty"),
    (ValueError, "invalid literal for int() with base 10: '{text}'", "", _about_digits),
    (ValueError, "could not convert string to float: '{text}'", "", "float_text"),
    (ValueError, "math domain error", "", "math_domain"),
    (ValueError, "max() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "min() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "max() arg is an empty sequence", "", "empty_maximum"),  # 3.11
    (ValueError, "min() arg is an empty sequence", "", "empty_maximum"),  # 3.11
    (ValueError, "empty range ", "", "empty_range"),
    (ValueError, "range() arg 3 must not be zero", "", "step_zero"),
    (ValueError, "slice step cannot be zero", "", "step_zero"),
    (ValueError, "Exceeds the limit", "", "large_number"),
    (ValueError, "The truth value of a", "", "truth_of_many"),
    (OverflowError, "", "", "large_number"),
    (ZeroDivisionError, "", "", "division"),
    (AssertionError, "", r"\bassert\b", "assertion"),
)
