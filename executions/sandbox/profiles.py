"""Profiles: which packages a container has loaded before its program comes, and which profile a submission needs."""

import re
from collections.abc import Iterator
from enum import StrEnum

from executions.sandbox.results import Submission


class Profile(StrEnum):
    """The supervisor's argument. A `science` container loads numpy, pandas, matplotlib and Pillow in advance."""

    PLAIN = "plain"
    SCIENCE = "science"


LOADING_SECONDS = 5.0
"""How much longer a caller may wait for a container that loads packages first. See docs/decisions/0012-science.md."""

SCIENCE_PACKAGES = ("numpy", "pandas", "matplotlib", "pylab", "mpl_toolkits", "PIL")

# Anchored to the start of a line: a search from every word of a long line of imports would take quadratic time.
SCIENCE_IMPORT = re.compile(rf"^(?=[^#\n]*\bimport\b)[^#\n]*\b(?:{'|'.join(SCIENCE_PACKAGES)})\b", flags=re.MULTILINE)
"""A line with `import` and the name of a package, both outside a comment. Every import statement matches."""

LINE_GOES_ON = re.compile(r"\\\r?\n")
IMPORTING_CALLS = ("__import__", "import_module")
"""What these import may be named on another line."""


def choose_profile(submission: Submission) -> Profile:
    """Return the profile for a submission, judged by its imports, in linear time.

    It is a guess; if in doubt, science. Choosing science wrongly costs memory and, under load, seconds of waiting.
    Choosing plain wrongly loads the packages in the program's own time, which may not be enough.
    """
    return Profile.SCIENCE if any(map(_imports_science, _codes(submission))) else Profile.PLAIN


def _codes(submission: Submission) -> Iterator[str]:
    yield submission.code
    of_tests = (file for test in submission.tests for file in test.files)
    for file in {file for file in (*submission.files, *of_tests) if file.name.endswith(".py")}:
        yield file.content.decode(errors="replace")
    for test in submission.tests:
        yield test.code
        yield test.unittest


def _imports_science(code: str) -> bool:
    if any(call in code for call in IMPORTING_CALLS):
        return True
    # Fast, and enough for most programs.
    is_named = any(name in code for name in SCIENCE_PACKAGES)
    return is_named and SCIENCE_IMPORT.search(LINE_GOES_ON.sub(" ", code)) is not None
