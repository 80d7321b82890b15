"""The client of the engine."""

import contextlib
import os
import sys
import threading
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from executions.owner import Owner
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options


def descriptors_after_each_of_four_containers() -> list[int]:
    """Return how many descriptors this process has after each of four containers of one client."""
    with contextlib.closing(Engine()) as engine:
        options = container_options(engine.image_id(image_name()), str(Owner.of_this_process()))
        descriptors = []
        for _ in range(4):
            container_id = engine.create(f"{NAME_PREFIX}{uuid.uuid4()}", options)
            engine.attach(container_id).close()
            engine.inspect(container_id)
            engine.remove(container_id)
            descriptors.append(len(os.listdir("/proc/self/fd")))
    return descriptors


@pytest.mark.docker
def test_client_keeps_no_connection_for_each_container() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as own_process:  # other sandboxes' threads open some in this one
        descriptors = own_process.submit(descriptors_after_each_of_four_containers).result()
    assert len(set(descriptors)) == 1


@pytest.mark.docker
def test_calls_do_not_fail_while_the_environment_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGES", "")  # removed after the test
    ended = threading.Event()

    def change() -> None:
        while not ended.is_set():
            os.environ["CHANGES"] = "now"
            del os.environ["CHANGES"]

    with contextlib.closing(Engine()) as engine:
        engine.ping()
        thread = threading.Thread(target=change)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # so that a change falls between two steps of a call
        thread.start()
        try:
            for _ in range(100):
                engine.ping()
        finally:
            ended.set()
            thread.join()
            sys.setswitchinterval(interval)
