"""Profiles: which packages a container has loaded before its program comes, and which profile a submission needs."""

import re
from collections.abc import Iterator
from enum import StrEnum

from executions.sandbox.results import Submission


class Profile(StrEnum):
    """The supervisor's argument. A `science` container has numpy, pandas, matplotlib and Pillow loaded."""

    PLAIN = "plain"
    SCIENCE = "science"


LOADING_SECONDS = 5.0
"""How much longer than others a caller may wait for a container that loads packages first. See docs/decisions/0012."""

SCIENCE_PACKAGES = ("numpy", "pandas", "matplotlib", "pylab", "mpl_toolkits", "PIL")

# Bound to the starts of lines: searched from every word on, a long line of imports would take quadratic time.
SCIENCE_IMPORT = re.compile(rf"^(?=[^#\n]*\bimport\b)[^#\n]*\b(?:{'|'.join(SCIENCE_PACKAGES)})\b", flags=re.MULTILINE)
"""A line with `import` and the name of a package, both outside a comment. Every import statement matches."""

LINE_GOES_ON = re.compile(r"\\\r?\n")
IMPORTING_CALLS = ("__import__", "import_module")
"""What these import need not be on the same line."""


def choose_profile(submission: Submission) -> Profile:
    """Return the profile for a submission by a look at its imports, in linear time.

    It is a guess, and in doubt science. A wrong science costs memory and, under load, seconds of waiting; a wrong plain
    loads the packages in the program's own time, which may not suffice.
    """
    return Profile.SCIENCE if any(map(_imports_science, _codes(submission))) else Profile.PLAIN


def _codes(submission: Submission) -> Iterator[str]:
    yield submission.code
    for test in submission.tests:
        yield test.code


def _imports_science(code: str) -> bool:
    if any(call in code for call in IMPORTING_CALLS):
        return True
    # Fast, and enough for most programs.
    is_named = any(name in code for name in SCIENCE_PACKAGES)
    return is_named and SCIENCE_IMPORT.search(LINE_GOES_ON.sub(" ", code)) is not None
