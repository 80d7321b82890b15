"""The table of mistakes in docs/errors.md is what learners are told: each row is run in a real container."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executions.running.error_detail import error_detail
from executions.sandbox.profiles import Profile, choose_profile
from executions.sandbox.results import Submission
from executions.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.docker

DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
TIMEOUT_SECONDS = 8  # a flood needs a part of it on a busy machine

Row = tuple[str, str, str, str]  # type, line, column, hint


def rows() -> Iterator[tuple[str, Row]]:
    """Yield each program of the document and what stands beside it."""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("| `"):
            program, *told = (cell.strip() for cell in line.strip("|").split(" | "))
            kind, number, column, hint = told
            yield program.strip("`").replace("⏎", "\n").replace("⇥", "\t"), (kind, number, column, hint.rstrip(" |"))


MISTAKES = dict(rows())


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, science_sandbox: Sandbox) -> dict[str, Row]:
    """What is told of each program. All at once: each has a container of its own, and these take time to start."""

    def tell(program: str) -> Row:
        submission = Submission(program, "", (), TIMEOUT_SECONDS)
        of_science = choose_profile(submission) is Profile.SCIENCE
        run = (science_sandbox if of_science else sandbox).execute(submission).main
        detail = error_detail(run, TIMEOUT_SECONDS)
        assert detail is not None, program
        shown = ("" if detail[name] is None else str(detail[name]) for name in ("type", "line", "column", "hint"))
        kind, line, column, hint = shown
        return kind, line, column, hint

    with ThreadPoolExecutor(2) as executor:
        return dict(zip(MISTAKES, executor.map(tell, MISTAKES), strict=True))


def test_the_document_has_thirty_mistakes_and_more() -> None:
    assert len(MISTAKES) > 30


@pytest.mark.timeout(180)  # the first of them waits for all
@pytest.mark.parametrize("program", MISTAKES)
def test_a_mistake_is_told_as_documented(told: dict[str, Row], program: str) -> None:
    assert told[program] == MISTAKES[program]
