"""Rules for a line of which Python says only "invalid syntax"."""

from __future__ import annotations

import builtins
import itertools
import re
import sys
from keyword import iskeyword

from guest.hints.elsewhere import is_command
from guest.hints.rule import Choice, Words
from guest.hints.traces import lines_of
from guest.hints.typos import is_slip, meant_by

BLOCK = r"^(?=\s*(?:if|elif|else|for|while|def|class|try|except|finally|with)\b)"
BRACE = BLOCK + r"[^«]*(?:[)\]}'\"]|\b(?!(?:in|is|or|and|not|lambda)\b)\w+)\s*«\{»"
QUOTE_WITHIN = r"(['\"])\w[\w ,.!?]*\1"

TYPES = "int str string String float double char bool boolean long var let const auto set dim".split()
MODIFIERS = "val list dict tuple integer Integer number array static public private final local export".split()
FUNCTION_WORDS = ["function", "func", "fn", "fun", "void", "sub", "define", "public", "private", "static", *TYPES]
BLOCK_WORDS = "if elif else for while def class try except finally with".split()
ALONE = "else try except finally".split()
"""The words that begin a block with nothing between them and the colon."""

BETWEEN_WORDS = "and or not in is".split()
PLAIN_TEXT = r"\s*[^\W\d]+(?:[\s,]+[^\W\d]+){2,}[.!?]?\s*"
NOT_VALUES = "of than to the no then".split()
"""Words of plain English, which are the name of no value."""

NOT_BETWEEN_VALUES = "import from with for def class try except match case del global pass break continue".split()


def if_command(words: Words, error: BaseException, code: str) -> str | None:
    return "terminal" if is_command(words["line"]) else None


def if_misspelt(words: Words, error: BaseException, code: str) -> str | None:
    """Return the hint for a misspelt keyword, or print, at the start of the line."""
    word, line = words["word"], code.strip()
    if iskeyword(word):
        return None
    if line.endswith(":"):
        known = ALONE if line == f"{word}:" else BLOCK_WORDS
        words["near"] = "except" if word in ("expect", "catch") else meant_by(word, known)
    elif re.search(r"\bimport\b", line):
        words["near"] = meant_by(word, ("from",))
    else:
        others = ("import", "from", "return", "raise", "while", "global", "print")
        is_name = re.match(rf"{word}\s+\w+\s*=(?!=)", line)  # of two words, as in whole number = 5
        block = BLOCK_WORDS if re.search(r"[\w)]\s*:\s+\w", line) else []
        words["near"] = "raise" if word == "throw" else meant_by(word, ("global",) if is_name else (*others, *block))
    return "word_near" if words["near"] else None


def if_misspelt_inside(words: Words, error: BaseException, code: str) -> str | None:
    words["near"] = meant_by(words["word"], BETWEEN_WORDS)
    return "word_near" if words["near"] and not iskeyword(words["word"]) else None


def _about_two_modules(words: Words, error: BaseException, code: str) -> str:
    if words["word"] in ("np", "pd", "plt"):
        return "import_as"
    return "import_several" if words["word"] in sys.stdlib_module_names else "import_from"


def _if_import_misspelt(words: Words, error: BaseException, code: str) -> str | None:
    words["near"] = "import"
    return "word_near" if is_slip(words["word"], "import") else None


def _if_keyword(words: Words, error: BaseException, code: str) -> str | None:
    return "keyword_name" if iskeyword(words["word"]) else None


def _if_name_is_keyword(words: Words, error: BaseException, code: str) -> str | None:
    return "keyword_name" if words["word"] in ("class", "from", "import", "global", "def", "del", "pass") else None


def _if_sentence(words: Words, error: BaseException, code: str) -> str | None:
    """Return the hint for a line of plain words, but none for a line of Python as in 'While x and not y or z'."""
    of_python = [iskeyword(word.lower()) for word in code.split()]
    is_text = not of_python[0] or any(not (one or other) for one, other in itertools.pairwise(of_python))
    return "plain_text" if is_text else None


def _if_capital(words: Words, error: BaseException, code: str) -> str | None:
    word = words["word"]
    return "capital" if iskeyword(word.lower()) and not iskeyword(word) else None


def _if_no_keyword(words: Words, error: BaseException, code: str) -> str | None:
    word = words["word"]
    return None if iskeyword(word) or word in ("match", "case") else "no_block"


def _about_branch(words: Words, error: BaseException, code: str) -> str:
    """Return the hint for a branch without its block, by the nearest line above that is not indented further."""
    above = lines_of(words["program"])[: (getattr(error, "lineno", 0) or 1) - 1]
    indentation = _indentation(code)
    near = (line for line in reversed(above) if line.strip() and _indentation(line) <= indentation)
    found = re.match(r"\s*(else|finally)\s*:", line := next(near, ""))
    if not found or _indentation(line) != indentation or (found[1], words["word"]) == ("else", "finally"):
        return "branch_alone"
    words["last"] = found[1]
    return "branch_last"


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _if_function_word(words: Words, error: BaseException, code: str) -> str | None:
    return "def_word" if words["word"] in FUNCTION_WORDS else None


def _about_two_words(words: Words, error: BaseException, code: str) -> str | None:
    if words["word"] in (*TYPES, *MODIFIERS) and not set(NOT_VALUES).intersection(code.split()):
        return "declaration"
    is_name = words["word"] not in NOT_VALUES and not any(map(iskeyword, code.partition("=")[0].split()))
    return "name_space" if words["next"] == "=" and is_name else None


def _about_neighbours(words: Words, error: BaseException, code: str) -> str | None:
    """Return the hint for two values side by side, or for two instructions on one line."""
    before, after = words["before"], words["after"]
    if iskeyword(before) or iskeyword(after):
        return None
    if {before, after}.intersection(NOT_VALUES):
        return None
    if near := meant_by(before, ("not", "lambda")):
        words |= {"word": before, "near": near}
        return "word_near"
    first = code.split()[0]
    is_function = before.islower() and hasattr(builtins, before) and not set(NOT_VALUES).intersection(code.split())
    if is_function or re.search(rf"\bdef\s+{re.escape(before)}\s*\(", words["program"]):
        words["name"] = before
        return "parentheses_needed"
    if re.fullmatch(PLAIN_TEXT, code) and not iskeyword(first) and first not in dir(builtins):
        return "plain_text"
    is_first = first == before
    if is_first and before in ("echo", "puts", "printf", "println"):
        words |= {"name": before, "near": "print"}
        return "name_elsewhere"
    if words["next"]:
        return "two_parts"
    return None if is_first or first in NOT_BETWEEN_VALUES else "comma"


UNREADABLE: tuple[tuple[str, str | Choice], ...] = (
    ("", if_command),
    (r"^\s*(?!.*\b(?:import|in)\b)[A-Z][^\W\d]*(?:[\s,]+[^\W\d]+){4,}[.!?]?\s*$", _if_sentence),
    (r"^\s*import\s+pip\s+«install", "terminal"),
    (r"^\s*«?(?:>>>?|\.\.\.\s)", "prompt"),
    (r"^\s*«`»``", "fence"),
    (r"^\s*from\s+[\w.]+\s+«(?P<word>\w+)»\s", _if_import_misspelt),
    (r"^\s*import\s+[\w.]+\s+«(?:sa|ass|az|at|a)»\s+\w+\s*$", "import_as"),
    (r"^\s*(?:from\b.*)?import\b.*\w\s+«and»", "import_several"),
    (r"^\s*import\s+[\w.]+\s+«(?P<word>\w+)»", _about_two_modules),
    (r"[\w)\]}'\"]\s+«(?P<word>\w+)»\s", if_misspelt_inside),
    # What other languages write
    (r"^\s*(?P<word>\w+)\s*«=»", _if_keyword),
    (r"^\s*\w+\s*«:=»", "assign_sign"),
    (r"^\s*(?:foreach\b|for\b(?!\s+\w+(?:\s*,\s*\w+)*\s+in\b))", "for_in"),
    (r"^\s*(?P<word>[A-Z]\w*)\b(?!\s*[=.,])", _if_capital),
    (r"^\s*(?:elseif|elsif)\b", "else_if"),
    (r"^\s*(?P<word>\w+)(?:\s+«|\s*:?\s*«»|\s*«:|\([^()]*\)\s*«)", if_misspelt),
    (r"«(?P<word>then|do)»", "colon_word"),
    (BRACE, "brace"),
    (r"\bnew\s+«\w", "new_word"),
    (r"^\s*(?P<word>\w+)\s+«\w+»(?:\s+\w+(?=\s*[=;]))?\s*(?P<next>=(?!=)|;|$)", _about_two_words),
    (r"^\s*(?P<word>\w+)\s.*«\w+».*\(", _if_function_word),
    (r"«\?».*:", "if_else"),
    (r"^\s*«(?://»|/»\*|<»!)|(?://|--\s).*\w\s+«\w", "comment"),
    (r"=[<>!]|<>|[=!]==", "comparison"),
    (r"&«&|\|«\||[\w)(=]\s*«!»\s*[\w(]", "logic"),
    (r"(?P<operator>\+\+|--)\s*«", "increment"),
    (r"[-+*/%<>=!]\s+«=»|«!»\s+=", "operator_space"),
    (r"\b(?:and|or)\s+«[=!<>]", "compare_again"),
    (r"\bis\s+(?:not\s+)?(?:equal|greater|less|bigger|smaller|larger)\s+«", "comparison"),
    # Names, imports, branches
    (r"^\s*(?P<word>\w+)\s*=(?!=)", _if_keyword),
    (r"^\s*(?:(?:def|class|import|for)\s+|def\b.*[(,]\s*)«(?P<word>\w+)»", _if_keyword),
    (r"(?:[(,.]|=|\bin)\s*«(?P<word>\w+)»\s*(?:[=,).:]|$)", _if_name_is_keyword),
    (r"^\s*def\s+\w+\s*\([^)]*«[\w'\".\[]", "parameters"),
    (r"\bimport(?:\b.*,)?\s*«»", "import_what"),
    (r"\bimport\s+«['\"]", "import_text"),
    (r"^\s*«(?P<word>elif|else|except|finally)»", _about_branch),
    (r"^\s*end\s*«?(?:if|for|while|def|class)\b", "block_end"),
    (r"^\s*with\b.*\)\s+«\w+»\s*:", "with_as"),
    (r"^\s*except\b.*[\w)]\s+«\w+»\s*:", "except_as"),
    (r"^\s*raise\s+\w+\s*«", "raise_exception"),
    (r"^\s*(?:if|elif|while|assert|return)\b.*«=»", "assign_compare"),
    # Something is missing or extra
    (
        r"(?<!import )(?P<sign>[-+*/%=<>!@]+|[,.([]|\b(?:and|or|not|in|is|if|elif|while|def|class|as|del|global|from))"
        r"\s*«(?:»\s*$|[\])}:,])",
        "incomplete",
    ),
    (r"(?<!\w)[\d._]*\d\s*«\.?\d", "number_parts"),
    (r"[\w)]\s+«x»\s+\d", "times_sign"),
    (r"«(?P<character>[$`])»", "odd_character"),
    (r"[^\W\d]\s*«[!?]»\s*(?:[)\]]|$)", "string_quotes"),
    (QUOTE_WITHIN, "quote_within"),
    (rf"{BLOCK}[^:]*$", "colon"),
    (r"^\s*(?P<word>[^\W\d]\w*)(?:\s+«[^=]*:\s*$|(?:\(.*\))?\s*:\s*«»)", _if_no_keyword),
    (r"(?P<before>\w+|[)\]}'\"])\s+«(?P<after>\w+|['\"])[^»]*»\s*(?P<next>\(|=(?!=)|)", _about_neighbours),
    ("", "syntax"),
)
"""For a plain "invalid syntax": a pattern for the line, and the hint."""
