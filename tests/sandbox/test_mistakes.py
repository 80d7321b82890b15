"""Each row of the tables in docs/errors.md is true, and no collected mistake gets a false hint: in real containers."""

import base64
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executions.running.outcome import error_detail
from executions.sandbox.profiles import Profile, choose_profile
from executions.sandbox.results import Flag, Submission
from executions.sandbox.sandbox import Sandbox
from tests.guest.collection import collected, count, sentence_of
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker

DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
TIMEOUT_SECONDS = 8  # enough to print a megabyte on a busy machine

Row = tuple[str, str, str, str]  # type, line, column, hint


def rows() -> Iterator[tuple[str, Row]]:
    """Yield each program of the document and the other cells of its row."""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("| `"):
            program, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            kind, number, column, hint = cells
            yield program.strip("`").replace("⏎", "\n").replace("⇥", "\t"), (kind, number, column, hint.rstrip(" |"))


MISTAKES = dict(rows())


@pytest.fixture(scope="module")
def details(sandbox: Sandbox, science_sandbox: Sandbox) -> dict[str, Row]:
    """Return the detail of each program. They run two at a time, since each needs a container of its own."""

    def detail_of(program: str) -> Row:
        submission = Submission(program, "", (), TIMEOUT_SECONDS)
        of_science = choose_profile(submission) is Profile.SCIENCE
        run = (science_sandbox if of_science else sandbox).execute(submission).main
        assert Flag.FORBIDDEN_CALL not in run.flags, program
        detail = error_detail(run, TIMEOUT_SECONDS)
        assert detail is not None, program
        return detail.type, str(detail.line or ""), str(detail.column or ""), detail.hint or ""

    with ThreadPoolExecutor(2) as executor:
        return dict(zip(MISTAKES, executor.map(detail_of, MISTAKES), strict=True))


def test_document_lists_more_than_thirty_mistakes() -> None:
    assert len(MISTAKES) > 30


@pytest.mark.timeout(180)  # the first one waits for all programs
@pytest.mark.parametrize("program", MISTAKES)
def test_mistake_gets_the_documented_detail(details: dict[str, Row], program: str) -> None:
    assert details[program] == MISTAKES[program]


INSTALLED = "PIL, bs4, colorama, matplotlib, numpy, pandas, requests, rich, tabulate"
HINTS_OF_ALL = """
import base64, io, json, os, shutil, sys, warnings, zlib
from guest import reports
from guest.hints import detail

def hint_of(program):
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    try:
        exec(compile(program, "main.py", "exec", dont_inherit=True), {"__name__": "__main__"})
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next
        *_, hint, line, column, end_column = reports.unpack_detail(detail.describe(error, "main.py", program, {}))
        return hint
    return "It ran."

warnings.simplefilter("ignore")
programs = json.load(sys.stdin)
hints = []
for number, program in enumerate(programs):
    os.makedirs(f"/tmp/{number}")
    os.chdir(f"/tmp/{number}")
    hints.append(hint_of(program))
    os.chdir("/tmp")
    shutil.rmtree(f"/tmp/{number}")  # a container may have a thousand files
sys.__stdout__.write(base64.b85encode(zlib.compress(json.dumps(hints).encode())).decode())
"""


@pytest.mark.timeout(120)
def test_no_collected_mistake_gets_a_false_hint(run: Runner) -> None:
    mistakes = collected()
    result = run(HINTS_OF_ALL, json.dumps([each.program for each in mistakes]), timeout_seconds=100)
    assert result.stderr == ""
    hints = map(sentence_of, json.loads(zlib.decompress(base64.b85decode(result.stdout))))
    verdicts, wrong = count(zip(mistakes, hints, strict=True), INSTALLED)
    assert wrong == []
    assert verdicts == {"right": 1124, "none": 94, "false": 0}
