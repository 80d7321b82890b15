"""The client of the engine."""

import contextlib
import os
import uuid

import pytest

from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.engine.owner import Owner


@pytest.mark.docker
def test_client_keeps_no_connection_for_each_container() -> None:
    with contextlib.closing(Engine()) as engine:
        options = container_options(engine.image_id(image_name()), str(Owner.of_this_process()))
        descriptors = []
        for _ in range(4):
            container_id = engine.create(f"{NAME_PREFIX}{uuid.uuid4()}", options)
            engine.attach(container_id).close()
            engine.inspect(container_id)
            engine.remove(container_id)
            descriptors.append(len(os.listdir("/proc/self/fd")))
    assert len(set(descriptors)) == 1
