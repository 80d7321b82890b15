"""A few programs of `make corpora`: the service does with them what the same Python does without it."""

from pathlib import Path

import pytest

from benchmarks.corpora.__main__ import SETTINGS, compare_all
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

MOST = 20


def test_documented_examples_do_the_same_in_the_service(tmp_path: Path) -> None:
    with Service(tmp_path, **SETTINGS) as service:
        comparisons = list(compare_all(service, MOST))
    assert len(comparisons) == MOST
    assert [each for each in comparisons if each.reason == "unknown"] == []
    assert sum(not each.reason for each in comparisons) > MOST / 2
