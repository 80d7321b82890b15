"""One whole service for all tests that do no harm to it, and a way to have one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="2", SANDBOX_MAX_CONCURRENT="10") as service:
        yield service
