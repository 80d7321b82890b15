"""Whether a word is another one with a slip of the finger: a hint suggests nothing that only looks similar."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def meant_by(word: str, known: Iterable[str]) -> str:
    """Return the one of `known` that `word` is a slip for, or an empty string.

    If there are several, it is the one that differs only in capitals, or else the longest.
    """
    slips = (each for each in known if is_slip(word, each))
    return max(slips, key=lambda each: (each.casefold() == word.casefold(), len(each)), default="")


def is_slip(word: str, meant: str) -> bool:
    """Return whether `word` is `meant` with one slip: case, an underscore, or a letter missing, too many or misplaced.

    Names that differ in their first letter or in their digits are different names: x1 and x2, text and next.
    """
    if word == meant:
        return False
    word, meant = (each.replace("_", "").casefold() for each in (word, meant))
    if word == meant:
        return bool(word)
    if [each for each in word if each.isdigit()] != [each for each in meant if each.isdigit()]:
        return False
    if len(word) == len(meant):
        if len(word) > 4 and word[0] == meant[0] and sorted(word) == sorted(meant):
            return True
        return _is_swapped(word, meant) or _is_neighbouring_key(word, meant)
    if len(word) + 1 == len(meant):
        return len(word) > 2 and _lacks_one(word, meant)
    doubled = any(one == other for one, other in itertools.pairwise(word))
    return len(word) == len(meant) + 1 and len(word) > (3 if doubled else 4) and _lacks_one(meant, word)


def _is_swapped(word: str, meant: str) -> bool:
    first, *others = [index for index, letter in enumerate(word) if letter != meant[index]]
    return others == [first + 1] and word[first] == meant[first + 1] and word[first + 1] == meant[first]


def _is_neighbouring_key(word: str, meant: str) -> bool:
    wrong = [index for index, letter in enumerate(word) if letter != meant[index]]
    if len(wrong) > 1 or wrong == [0] or len(word) < 5:
        return False
    return any(word[wrong[0]] + meant[wrong[0]] in row + row[::-1] for row in KEYBOARD)


def _lacks_one(shorter: str, longer: str) -> bool:
    return any(shorter == longer[:index] + longer[index + 1 :] for index in range(1, len(longer)))
