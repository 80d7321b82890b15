"""The tokens of Python literals. Each is found in linear time."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

MOST_DIGITS = 10_000
"""Of an integer. Reading more would take too long, except in hexadecimal."""

INT_DIGITS = 4000
"""`int` itself reads no more (`sys.set_int_max_str_digits`)."""

NUMBER = (
    r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9_]+)?[jJ]?"
)
BODIES = (r"'''(?:[^'\\]|\\.|'(?!''))*+'''", r'"""(?:[^"\\]|\\.|"(?!""))*+"""')
SHORT_BODIES = (r"'(?:[^'\\\n]|\\.)*+'", r'"(?:[^"\\\n]|\\.)*+"')
TOKEN = re.compile(
    rf"\s*+(?:(?P<string>(?P<prefix>[rRbBuU]{{0,2}})(?P<body>{'|'.join((*BODIES, *SHORT_BODIES))}))"
    rf"|(?P<number>{NUMBER})"
    r"|(?P<name>[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)"
    r"|(?P<thing><[^<>\n]{1,200}>)"
    r"|(?P<mark>[][(){},:=+-]))",
    re.DOTALL,
)
ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<byte>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})"
    r"|N\{(?P<name>[^}]{1,100})\}|(?P<letter>.))",
    re.DOTALL,
)
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"} | {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
}


def tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield each token: its kind, its text (of a string, its prefix), and the content of a string. Then the end."""
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise ValueError("not a literal")
        position = token.end()
        if token["string"]:
            yield "string", token["prefix"].lower(), token["body"]
        else:
            kind = token.lastgroup or ""
            yield kind, token[kind], ""
    while True:
        yield "mark", "", ""


def number(text: str) -> int | float | complex:
    """Return the value of a number. Raises ValueError or ArithmeticError."""
    if text[:2].lower() in ("0x", "0o", "0b"):
        return int(text, 0)
    if text[-1] in "jJ":
        return complex(0, float(text[:-1]))
    if re.fullmatch("[0-9_]+", text):
        if len(text) > MOST_DIGITS:
            raise ValueError("too large")
        return int(Decimal(text)) if len(text) > INT_DIGITS else int(text)
    return float(text)


def string(prefix: str, body: str) -> str | bytes:
    """Return the value of a string, given its prefix and the rest of it. Raises ValueError."""
    quotes = 3 if body[:3] in ("'''", '"""') else 1
    content = body[quotes:-quotes]
    if "r" not in prefix:
        content = ESCAPE.sub(lambda match: _unescaped(match, "b" in prefix), content)
    return content.encode("latin-1") if "b" in prefix else content


def _unescaped(match: re.Match[str], is_bytes: bool) -> str:
    if match["octal"]:
        return chr(int(match["octal"], 8) & (0xFF if is_bytes else 0x1FF))
    if match["byte"]:
        return chr(int(match["byte"], 16))
    if match["letter"]:
        return LETTERS.get(match["letter"], match[0])
    if is_bytes:
        return match[0]
    if match["name"]:
        try:
            return unicodedata.lookup(match["name"])
        except KeyError as error:
            raise ValueError("not a literal") from error
    return chr(int(match["short"] or match["long"], 16))
