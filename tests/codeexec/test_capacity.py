"""How much may run, worked out from the machine."""

import re
from dataclasses import astuple
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from codeexec.capacity import MIB, MOST_THREADS, PROGRAM_BYTES, Capacity
from executions.sandbox.engine.options import MEMORY_BYTES
from tests.test_docs import ROOT, SETTINGS

ROW = r"(\d+) \| ([\d.]+) GB \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|"
CLASS_ROW = r"\| (\d+) \| (\d+), (\d+) GB \| [^|]* \| [^|]* \| (\d+) s[^|]* \| [^|]* \| (\d+) \|"
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


def test_sizes_for_a_class_follow_from_the_capacity() -> None:
    """With half a gigabyte for everything else on the server."""
    rows = re.findall(CLASS_ROW, OPERATIONS)
    assert len(rows) >= 8
    for pupils, processors, gigabytes, sleep_seconds, players in rows:
        found = Capacity.of(int(processors), int(gigabytes) * 1024 * MIB - 512 * MIB)
        assert int(players) == found.max_interactive
        assert int(sleep_seconds) == ceil(int(pupils) / found.max_concurrent)
