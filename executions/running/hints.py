"""The sentence of a hint, which the program's own process chose, in the learner's language."""

import re

from executions.running.hint_sentences import AMOUNTS, HINTS, KINDS, LAMBDA, LISTED, OTHER_KIND
from executions.running.language import gettext
from executions.sandbox.results import Hint
from guest.reports import longest_word

KINDS_OF = ("kind", "one", "other", "owner")
"""The placeholders that stand for names of types."""


def hint_sentence(hint: Hint) -> str | None:
    """Return the sentence of `hint`; None if there is no such hint, or a word is missing: a program may report that."""
    if (sentence := HINTS.get(hint.key)) is None:
        return None
    words = {name: _filled_in(name, word[: longest_word(name)]) for name, word in hint.words}
    try:
        return gettext(sentence).format_map(words)
    except KeyError:
        return None


def _filled_in(name: str, word: str) -> str:
    if name in KINDS_OF:
        return gettext(KINDS[word]) if word in KINDS else gettext(OTHER_KIND).format(kind=word)
    if name == "function":
        return _called(word)
    if name == "takes":
        return _amount(word)
    if name == "names":
        return _listed(word)
    return word.partition(" ")[0] if name == "operator" else word  # as in "** or pow()"


def _called(function: str) -> str:
    """Return the name of `function`, as Python's message has it, the way a learner writes a call."""
    name = function.rpartition("<locals>.")[2].removesuffix("()").removesuffix(".__init__").removesuffix(".__new__")
    return gettext(LAMBDA) if name == "<lambda>" else f"{name}()"


def _amount(text: str) -> str:
    found = ((re.fullmatch(pattern, text), sentence) for pattern, sentence in AMOUNTS.items())
    return next((gettext(sentence).format(*match.groups()) for match, sentence in found if match), text)


def _listed(text: str) -> str:
    """Return the names in `text`, which Python's message lists in English."""
    *first, last = re.findall(r"'[^']*'", text) or [text]
    return gettext(LISTED).format(first=", ".join(first), last=last) if first else last
