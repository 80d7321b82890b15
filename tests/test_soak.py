"""Each fault that `make soak` looks for is found just above its bound and not at it."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from benchmarks.soak.course import Course
from benchmarks.soak.growth import MEMORY_KB, STEADY_KB, Footprint, Peaks, rise
from benchmarks.soak.strays import new_number, strays
from benchmarks.soak.tally import Tally
from benchmarks.soak.verdict import KEPT_KB, KEPT_KB_AT_LEAST, errors_in, faults
from executions.models import Execution
from executions.sandbox.engine.engine import Engine
from tests.service import ROOT, Service

AT_REST = Footprint(memory_kb=100_000, descriptors=50, threads=60, containers=4, layers=30, disk_kb=1000)


@pytest.fixture
def course() -> Course:
    """Return the course of a soak with a hundred executions and no fault."""
    tally = Tally()
    for number in range(100):
        tally.count("honest")
        tally.answered({"id": f"{number:032}", "status": "success"}, True, "")
    peaks = Peaks(1, Engine(), Path())
    peaks.memory_kb = [100_000] * 30
    return Course(tally, 10.0, AT_REST, peaks, AT_REST, 100, set(), set(), dict(tally.statuses), [], 0, "")


def test_a_clean_soak_has_no_faults(course: Course) -> None:
    assert faults(course) == []


@pytest.mark.parametrize(
    ("name", "few", "said"),
    [
        ("memory_kb", 10_000 + MEMORY_KB, "memory: "),
        ("descriptors", 12, "descriptors: "),
        ("threads", 3, "threads: "),
        ("containers", 0, "containers: "),
        ("layers", 12, "layers: "),
        ("disk_kb", 100 * KEPT_KB + KEPT_KB_AT_LEAST, "disk: "),
    ],
)
def test_growth_is_a_fault(course: Course, name: str, few: int, said: str) -> None:
    def grown_by(number: int) -> list[str]:
        return faults(replace(course, after=replace(AT_REST, **{name: getattr(AT_REST, name) + number})))

    assert grown_by(few) == []
    [fault] = grown_by(few + 1)
    assert fault.startswith(said)


def test_steadily_rising_memory_is_a_fault(course: Course) -> None:
    """Half a kilobyte for each of 20,000 requests is found in noise as large as all of it."""
    dice = random.Random(4)
    noise = [dice.randrange(10_000) for _ in range(1800)]
    course.peaks.memory_kb = [100_000 + each for each in noise]
    assert faults(course) == []
    course.peaks.memory_kb = [100_000 + number * 10_000 // 1800 + each for number, each in enumerate(noise)]
    [fault] = faults(course)
    assert fault.startswith("memory: its peaks rise")


def test_memory_growth_during_warm_up_is_not_a_fault() -> None:
    assert rise([number * 10_000 for number in range(10)] + [100_000] * 20) == 0
    assert rise([100_000] * 5 + [100_000 + 2 * STEADY_KB]) == 0  # too few samples


def test_more_than_one_refusal_in_fifty_is_a_fault(course: Course) -> None:
    for _ in range(2):
        course.tally.refuse()
    assert faults(course) == []
    course.tally.refuse()
    assert faults(course) == ["too many were refused"]


def test_an_error_in_the_log_is_a_fault(course: Course) -> None:
    counted = 'starting\n{"event": "request_finished", "level": "error"}\n{"event": "ready", "level": "info"}\n'
    assert faults(replace(course, log=counted)) == []
    for level in ("error", "critical"):
        broke = f'{{"event": "it broke", "level": "{level}"}}'
        assert faults(replace(course, log=f"{counted}{broke}\n")) == [f"log: {broke}"]


def test_a_soak_finds_errors_in_a_real_log(tmp_path: Path) -> None:
    """The test above makes up its entries."""
    log = tmp_path / "log"
    code = "import logging\nlogging.getLogger('executions').error('it broke')"
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        environment = Service(tmp_path).environment
        subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=True)
    [line] = errors_in(log.read_text())
    assert json.loads(line)["event"] == "it broke"


def test_wrong_and_lost_answers_are_faults(course: Course) -> None:
    wrong = {"id": "1" * 32, "status": "error", "test_results": None}
    course.tally.answered(wrong, True, "echo: wrong")
    assert faults(course) == ["wrong: echo: wrong", f"answered error, on record None: {wrong['id']}"]


def test_a_record_with_the_output_of_another_program_is_a_fault(course: Course) -> None:
    assert faults(replace(course, strays=["execution 7"])) == ["stray: execution 7"]


@pytest.mark.django_db
def test_a_soak_finds_records_with_the_number_of_another_program() -> None:
    dice = random.Random(4)
    one, other = new_number(dice), new_number(dice)
    shared = {"container": "code_exec_x", "error": "", "timeout": 5}
    Execution.objects.create(code=f"print({one})", output=f"{one}\n", submission_number=1, **shared)
    Execution.objects.create(code=f"print({other} + 3)", output=f"{other + 3}\n", submission_number=2, **shared)
    assert strays(query) == []
    stray = Execution.objects.create(code="print(1)", output=f"1 {other}\n", submission_number=3, **shared)
    twin = Execution.objects.create(
        code="print(1)", test_results=[{"actual_output": f"{one}"}], submission_number=3, **shared
    )
    assert strays(query) == [
        f"execution {stray.pk} has {{'{other}'}}",
        f"execution {twin.pk} has {{'{one}'}}",
        "2 executions were submission 3 of code_exec_x",
    ]


def query(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows


def test_more_than_one_late_answer_in_a_hundred_is_a_fault(course: Course) -> None:
    late = {"id": f"{0:032}", "status": "timeout", "test_results": None}
    course.on_record[f"{0:032}"] = "timeout"
    course.tally.answered(late, True, "echo: late")
    assert faults(course) == []
    course.tally.answered(late, True, "echo: late")
    assert faults(course) == ["too many were out of time"]
