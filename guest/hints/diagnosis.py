"""Choose the hint for an error from Python's own message and from the line that raised it.

A hint is a key and the words that are filled in. The service has the sentences (executions/running/hint_sentences.py).

The first rule that fits decides. In the message of a rule, a name in braces stands for any words. In its pattern for
the line, « and » stand around what Python marks.
"""

from __future__ import annotations

import re

from guest.hints.rule import Rule, Words

LONGEST_TEXT = 1000
"""How many characters are read of a message and of a line."""

START, END = "«", "»"
TO_CHOOSE_BY = ("line", "marked", "program", "file")
"""The words that are never filled in."""

Hint = tuple[str, Words]
NO_HINT: Hint = ("", {})

PLACEHOLDER = re.compile(r"\{(\w+)\}")
STRING_OR_COMMENT = re.compile(r"""(["'])(?:\\.|(?!\1)[^\\])*\1|#.*""")
RAISED: tuple[Rule, ...] = (
    (NotImplementedError, "", "", "not_implemented"),
    (SystemExit, "2", r"\bparse_(?:known_)?args\(\s*\)", "command_line"),  # argparse
    (SystemExit, "", "", ""),  # the program itself says that it has failed
    (TypeError, "exceptions must derive from BaseException", "", "raise_exception"),
    (BaseException, "", r"^\s*«raise\b", ""),  # the program itself says what is wrong
)


def hint_for(
    error: BaseException,
    message: str,
    line: str,
    column: int = 0,
    end_column: int = 0,
    program: str = "",
    file: str = "",
    is_in_text: bool = True,
) -> Hint:
    """Return the key of the hint that helps with `error`, raised in `line` of `program`, and its words.

    `file` is the name that the program's frames have. Without a hint, both are empty. A syntax error that is not
    `is_in_text` is in a string that the program ran.

    The columns are those that Python marks, counted from 1; 0 means unknown.
    """
    if isinstance(error, SyntaxError) and not is_in_text:
        return ("string_as_program", {}) if (error.filename or "").startswith("<") else NO_HINT
    message, code = message[:LONGEST_TEXT], _without_strings(line[:LONGEST_TEXT])
    start, end = column - 1, end_column - 1
    marked = f"{code[:start]}{START}{code[start:end]}{END}{code[end:]}" if column else code
    for kind, pattern, in_line, hint in rules_for(error):
        if not isinstance(error, kind) or (words := _match(pattern, message)) is None:
            continue
        if found := re.search(in_line, marked if START in in_line else code):
            words |= found.groupdict() | {"line": line, "marked": marked, "program": program, "file": file}
            chosen = hint if isinstance(hint, str) else hint(words, error, code)
            if chosen is not None:
                filled_in = {name: word for name, word in words.items() if name not in TO_CHOOSE_BY}
                return (chosen, filled_in) if chosen else NO_HINT
    return NO_HINT


def rules_for(error: BaseException) -> tuple[Rule, ...]:
    """Return the rules for this kind of error, and load no others."""
    if isinstance(error, SyntaxError):
        from guest.hints.rules.syntax import SYNTAX_RULES

        return SYNTAX_RULES
    if isinstance(error, ImportError):
        from guest.hints.rules.modules import MODULE_RULES

        return RAISED + MODULE_RULES
    if isinstance(error, NameError):
        from guest.hints.rules.names import NAME_RULES

        return RAISED + NAME_RULES
    if isinstance(error, AttributeError):
        from guest.hints.rules.attributes import ATTRIBUTE_RULES

        return RAISED + ATTRIBUTE_RULES
    from guest.hints.rules.calls import CALL_RULES
    from guest.hints.rules.outside import OUTSIDE_RULES
    from guest.hints.rules.values import VALUE_RULES

    return RAISED + VALUE_RULES + CALL_RULES + OUTSIDE_RULES


def _without_strings(line: str) -> str:
    """Return `line` with spaces for the contents of strings and comments, which may look like code."""

    def blank(found: re.Match[str]) -> str:
        quote = found[1] or ""
        return quote + " " * (len(found[0]) - 2 * len(quote)) + quote

    return STRING_OR_COMMENT.sub(blank, line)


def _match(pattern: str, message: str) -> Words | None:
    """Return the words of `message` at the placeholders of `pattern`, or None if it begins otherwise.

    This uses no regular expressions: compiling them would take longer than everything else done about an error.
    """
    start, *rest = PLACEHOLDER.split(pattern)
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
