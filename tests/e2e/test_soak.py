"""`make soak` in short: honest and hostile clients side by side, and nothing wrong, lost, left over or grown."""

from pathlib import Path

import pytest

from benchmarks.soak.course import SETTINGS, run_course
from benchmarks.soak.verdict import faults, show
from tests.service import Service

MINUTES = 0.5
LOAD = 0.5
"""Less than `make soak` has: whether a busy machine keeps its pace is not the question here."""


@pytest.mark.docker
@pytest.mark.alone  # a service that other tests starve refuses more, and waits too long for its database
@pytest.mark.timeout(300)
def test_a_short_soak_finds_no_fault(tmp_path: Path) -> None:
    service = Service(tmp_path, **SETTINGS)
    course = run_course(service, MINUTES, service.query, LOAD)
    show(course)
    assert faults(course) == []
    assert {"success", "error"} <= set(course.tally.statuses.values())
    assert course.tally.sent["hostile"] >= 3  # few, where the machine is slow
