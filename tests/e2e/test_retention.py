"""The service deletes old executions by itself."""

import sqlite3

import pytest

from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]  # time for two starts


def test_a_starting_service_deletes_old_executions(own_service: Service) -> None:
    old = own_service.execute("print('old')")["id"]
    own_service.stop()
    with sqlite3.connect(own_service.database) as connection:
        connection.execute("UPDATE executions_execution SET created = '2020-01-01 00:00:00'")
    connection.close()
    own_service.start()
    own_service.execute("print('new')")
    ids = "SELECT public_id FROM executions_execution"
    assert eventually(lambda: old.replace("-", "") not in [row[0] for row in own_service.query(ids)], seconds=60)
    assert len(own_service.query(ids)) == 1
