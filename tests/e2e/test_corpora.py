"""Examples of the standard library do the same in the service as without it. `make corpora` tries many more."""

from pathlib import Path

import pytest

from benchmarks.corpora.__main__ import SETTINGS, compare_all
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(480)]

MOST = 20


def test_documented_examples_do_the_same_in_the_service(tmp_path: Path) -> None:
    with Service(tmp_path, **SETTINGS) as service:
        comparisons = list(compare_all(service, MOST, packages=()))
    assert len(comparisons) == MOST
    assert [each for each in comparisons if each.reason == "unknown"] == []
    assert sum(not each.reason for each in comparisons) > MOST / 2
