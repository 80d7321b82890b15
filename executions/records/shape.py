"""The shape of a program: its text without names, literals, comments and layout, so that programs alike can be grouped.

No parser of Python's sees the text, which is hostile until shown otherwise: one regular expression takes it apart. Each
of its alternatives succeeds once it has begun, so none is ever tried again, and the time grows with the length alone.
"""

import builtins
import hashlib
import keyword
import re
from collections.abc import Iterator

SHAPED_CHARACTERS = 20_000
"""How much of a program counts. The worst text takes 30 ms, and a lesson of twenty lines a tenth of one."""

KEPT_WORDS = frozenset(keyword.kwlist) | {name for name in dir(builtins) if not name.startswith("_")}
"""The words that say what a program does. Attributes are kept as well: most are methods such as `append`."""

TEXT = (
    r'"""(?:[^"\\]+|\\.?|"(?!""))*(?:"""|\Z)'
    r"|'''(?:[^'\\]+|\\.?|'(?!''))*(?:'''|\Z)"
    r'|"(?:[^"\\\n]+|\\.?)*"?'
    r"|'(?:[^'\\\n]+|\\.?)*'?"
)
TOKENS = re.compile(
    r"(?P<blank>[^\S\n]+|\\\r?\n|#[^\n]*)|(?P<end>\n)"
    rf"|(?P<text>(?i:[bfrtu]{{0,2}})(?:{TEXT}))"
    r"|(?P<number>\.?\d[\w.]*)|(?P<name>[^\W\d]\w*)|(?P<mark>.)",
    re.DOTALL,
)
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")


def shape_of(code: str) -> int:
    """Return a fingerprint of 64 bits, signed, that is the same for programs of the same shape."""
    return fingerprint(" ".join(_words(code[:SHAPED_CHARACTERS])))


def fingerprint(text: str) -> int:
    """Return a number of 64 bits, signed, for `text`."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), signed=True)


def _words(code: str) -> Iterator[str]:
    """Yield what counts: marks and kept words as they are, one word for all names, and one for each kind of literal."""
    depth, indents = 0, [0]
    begins, is_new_line = 0, True
    before = ""
    for token in TOKENS.finditer(code):
        kind, text = token.lastgroup, token.group()
        if kind == "blank":
            continue
        if kind == "end":
            if depth == 0:
                begins, is_new_line = token.end(), True
            continue
        if is_new_line:
            yield from _layout(len(code[begins : token.start()].expandtabs()), indents)
            is_new_line = False
        if text in OPENING:
            depth += 1
        elif text in CLOSING:
            depth = max(0, depth - 1)
        is_kept = kind == "mark" or (kind == "name" and (before == "." or text in KEPT_WORDS))
        yield text if is_kept else str(kind)
        before = text


def _layout(width: int, indents: list[int]) -> Iterator[str]:
    """Yield the beginning of a line, and the blocks that end or begin there."""
    yield "\n"
    while width < indents[-1]:
        indents.pop()
        yield "end"
    if width > indents[-1]:
        indents.append(width)
        yield "begin"
