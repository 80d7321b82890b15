"""What a container has loaded before its program comes, and which a submission should have."""

import re
from collections.abc import Iterator
from enum import StrEnum

from executions.sandbox.results import Submission


class Profile(StrEnum):
    """What the supervisor is told at its start. `science`: numpy, pandas, matplotlib and Pillow, loaded."""

    PLAIN = "plain"
    SCIENCE = "science"


SCIENCE_PACKAGES = ("numpy", "pandas", "matplotlib", "pylab", "mpl_toolkits", "PIL")

# Bound to the starts of lines: searched from every word on, a long line of imports would take quadratic time.
SCIENCE_IMPORT = re.compile(rf"^[ \t]*(?:import|from)[ \t][^\n]*?\b(?:{'|'.join(SCIENCE_PACKAGES)})\b", re.MULTILINE)


def choose_profile(submission: Submission) -> Profile:
    """Return the profile for a submission by a look at its imports, in linear time.

    It is a guess: every program runs in every profile, only the loading takes a part of its time in the wrong one.
    """
    return Profile.SCIENCE if any(map(_imports_science, _codes(submission))) else Profile.PLAIN


def _codes(submission: Submission) -> Iterator[str]:
    yield submission.code
    for test in submission.tests:
        yield test.code


def _imports_science(code: str) -> bool:
    # Most programs are told by the first, which is much faster.
    return any(name in code for name in SCIENCE_PACKAGES) and SCIENCE_IMPORT.search(code) is not None
