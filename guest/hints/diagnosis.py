"""Which mistake an error is, so that a hint can be given: told from Python's own words, and from the line where it is.

A rule names an exception, how its message begins, what is in the line, and the hint, or a function that chooses one. A
name in braces stands for any words of the message; « and » stand around what Python marks in the line.
"""

from __future__ import annotations

import re

from guest.hints.messages import HINTS, KINDS, OTHER_KIND

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Callable

    Words = dict[str, str]
    Choice = Callable[[Words, BaseException, str], str | None]
    Rule = tuple[type[BaseException], str, str, str | Choice]

LONGEST_WORD = 60
LONGEST_TEXT = 1000
"""Characters: of what is filled into a hint, and of a message and a line that are looked at."""

START, END = "«", "»"
KINDS_OF = ("kind", "one", "other", "owner")
"""The words that are names of types."""

PLACE = re.compile(r"\{(\w+)\}")
TEXT_OR_COMMENT = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1|#.*""")
RAISED: tuple[Rule, ...] = (
    (NotImplementedError, "", "", "not_implemented"),
    (SystemExit, "", "", "exit"),
    (TypeError, "exceptions must derive from BaseException", "", "raise_exception"),
    (BaseException, "", r"^\s*«raise\b", ""),  # the program says itself what is wrong
)


def hint_for(error: BaseException, message: str, line: str, column: int = 0, end_column: int = 0) -> str:
    """Return a sentence that helps with `error`, which arose in `line`; an empty one where there is none.

    The columns are of what Python marks, counted from 1; 0 is not known.
    """
    if isinstance(error, SyntaxError) and error.__traceback__ is not None:  # of a text that the program made
        return HINTS["text_as_program"] if error.filename else ""
    message, code = message[:LONGEST_TEXT], _without_texts(line[:LONGEST_TEXT])
    start, end = column - 1, end_column - 1
    marked = f"{code[:start]}{START}{code[start:end]}{END}{code[end:]}" if column else code
    for kind, pattern, in_line, hint in rules_for(error):
        if not isinstance(error, kind) or (words := _match(pattern, message)) is None:
            continue
        if found := re.search(in_line, marked if START in in_line else code):
            words |= found.groupdict()
            chosen = hint if isinstance(hint, str) else hint(words, error, code)
            if chosen is not None:
                return _sentence(chosen, words)
    return ""


def rules_for(error: BaseException) -> tuple[Rule, ...]:
    """Return the rules for errors such as `error`, of which the first that fits counts. No others are loaded."""
    if isinstance(error, SyntaxError):
        from guest.hints.rules.syntax import SYNTAX_RULES

        return SYNTAX_RULES
    if isinstance(error, ImportError):
        from guest.hints.rules.modules import MODULE_RULES

        return RAISED + MODULE_RULES
    if isinstance(error, (NameError, AttributeError)):
        from guest.hints.rules.names import NAME_RULES

        return RAISED + NAME_RULES
    from guest.hints.rules.calls import CALL_RULES
    from guest.hints.rules.outside import OUTSIDE_RULES
    from guest.hints.rules.values import VALUE_RULES

    return RAISED + VALUE_RULES + CALL_RULES + OUTSIDE_RULES


def _without_texts(line: str) -> str:
    """Return `line` with spaces for what stands in quotes or in a comment: it may look like code, and is none."""

    def blank(found: re.Match[str]) -> str:
        quote = found[1] or ""
        return quote + " " * (len(found[0]) - 2 * len(quote)) + quote

    return TEXT_OR_COMMENT.sub(blank, line)


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


def _sentence(hint: str, words: Words) -> str:
    if not hint:
        return ""
    return HINTS[hint].format(**{name: _filled_in(name, word) for name, word in words.items()})


def _filled_in(name: str, word: str) -> str:
    if name == "installed":
        return word[:LONGEST_TEXT]
    word = word[:LONGEST_WORD]
    if name in KINDS_OF:
        return KINDS.get(word) or OTHER_KIND.format(kind=word)
    return _called(word) if name == "function" else word


def _called(function: str) -> str:
    """Return how a call names a function that Python calls `function`."""
    name = function.rpartition("<locals>.")[2].removesuffix("()").removesuffix(".__init__").removesuffix(".__new__")
    return "The lambda" if name == "<lambda>" else f"{name}()"
