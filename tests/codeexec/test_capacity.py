"""How much may run, worked out from the machine."""

import re
from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulate import PROGRAMS, seconds_of
from benchmarks.simulation import Program, Site, simulate
from codeexec.capacity import MIB, MOST_THREADS, PROGRAM_BYTES, Capacity
from executions.sandbox.settings import MEMORY_BYTES
from tests.test_docs import ROOT, SETTINGS

ROW = r"(\d+) \| ([\d.]+) GB \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|"
CLASS_ROW = r"\| (\d+) \| (\d+), (\d+) GB \| (.*) \| (\d+) \|"
CLASS_PROGRAMS = PROGRAMS["hello"], Program("computes", 0.1), PROGRAMS["that sleep 1 s"], PROGRAMS["plots"]
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def test_program_has_the_memory_of_a_container() -> None:
    assert PROGRAM_BYTES == MEMORY_BYTES


@given(st.integers(1, 256), st.integers(0, 1024 * 1024))
def test_capacity_fits_the_machine(processors: int, free_mib: int) -> None:
    capacity = Capacity.of(processors, free_mib * MIB)
    programs = capacity.max_concurrent + capacity.max_interactive
    assert min(astuple(capacity)[2:]) >= 1
    assert programs == 2 or programs * PROGRAM_BYTES <= 0.6 * free_mib * MIB
    assert capacity.busy_concurrent <= capacity.max_concurrent
    assert capacity.pool_size <= 4 * processors
    assert programs + capacity.queue_length <= MOST_THREADS


def test_more_of_a_machine_never_means_less_capacity() -> None:
    small, large = Capacity.of(2, 2048 * MIB), Capacity.of(4, 8192 * MIB)
    assert all(few <= many for few, many in zip(astuple(small), astuple(large), strict=True))


def test_documented_table_is_what_the_code_works_out() -> None:
    rows = re.findall(ROW, SETTINGS)
    assert len(rows) >= 4
    for processors, gigabytes, *numbers in rows:
        found = Capacity.of(int(processors), int(float(gigabytes) * 1024 * MIB))
        assert [int(number) for number in numbers] == [
            found.max_concurrent,
            found.max_interactive,
            found.pool_size,
            found.science_pool_size,
            found.queue_length,
        ]


def longest_wait(capacity: Capacity, pupils: int, program: Program) -> str:
    """Return when the last of a class has an answer, as docs/operations.md shows it."""
    answered = seconds_of(simulate(Site(capacity, are_one_party=True), [(0.0, program)] * pupils))
    shown = f"{answered[-1]:.{0 if answered[-1] >= 10 else 1}f} s"
    if len(answered) == pupils:
        return shown
    return f"{shown}: {'some' if len(answered) >= pupils / 2 else 'most'} get a 503"


def test_documented_waits_of_a_class_are_what_the_simulator_computes() -> None:
    """With half a gigabyte for everything else on the server."""
    rows = re.findall(CLASS_ROW, OPERATIONS)
    assert len(rows) >= 8
    for pupils, processors, gigabytes, waits, players in rows:
        found = Capacity.of(int(processors), int(gigabytes) * 1024 * MIB - 512 * MIB)
        assert int(players) == found.max_interactive
        assert waits.split(" | ") == [longest_wait(found, int(pupils), program) for program in CLASS_PROGRAMS]
