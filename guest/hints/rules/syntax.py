"""What is told of a program that Python cannot read."""

from __future__ import annotations

import builtins
from keyword import iskeyword

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from guest.hints.diagnosis import Choice, Rule, Words

BLOCK = r"^(?=\s*(?:if|elif|else|for|while|def|class|try|except|finally|with)\b)"
BRACE = BLOCK + r"[^«]*(?:[)\]}'\"]|\b(?!(?:in|is|or|and|not|lambda)\b)\w+)\s*«\{»"
QUOTE_WITHIN = r"(['\"])\w[\w ,.!?]*\1"

TYPES = "int str string String float double char bool boolean long var let const auto".split()
FUNCTION_WORDS = ["function", "func", "fn", "fun", "void", "sub", "define", "public", "private", "static", *TYPES]
NOT_BETWEEN_VALUES = "import from with for def class try except match case del global pass break continue".split()


def _if_keyword(words: Words, error: BaseException, code: str) -> str | None:
    return "keyword_name" if iskeyword(words["word"]) else None


def _if_capital(words: Words, error: BaseException, code: str) -> str | None:
    word = words["word"]
    return "capital" if iskeyword(word.lower()) and not iskeyword(word) else None


def _if_no_keyword(words: Words, error: BaseException, code: str) -> str | None:
    word = words["word"]
    return None if iskeyword(word) or word in ("match", "case") else "no_block"


def _if_function_word(words: Words, error: BaseException, code: str) -> str | None:
    return "def_word" if words["word"] in FUNCTION_WORDS else None


def _about_two_words(words: Words, error: BaseException, code: str) -> str | None:
    if words["word"] in TYPES:
        return "declaration"
    return "name_space" if words["next"] == "=" and not iskeyword(words["word"]) else None


def _about_neighbours(words: Words, error: BaseException, code: str) -> str | None:
    """Return the hint for two values side by side, or for the end of an instruction and the beginning of another."""
    before, after = words["before"], words["after"]
    if iskeyword(before) or iskeyword(after):
        return None
    if before.islower() and hasattr(builtins, before):
        words["name"] = before
        return "brackets_needed"
    if words["next"]:
        return "two_parts"
    return None if code.split()[0] in NOT_BETWEEN_VALUES else "comma"


# Where Python says no more than "invalid syntax": what is in the line, and which hint.
UNREADABLE: tuple[tuple[str, str | Choice], ...] = (
    # What other languages write
    (r"^\s*(?:foreach\b|for\b(?!\s+\w+(?:\s*,\s*\w+)*\s+in\b))", "for_in"),
    (r"^\s*(?P<word>[A-Z]\w*)\b(?!\s*[=.,])", _if_capital),
    (r"^\s*(?:elseif|elsif)\b", "else_if"),
    (r"«(?P<word>then|do)»", "colon_word"),
    (BRACE, "brace"),
    (r"\bnew\s+«\w", "new_word"),
    (r"^\s*(?P<word>\w+)\s+«\w+»\s*(?P<next>=(?!=)|;|$)", _about_two_words),
    (r"^\s*(?P<word>\w+)\s.*«\w+».*\(", _if_function_word),
    (r"«\?».*:", "if_else"),
    (r"^\s*«(?://»|/»\*|<»!)|//.*\w\s+«\w", "comment"),
    (r"=[<>!]|<>|[=!]==", "comparison"),
    (r"&«&|\|«\||«!»\s*[\w(]", "logic"),
    (r"(?P<operator>\+\+|--)\s*«", "increment"),
    (r"[-+*/%<>=!]\s+«=»", "sign_space"),
    # Names, imports, branches
    (r"^\s*(?P<word>\w+)\s*=(?!=)", _if_keyword),
    (r"^\s*(?:(?:def|class|import)\s+|def\b.*[(,]\s*)«(?P<word>\w+)»", _if_keyword),
    (r"^\s*def\s+\w+\s*\([^)]*«[\w'\".\[]", "parameters"),
    (r"\bimport(?:\b.*,)?\s*«»", "import_what"),
    (r"\bimport\s+«['\"]", "import_text"),
    (r"^\s*import\s+\w+\s+«\w", "import_from"),
    (r"^\s*«(?P<word>elif|else|except|finally)»", "branch_alone"),
    (r"^\s*except\b.*[\w)]\s+«\w+»\s*:", "except_as"),
    (r"^\s*raise\s+\w+\s+«", "raise_exception"),
    (r"^\s*(?:if|elif|while|assert|return)\b.*«=»", "assign_compare"),
    # Something is missing, or too much
    (
        r"(?<!import )(?P<sign>[-+*/%=<>!@]+|[,.([]|\b(?:and|or|not|in|is|if|elif|while|def|class|as|del|global|from))"
        r"\s*«(?:»\s*$|[\])}:,])",
        "incomplete",
    ),
    (r"\d\s*«\.?\d", "number_parts"),
    (r"«(?P<character>[$`])»", "odd_character"),
    (r"[^\W\d]\s*«[!?]»\s*(?:[)\]]|$)", "text_quotes"),
    (QUOTE_WITHIN, "quote_within"),
    (rf"{BLOCK}[^:]*$", "colon"),
    (r"^\s*(?P<word>[^\W\d]\w*)(?:\s+«[^=]*:\s*$|(?:\(.*\))?\s*:\s*«»)", _if_no_keyword),
    (r"(?P<before>\w+|[)\]}'\"])\s+«(?P<after>\w+|['\"])[^»]*»\s*(?P<next>\(|=(?!=)|)", _about_neighbours),
    ("", "syntax"),
)

SYNTAX_RULES: tuple[Rule, ...] = (
    # Indentation
    (TabError, "", "", "tabs"),
    (IndentationError, "expected an indented block after {what} on line {number}", "", "indent_needed"),
    (IndentationError, "unexpected indent", "", "indent_extra"),
    (IndentationError, "unindent", "", "indent_odd"),
    # The line that begins a block
    (SyntaxError, "expected ':'", r"^\s*else\s+if\b", "else_if"),
    (SyntaxError, "expected ':'", BRACE, "brace"),
    (SyntaxError, "expected ':'", r"^\s*else\s+«\S", "else_condition"),
    (SyntaxError, "expected ':'", r":\s*$", "colon_late"),
    (SyntaxError, "expected ':'", "", "colon"),
    (SyntaxError, "expected '('", r"^\s*def\s+\w+«-", "name_minus"),
    (SyntaxError, "expected '('", r"^\s*def\s+\w+\s+«\w", "name_space"),
    (SyntaxError, "expected '('", "", "def_brackets"),
    (SyntaxError, "expected 'except'", "", "try_alone"),
    (SyntaxError, "multiple exception types must be parenthesized", "", "except_several"),
    # A single =
    (SyntaxError, "{what}Maybe you meant '=='", r"^\s*for\b", "for_in"),
    (SyntaxError, "invalid syntax. Maybe you meant '=='", "", "assign_compare"),
    (SyntaxError, "{what}Maybe you meant '=='", r"^\s*(?:if|elif|while)\b", "assign_compare"),
    (SyntaxError, "expression cannot contain assignment", "", "argument_name"),
    (SyntaxError, "cannot assign to {name}", r"^\s*(?:True|False|None)\s*=", "assign_constant"),
    (SyntaxError, "cannot assign to", r"=[<>]", "comparison"),
    (SyntaxError, "cannot assign to expression", r"^\s*[^\W\d]\w*(?:-[^\W\d]\w*)+\s*=", "name_minus"),
    (SyntaxError, "cannot assign to", "", "assign_target"),
    (SyntaxError, "'{what}' is an illegal expression for augmented assignment", "", "assign_target"),
    # Brackets and quotes
    (SyntaxError, "Missing parentheses in call to '{name}'", "", "brackets_needed"),
    (SyntaxError, "'{' was never closed", BRACE, "brace"),
    (SyntaxError, "'{bracket}' was never closed", "", "open_bracket"),
    (SyntaxError, "closing parenthesis '{close}' does not match opening parenthesis '{open}'", "", "wrong_bracket"),
    (SyntaxError, "unmatched '}'", r"^\s*«\}»\s*(?:else|elif|except|finally|while)\b", "brace"),
    (SyntaxError, "unmatched '{bracket}'", "", "extra_bracket"),
    (SyntaxError, "unterminated string literal", "", "quote"),
    (SyntaxError, "unterminated f-string literal", "", "quote"),
    (SyntaxError, "unterminated triple-quoted", "", "triple_quote"),
    (SyntaxError, "(unicode error)", "", "text_backslash"),
    (SyntaxError, "f-string: expecting '}'", "", "fstring"),
    (SyntaxError, "f-string: single '}'", "", "fstring"),
    (SyntaxError, "f-string: empty expression", "", "fstring_empty"),  # 3.11
    (SyntaxError, "f-string: valid expression required before '}'", "", "fstring_empty"),
    (SyntaxError, "f-string: ", "", "fstring_value"),
    (SyntaxError, "':' expected after dictionary key", "", "dictionary_entry"),
    (SyntaxError, "expression expected after dictionary key", "", "dictionary_entry"),
    # Words and signs
    (SyntaxError, "expected argument value expression", r"(?P<sign>=)", "incomplete"),
    (SyntaxError, "expected default value expression", r"(?P<sign>=)", "incomplete"),
    (SyntaxError, "expected 'else' after 'if' expression", "", "if_else"),
    (SyntaxError, "'in' expected after for-loop variables", "", "for_in"),
    (SyntaxError, "'{word}' outside function", "", "return_outside"),
    (SyntaxError, "'{word}' outside loop", "", "loop_outside"),
    (SyntaxError, "'{word}' not properly in loop", "", "loop_outside"),
    (SyntaxError, "invalid decimal literal", "", "digit_first"),
    (SyntaxError, "leading zeros", "", "leading_zero"),
    (SyntaxError, "invalid character '{character}'", "", "odd_character"),
    (SyntaxError, "invalid non-printable character", "", "odd_space"),
    (SyntaxError, "unexpected character after line continuation", "", "backslash"),
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
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", QUOTE_WITHIN, "quote_within"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", r"\{\s*«[^:»]*»\s*[,}]", "dictionary_entry"),
    (SyntaxError, "invalid syntax. Perhaps you forgot a comma", "", "comma"),
    *((SyntaxError, "invalid syntax", in_line, hint) for in_line, hint in UNREADABLE),
)
