"""Rules for a program that Python cannot read."""

from __future__ import annotations

import builtins
import re

from guest.hints.rule import Rule, Words
from guest.hints.rules.unreadable import (
    BLOCK_WORDS,
    BRACE,
    FUNCTION_WORDS,
    QUOTE_WITHIN,
    UNREADABLE,
    if_command,
    if_misspelt,
    if_misspelt_inside,
)

CURLY_QUOTES = "“”„‘’‚"  # noqa: RUF001 (these are the characters to find)
CHARACTERS = {
    **dict.fromkeys("×∙⋅✕", "*"),  # noqa: RUF001
    **dict.fromkeys("÷∕⁄", "/"),  # noqa: RUF001
    **dict.fromkeys("−–—", "-"),  # noqa: RUF001
    **dict.fromkeys("«»", '"'),
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "‹": "<",  # noqa: RUF001
    "›": ">",  # noqa: RUF001
    "‚": ",",  # noqa: RUF001
}
"""Characters that look or mean the same as those of Python, which does not accept them."""


def _about_indentation(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a line that is indented too far: outside a block, or inside one."""
    import io
    import tokenize

    depth, first, statement = 0, "", ""
    for token in tokenize.generate_tokens(io.StringIO(words["program"], newline=None).readline):
        if token.type == tokenize.INDENT:
            if isinstance(error, SyntaxError) and token.start[0] == error.lineno:
                break
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type == tokenize.NEWLINE:
            first, statement = statement, ""
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            statement = statement or token.string
    if first in BLOCK_WORDS:  # its block stands in the same line
        return ""
    return "indent_further" if depth else "indent_extra"


def _about_exceptions(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a comma after 'except', by whether a name or another exception follows it."""
    name = re.search(r",\s*([A-Za-z_]\w*)\s*:", code)
    return "except_as" if name and name[1][0].islower() else "except_several"


def _if_builtin_indexed(words: Words, error: BaseException, code: str) -> str | None:
    return "function_indexed" if hasattr(builtins, words["name"]) else None


def _about_quotes(words: Words, error: BaseException, code: str) -> str:
    is_in_braces = re.search(r"\bf(['\"])[^'\"]*\{[^}'\"]*\1", words["line"])
    return "comma" if is_in_braces else "quote_within"


def _about_invisible(words: Words, error: BaseException, code: str) -> str:
    import unicodedata

    return "odd_space" if unicodedata.category(chr(int(words["code"], 16))) == "Zs" else "invisible"


def _about_backslash(words: Words, error: BaseException, code: str) -> str:
    return if_command(words, error, code) or "backslash"


def _if_constant(words: Words, error: BaseException, code: str) -> str | None:
    return "assign_constant" if words["name"] in ("True", "False", "None", "__debug__") else None


def _about_character(words: Words, error: BaseException, code: str) -> str:
    is_quote = words["character"] in CURLY_QUOTES and not re.search(r"\w«.»\s", words["marked"])
    if is_quote:
        return "curly_quote"
    import unicodedata

    plain = CHARACTERS.get(words["character"]) or unicodedata.normalize("NFKC", words["character"])
    words["plain"] = plain
    return "character_for" if plain.isascii() and not plain.isalnum() else "odd_character"


SYNTAX_RULES: tuple[Rule, ...] = (
    # Indentation
    (TabError, "", "", "tabs"),
    (IndentationError, "expected an indented block after {what} on line {number}", "", "indent_needed"),
    (IndentationError, "unexpected indent", "", _about_indentation),
    (IndentationError, "unindent", "", "indent_odd"),
    # The line that begins a block
    (SyntaxError, "expected ':'", r"^\s*else\s+if\b", "else_if"),
    (SyntaxError, "expected ':'", BRACE, "brace"),
    (SyntaxError, "expected ':'", r"^\s*else\s+«\w+»\s*(?:\(|=(?!=))", "colon"),
    (SyntaxError, "expected ':'", r"^\s*else\s+«\S", "else_condition"),
    (SyntaxError, "expected ':'", r":\s*$", "colon_late"),
    (SyntaxError, "expected ':'", "", "colon"),
    (SyntaxError, "expected '('", r"^\s*def\s+\w+«-", "name_minus"),
    (SyntaxError, "expected '('", r"^\s*(?:async\s+)?def\s+\w+\s+«\w+»\s*\(", "name_space"),
    (SyntaxError, "expected '('", r"^\s*(?:async\s+)?def\s+\w+\s+«\w", "def_parameters"),
    (SyntaxError, "expected '('", r"^\s*(?:async\s+)?def\s+\w+\s*«[:{]?»", "def_parentheses"),
    (SyntaxError, "expected 'except'", r"^\s*«?(?P<word>\w+).*:\s*«?»?$", if_misspelt),
    (SyntaxError, "expected 'except'", "", "try_alone"),
    (SyntaxError, "multiple exception types must be parenthesized", "", _about_exceptions),
    # A single =
    (SyntaxError, "{what}Maybe you meant '=='", r"^\s*for\b", "for_in"),
    (SyntaxError, "{what}Maybe you meant '=='", r"\{[^}]*«[^»]*=|\{[^}]*«[^»]*»\s*=", "dictionary_entry"),
    (SyntaxError, "invalid syntax. Maybe you meant '=='", r"^\s*\w+\s*=[^=(\[{]*,\s*\w+\s*=(?!=)", "two_parts"),
    (
        SyntaxError,
        "invalid syntax. Maybe you meant '=='",
        r"^\s*(?!(?:if|elif|while|assert|return|not)\b)[^(\[{«]*«",
        "syntax",
    ),
    (SyntaxError, "invalid syntax. Maybe you meant '=='", "", "assign_compare"),
    (SyntaxError, "{what}Maybe you meant '=='", r"^\s*(?:if|elif|while)\b", "assign_compare"),
    (SyntaxError, "expression cannot contain assignment", "", "argument_name"),
    (SyntaxError, "cannot assign to {name}", "", _if_constant),
    (SyntaxError, "cannot assign to", r"\bfor\s+«", "for_in"),
    (SyntaxError, "cannot assign to", r"=[<>]", "comparison"),
    (SyntaxError, "cannot assign to expression", r"^\s*[^\W\d]\w*(?:-[^\W\d]\w*)+\s*=", "name_minus"),
    (SyntaxError, "cannot assign to", r"«[^»]*»[^=]*=", "assign_target"),
    (SyntaxError, "'{what}' is an illegal expression for augmented assignment", "", "assign_target"),
    # Brackets and quotes
    (SyntaxError, "Missing parentheses in call to '{name}'", "", "parentheses_needed"),
    (SyntaxError, "'{' was never closed", BRACE, "brace"),
    (SyntaxError, "'{' was never closed", r"^\s*(?:switch|do|foreach|unless|until|repeat|loop)\b[^=]*«", "brace"),
    (SyntaxError, "'{' was never closed", rf"^\s*(?:{'|'.join(FUNCTION_WORDS)})\s+\w+\s*\(.*\)\s*«", "def_word"),
    (SyntaxError, "'{bracket}' was never closed", "", "open_bracket"),
    (SyntaxError, "closing parenthesis '{close}' does not match opening parenthesis '{open}'", "", "wrong_bracket"),
    (SyntaxError, "unmatched '}'", r"^\s*«\}»\s*(?:else|elif|except|finally|while)\b", "brace"),
    (SyntaxError, "unmatched '{bracket}'", "", "extra_bracket"),
    (SyntaxError, "unterminated string literal", r"(?<!\\)\\['\"]\W*$", "quote_escaped"),
    (SyntaxError, "unterminated string literal", "", "quote"),
    (SyntaxError, "unterminated f-string literal", "", "quote"),
    (SyntaxError, "unterminated triple-quoted", "", "triple_quote"),
    (SyntaxError, "(unicode error)", "", "string_backslash"),
    (SyntaxError, "f-string: expecting '}'", "", "fstring"),
    (SyntaxError, "f-string: single '}'", "", "fstring"),
    (SyntaxError, "f-string: unmatched", "", "fstring"),
    (SyntaxError, "f-string: empty expression", "", "fstring_empty"),  # 3.11
    (SyntaxError, "f-string: valid expression required before '}'", "", "fstring_empty"),
    (SyntaxError, "f-string: ", "", "fstring_value"),
    (SyntaxError, "':' expected after dictionary key", "", "dictionary_entry"),
    (SyntaxError, "expression expected after dictionary key", "", "dictionary_entry"),
    # Words and characters
    (SyntaxError, "expected argument value expression", r"(?P<sign>=)", "incomplete"),
    (SyntaxError, "expected default value expression", r"(?P<sign>=)", "incomplete"),
    (SyntaxError, "expected 'else' after 'if' expression", "", "if_else"),
    (SyntaxError, "'in' expected after for-loop variables", "", "for_in"),
    (SyntaxError, "'await' outside", "", "await_outside"),
    (SyntaxError, "'{word}' outside function", "", "return_outside"),
    (SyntaxError, "'{word}' outside loop", "", "loop_outside"),
    (SyntaxError, "'{word}' not properly in loop", "", "loop_outside"),
    (SyntaxError, "invalid decimal literal", "", "digit_first"),
    (SyntaxError, "leading zeros", "", "leading_zero"),
    (SyntaxError, "invalid character '{character}'", "", _about_character),
    (SyntaxError, "invalid non-printable character U+{code}", "", _about_invisible),
    (SyntaxError, "unexpected character after line continuation", "", _about_backslash),
    (SyntaxError, "positional argument follows keyword", "", "argument_order"),
    (SyntaxError, "parameter without a default", "", "parameter_order"),
    (SyntaxError, "non-default argument follows default argument", "", "parameter_order"),  # 3.11
    (SyntaxError, "duplicate argument '{name}'", "", "parameter_twice"),
    (SyntaxError, "keyword argument repeated: {name}", "", "parameter_twice"),
    (SyntaxError, "name '{name}' is parameter and global", "", "global_parameter"),
    (SyntaxError, "name '{name}' is used prior to global", "", "global_late"),
    (SyntaxError, "name '{name}' is assigned to before global", "", "global_late"),
    (SyntaxError, "Expected one or more names after 'import'", "", "import_what"),
    (SyntaxError, "trailing comma not allowed without surrounding parentheses", "", "import_what"),
    (SyntaxError, "Did you mean to use 'from ... import ...' instead", "", "import_from"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", r"^\s*for\s*\(", "for_in"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", r"\bfor\s+\w+\s+(?!in\b)\w+\s", "for_in"),
    (
        SyntaxError,
        "invalid syntax. Perhaps you forgot a comma",
        r"\s(?P<word>adn|nad|amd|ro|nto|ni)\s",
        if_misspelt_inside,
    ),
    (
        SyntaxError,
        "invalid syntax. Perhaps you forgot a comma",
        r"\b(?P<name>[a-z]+)\[[^\]]*\bfor\b",
        _if_builtin_indexed,
    ),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", QUOTE_WITHIN, _about_quotes),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", r"\{\s*«[^:»]*»\s*[,}]", "dictionary_entry"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", "", "comma"),
    *((SyntaxError, "invalid syntax", in_line, hint) for in_line, hint in UNREADABLE),
)
