"""Which mistake an error is, so that a hint can be given: told from Python's own words, and from the line where it is.

Names that are spelled nearly like an unknown one, Python finds itself; they are taken from it.
"""

from __future__ import annotations

import keyword
import os
import re
import sys
import traceback

from guest.hints import HINTS, KINDS, OTHER_KIND

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Iterator

    Words = dict[str, str]
    Rule = tuple[type[BaseException], str, str, str]

LONGEST_WORD = 60
LONGEST_TEXT = 1000
"""Characters: of what is filled into a hint, and of a message and a line that are looked at."""

NUMBERS = ("int", "float")
KEYWORDS = "|".join(keyword.kwlist)
PLACE = re.compile(r"\{(\w+)\}")

# The first that fits counts: the exception, how its message begins, what is in the line, and which hint.
RULES: tuple[Rule, ...] = (
    (TabError, "", "", "tabs"),
    (IndentationError, "expected an indented block after {what} on line {number}", "", "indent_needed"),
    (IndentationError, "unexpected indent", "", "indent_extra"),
    (IndentationError, "unindent", "", "indent_odd"),
    (SyntaxError, "expected ':'", r"^\s*else\s+if\b", "else_if"),
    (SyntaxError, "expected ':'", r"=[<>]", "arrow"),
    (SyntaxError, "expected ':'", r"&&|\|\|", "logic"),
    (SyntaxError, "expected ':'", r"^\s*(?:if|elif|while)\b[^=]*[^=!<>:]=[^=]", "assign_compare"),
    (SyntaxError, "expected ':'", "", "colon"),
    (SyntaxError, "{what}Maybe you meant '=='", "", "assign_compare"),
    (SyntaxError, "cannot assign to {name}", r"^\s*(?:True|False|None)\s*=", "assign_constant"),
    (SyntaxError, "cannot assign to", "", "assign_target"),
    (SyntaxError, "Missing parentheses in call to '{name}'", "", "brackets_needed"),
    (SyntaxError, "'{' was never closed", r"\{\s*$", "brace"),
    (SyntaxError, "'{bracket}' was never closed", "", "open_bracket"),
    (SyntaxError, "closing parenthesis '{close}' does not match opening parenthesis '{open}'", "", "wrong_bracket"),
    (SyntaxError, "unmatched '{bracket}'", "", "extra_bracket"),
    (SyntaxError, "unterminated string literal", "", "quote"),
    (SyntaxError, "unterminated f-string literal", "", "quote"),
    (SyntaxError, "unterminated triple-quoted", "", "triple_quote"),
    (SyntaxError, "f-string: ", "", "fstring"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", "", "comma"),
    (SyntaxError, "'{word}' outside function", "", "return_outside"),
    (SyntaxError, "'{word}' outside loop", "", "loop_outside"),
    (SyntaxError, "'{word}' not properly in loop", "", "loop_outside"),
    (SyntaxError, "invalid decimal literal", "", "digit_first"),
    (SyntaxError, "leading zeros", "", "leading_zero"),
    (SyntaxError, "invalid character '{character}'", "", "odd_character"),
    (SyntaxError, "invalid non-printable character", "", "odd_space"),
    (SyntaxError, "unexpected character after line continuation", "", "backslash"),
    (SyntaxError, "expected '('", "", "def_brackets"),
    (SyntaxError, "expected 'except'", "", "try_alone"),
    (SyntaxError, "positional argument follows keyword", "", "argument_order"),
    (SyntaxError, "parameter without a default", "", "parameter_order"),
    (SyntaxError, "name '{name}' is {used} global", "", "global_late"),
    (SyntaxError, "Expected one or more names after 'import'", "", "import_what"),
    (SyntaxError, "invalid syntax", r"=[<>]", "arrow"),
    (SyntaxError, "invalid syntax", r"&&|\|\|", "logic"),
    (SyntaxError, "invalid syntax", r"(?P<operator>\+\+|--)", "increment"),
    (SyntaxError, "invalid syntax", r"^\s*(?P<word>elif|else|except|finally)\b", "branch_alone"),
    (SyntaxError, "invalid syntax", r"^\s*(?:if|while|for|def|class|with|try)\b[^:=]*$", "colon"),
    (SyntaxError, "invalid syntax", rf"^\s*(?P<word>{KEYWORDS})\s*=(?!=)", "keyword_name"),
    (SyntaxError, "invalid syntax", r"^\s*(?:int|str|string|float|var|let|const|double)\s+\w+\s*=", "declaration"),
    (SyntaxError, "invalid syntax", r"[-+*/%=<>,(.]\s*$", "incomplete"),
    (SyntaxError, "invalid syntax", "", "syntax"),
    (UnboundLocalError, "cannot access local variable '{name}'", "", "name_local"),
    (NameError, "name 'null' is not defined", "", "name_null"),
    (NameError, "name '{name}' is not defined", "", "name"),
    (ModuleNotFoundError, "No module named '{name}'", "", "module"),
    (ImportError, "cannot import name '{name}' from '{module}'", "", "import_name"),
    (TypeError, "{what}NoneType", "", "none"),
    (AttributeError, "'NoneType' object", "", "none"),
    (AttributeError, "'{kind}' object has no attribute 'length'", "", "attribute_length"),
    (AttributeError, "'{kind}' object has no attribute 'size'", "", "attribute_length"),
    (AttributeError, "'str' object has no attribute 'append'", "", "attribute_append_text"),
    (AttributeError, "'list' object has no attribute 'add'", "", "attribute_add_list"),
    (AttributeError, "'list' object has no attribute 'push'", "", "attribute_add_list"),
    (AttributeError, "'dict' object has no attribute 'has_key'", "", "attribute_has_key"),
    (AttributeError, "module 'datetime' has no attribute '{name}'", "", "module_class"),
    (AttributeError, "module '{module}' has no attribute '{name}'", "", "module_attribute"),
    (AttributeError, "'{kind}' object has no attribute '{name}'", "", "attribute"),
    (TypeError, 'can only concatenate str (not "{other}") to str', "", "text_plus_number"),
    (TypeError, "unsupported operand type(s) for {operator}: '{one}' and '{other}'", "", "operands"),
    (TypeError, "'{operator}' not supported between instances of '{one}' and '{other}'", "", "operands"),
    (TypeError, "can't multiply sequence by non-int", "", "text_times"),
    (TypeError, "sequence item {number}: expected str instance", "", "text_join"),
    (TypeError, "can only concatenate list", "", "list_plus"),
    (TypeError, "'list' object is not callable", "", "list_called"),
    (TypeError, "'dict' object is not callable", "", "list_called"),
    (TypeError, "'module' object is not callable", "", "module_called"),
    (TypeError, "'{kind}' object is not callable", "", "not_a_function"),
    (TypeError, "'function' object is not subscriptable", "", "function_indexed"),
    (TypeError, "'method' object is not subscriptable", "", "function_indexed"),
    (TypeError, "'builtin_function_or_method' object is not subscriptable", "", "function_indexed"),
    (TypeError, "'{kind}' object is not subscriptable", "", "not_indexed"),
    (TypeError, "'{kind}' object is not iterable", "", "not_iterable"),
    (TypeError, "argument of type '{kind}' is not iterable", "", "not_iterable"),
    (TypeError, "cannot unpack non-iterable {kind} object", "", "not_unpacked"),
    (TypeError, "object of type '{kind}' has no len", "", "no_length"),
    (TypeError, "list indices must be integers or slices, not {kind}", "", "index_type"),
    (TypeError, "tuple indices must be integers or slices, not {kind}", "", "index_type"),
    (TypeError, "string indices must be integers, not '{kind}'", "", "index_type"),
    (TypeError, "'str' object does not support item", "", "text_fixed"),
    (TypeError, "'tuple' object does not support item", "", "tuple_fixed"),
    (TypeError, "unhashable type: '{kind}'", "", "unhashable"),
    (TypeError, "'{kind}' object cannot be interpreted as an integer", "", "whole_number"),
    (
        TypeError,
        "{function} argument must be a string, a bytes-like object or a real number, not '{kind}'",
        "",
        "number_needed",
    ),
    (TypeError, "{function} missing {number} required {what}: {name}", "", "argument_missing"),
    (TypeError, "{kind}.{method}() takes 0 positional arguments but 1 was given", "", "self_missing"),
    (TypeError, "{function} takes {takes} positional argument{s} but {given} w", "", "arguments_many"),
    (TypeError, "{function} got an unexpected keyword argument '{name}'", "", "argument_unknown"),
    (TypeError, "{function} got multiple values for argument '{name}'", "", "argument_twice"),
    (TypeError, "{function} takes no arguments", "", "no_arguments"),
    (ValueError, "invalid literal for int() with base 10: ''", "", "int_empty"),
    (ValueError, "invalid literal for int() with base 10: '{text}'", "", "int_text"),
    (ValueError, "could not convert string to float: '{text}'", "", "float_text"),
    (ValueError, "too many values to unpack", "", "unpack_many"),
    (ValueError, "not enough values to unpack", "", "unpack_few"),
    (ValueError, "list.remove(x): x not in list", "", "not_in_list"),
    (ValueError, "math domain error", "", "math_domain"),
    (ValueError, "max() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "min() iterable argument is empty", "", "empty_maximum"),
    (ValueError, "Exceeds the limit", "", "large_number"),
    (IndexError, "pop from", "", "pop_empty"),
    (IndexError, "{what} assignment index out of range", "", "index_assign"),
    (IndexError, "{what}index out of range", "", "index"),
    (KeyError, "{key}", "", "key"),
    (ZeroDivisionError, "", "", "division"),
    (OverflowError, "", "", "large_number"),
    (AssertionError, "", "", "assertion"),
    (RecursionError, "", "", "recursion"),
    (NotImplementedError, "", "", "not_implemented"),
    (RuntimeError, "{what} changed size during iteration", "", "changed_in_loop"),
    (RuntimeError, "can't start new thread", "", "threads"),
    (StopIteration, "", "", "stop_iteration"),
    (MemoryError, "", "", "memory"),
    (EOFError, "EOF when reading a line", "", "input"),
    (FileNotFoundError, "[Errno 2] {what}: '{name}'", "", "no_file"),
    (PermissionError, "[Errno 13]", "", "read_only"),
    (OSError, "[Errno 30]", "", "read_only"),
    (OSError, "[Errno 101]", "", "network"),
    (OSError, "[Errno -3]", "", "network"),
    (OSError, "<urlopen error", "", "network"),
    (BlockingIOError, "[Errno 11]", "", "threads"),
    (SystemExit, "", "", "exit"),
)


def hint_for(error: BaseException, message: str, line: str) -> str:
    """Return a sentence that helps with `error`, which arose in `line`; an empty one where there is none."""
    message, line = message[:LONGEST_TEXT], line[:LONGEST_TEXT]
    for kind, pattern, in_line, hint in RULES:
        if not isinstance(error, kind) or (words := _match(pattern, message)) is None:
            continue
        if found := re.search(in_line, line):
            return _sentence(*_refine(hint, {**words, **found.groupdict()}, error))
    return ""


def _match(pattern: str, message: str) -> Words | None:
    """Return what stands in `message` where `pattern` has names in braces; None if it does not begin like it.

    Not by regular expressions: to compile these takes longer than all else that is done about an error.
    """
    start, *rest = PLACE.split(pattern)
    if not message.startswith(start):
        return None
    message = message[len(start) :]
    words = {}
    for name, literal in zip(rest[::2], rest[1::2], strict=True):
        value, found, after = message.partition(literal) if literal else (message, "all", "")
        if not found:
            return None
        words[name], message = value, after
    return words


def _refine(hint: str, words: Words, error: BaseException) -> tuple[str, Words]:
    """Return the hint that fits best of those like `hint`, and what to fill in."""
    if hint == "operands":
        return _about_operands(words), words
    if hint == "module":
        return _about_module(words)
    if hint == "int_text" and words["text"].replace(".", "", 1).removeprefix("-").isdecimal():
        return "int_float", words
    if hint in ("name", "attribute", "module_attribute", "import_name", "argument_unknown"):
        return _about_name(hint, words, error)
    return hint, words


def _about_operands(words: Words) -> str:
    kinds = {words["one"], words["other"]}
    if "str" not in kinds or not kinds.intersection(NUMBERS):
        return ""
    return "text_plus_number" if words["operator"] == "+" else "text_and_number"


def _about_name(hint: str, words: Words, error: BaseException) -> tuple[str, Words]:
    """Return a hint with the name that Python suggests in the last line of its traceback, if it does."""
    shown = traceback.TracebackException(type(error), error, error.__traceback__, limit=0, lookup_lines=False)
    last_line = next(shown.format_exception_only(), "").rstrip()
    if near := re.search(r"[Dd]id you mean:? '([^']+)'", last_line):
        return f"{hint}_near", {**words, "near": near[1]}
    if hint == "name" and last_line.endswith(f"forget to import '{words['name']}'?"):
        return "name_module", words
    return hint, words


def _about_module(words: Words) -> tuple[str, Words]:
    import difflib

    name = words["name"].partition(".")[0]
    installed = sorted(_installed())
    known = [*installed, *(each for each in sys.stdlib_module_names if not each.startswith("_"))]
    if near := difflib.get_close_matches(name, known, n=1, cutoff=0.7):
        return "module_near", {"name": name, "near": near[0]}
    if not installed:
        return "module_alone", {"name": name}
    return "module", {"name": name, "installed": ", ".join(installed)}


def _installed() -> Iterator[str]:
    """Yield the names by which what is installed beside the standard library is imported."""
    for directory in sys.path:
        if not directory.endswith(("site-packages", "dist-packages")) or not os.path.isdir(directory):
            continue
        for entry in os.scandir(directory):
            name = entry.name.removesuffix(".py")
            if name.isidentifier() and not name.startswith("_") and (entry.is_dir() or entry.name != name):
                yield name


def _sentence(hint: str, words: Words) -> str:
    if not hint:
        return ""
    kind = words.get("kind", "")
    words["kind"] = KINDS.get(kind) or OTHER_KIND.format(kind=kind[:LONGEST_WORD])
    longest = {"installed": LONGEST_TEXT}
    return HINTS[hint].format(**{name: word[: longest.get(name, LONGEST_WORD)] for name, word in words.items()})
