"""A short `make soak`: with honest and hostile clients, nothing is wrong, lost or left over, and nothing grows."""

from pathlib import Path

import pytest

from benchmarks.soak.course import SETTINGS, run_course
from benchmarks.soak.verdict import faults, show
from tests.service import DeployedService

MINUTES = 0.5
LOAD = 0.5
"""Less than in `make soak`, because this does not test how fast a busy machine is."""


@pytest.mark.docker
@pytest.mark.alone  # beside other tests, the service would refuse more and wait too long for its database
@pytest.mark.timeout(480)
def test_a_short_soak_finds_no_fault(tmp_path: Path) -> None:
    service = DeployedService(tmp_path, **SETTINGS)
    course = run_course(service, MINUTES, service.query, LOAD)
    show(course)
    assert faults(course) == []
    assert {"success", "error"} <= set(course.tally.statuses.values())
    assert course.tally.sent["hostile"] >= 3  # a slow machine sends only a few
