"""Beginners' mistakes from public collections and reviews (collected.tsv), each with the hint that is right for it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from executions.running.hint_sentences import HINTS
from executions.running.hints import hint_sentence
from executions.sandbox.results import Hint
from guest import reports

FILE = Path(__file__).with_name("collected.tsv")


@dataclass(frozen=True)
class Collected:
    """A program and the key of its hint, empty for none, with the words that are filled in.

    `since` is the first version of Python that says enough for the hint, or an empty string.
    """

    program: str
    hint: str
    words: dict[str, str]
    since: str

    def sentence(self, installed: str) -> str:
        """Return the hint as a learner reads it where these packages are installed."""
        return HINTS[self.hint].format(**self.words, installed=installed) if self.hint else ""


def sentence_of(packed: str) -> str:
    """Return the sentence for a hint of a DETAIL frame, an empty string for none."""
    if not packed:
        return ""
    key, words = reports.unpack_hint(packed)
    sentence = hint_sentence(Hint(key, tuple(words.items())))
    assert sentence is not None, packed
    return sentence


def collected() -> list[Collected]:
    rows = (line.split("\t") for line in FILE.read_text().split("\n") if line and not line.startswith("# "))
    return [_from_row(*row) for row in rows]


def _from_row(program: str, hint: str, words: str = "{}", since: str = "") -> Collected:
    return Collected(program.replace("⏎", "\n").replace("⇥", "\t"), hint.removeprefix("-"), json.loads(words), since)


def count(answers: Iterable[tuple[Collected, str]], installed: str) -> tuple[Counter[str], list[str]]:
    """Return how many hints are right, none and false; and what the programs with a false one got."""
    verdicts: Counter[str] = Counter(right=0, none=0, false=0)
    wrong = []
    for mistake, got in answers:
        is_right = got == mistake.sentence(installed)
        verdicts["false" if not is_right else "right" if got else "none"] += 1
        if not is_right:
            wrong.append(f"{mistake.program!r}: {got!r}, not {mistake.sentence(installed)!r}")
    return verdicts, wrong
