"""What a container has loaded before its program comes, and which a submission should have."""

import re
from collections.abc import Iterator
from enum import StrEnum

from executions.sandbox.results import Submission


class Profile(StrEnum):
    """What the supervisor is told at its start. `science`: numpy, pandas, matplotlib and Pillow, loaded."""

    PLAIN = "plain"
    SCIENCE = "science"


LOADING_SECONDS = 5.0
"""How much longer than others a caller may wait for a container that loads packages first. See docs/decisions/0012."""

SCIENCE_PACKAGES = ("numpy", "pandas", "matplotlib", "pylab", "mpl_toolkits", "PIL")

# Bound to the starts of lines: searched from every word on, a long line of imports would take quadratic time.
SCIENCE_IMPORT = re.compile(rf"^(?=[^#\n]*\bimport\b)[^#\n]*\b(?:{'|'.join(SCIENCE_PACKAGES)})\b", flags=re.MULTILINE)
"""A line with `import` and the name of a package, both outside of a comment: so is any import, wherever it stands."""

LINE_GOES_ON = re.compile(r"\\\r?\n")
IMPORTING_CALLS = ("__import__", "import_module")
"""What is imported by them, their line need not tell."""


def choose_profile(submission: Submission) -> Profile:
    """Return the profile for a submission by a look at its imports, in linear time.

    It is a guess, and in doubt it is science. That costs a program without need some memory and, in a crowd, seconds of
    waiting; the other mistake has everything loaded in the program's own time, which may not do.
    """
    return Profile.SCIENCE if any(map(_imports_science, _codes(submission))) else Profile.PLAIN


def _codes(submission: Submission) -> Iterator[str]:
    yield submission.code
    for test in submission.tests:
        yield test.code


def _imports_science(code: str) -> bool:
    if any(call in code for call in IMPORTING_CALLS):
        return True
    # Most programs are told by the first, which is much faster.
    is_named = any(name in code for name in SCIENCE_PACKAGES)
    return is_named and SCIENCE_IMPORT.search(LINE_GOES_ON.sub(" ", code)) is not None
