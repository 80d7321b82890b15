"""The owners of containers, and which containers are removed."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest

from executions.sandbox.engine.engine import ContainerSummary, Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.engine.owner import Owner
from executions.sandbox.engine.reaper import Reaper, orphans, reap_orphans
from executions.sandbox.timing import Timing
from tests.sandbox.conftest import Launch, containers_of
from tests.waiting import eventually

HERE = replace(Owner.of_this_process(), host=f"host-of-{os.getpid()}")
"""This process on another host: no other sandbox of the tests takes its containers for orphans."""

Create = Callable[..., str]


@pytest.fixture
def create(engine: Engine) -> Iterator[Create]:
    """Create a container as a service would, without running anything in it; return its name."""
    ids = []

    def make(owner: str, start: bool = False, sandbox_id: str = "", **changes: Any) -> str:
        name = f"{NAME_PREFIX}{uuid.uuid4()}"
        options = {**container_options(engine.image_id(image_name()), owner, sandbox_id=sandbox_id), **changes}
        container_id = engine.create(name, options)
        ids.append(container_id)
        if start:
            engine.start(container_id)
        return name

    yield make
    for container_id in ids:
        engine.remove(container_id)


def owner_that_died() -> Owner:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(HERE, pid=process.pid)


def test_owner_parses_its_own_label() -> None:
    owner = Owner.of_this_process()
    assert Owner.parse(str(owner)) == owner
    assert owner.pid == os.getpid()


@pytest.mark.parametrize("label", ["", "x", "1-2@host", "1-2-3@", "a-2-3@host", "1-2-3@host/etc", "1-2-3@host\n"])
def test_malformed_label_is_no_owner(label: str) -> None:
    assert Owner.parse(label) is None


@pytest.mark.docker
def test_owner_is_alive_unless_its_process_or_container_is_known_to_be_dead(engine: Engine) -> None:
    assert HERE.is_alive(engine, HERE)
    assert not replace(HERE, started=HERE.started + 1).is_alive(engine, HERE)  # another process has its PID
    assert not owner_that_died().is_alive(engine, HERE)
    assert replace(HERE, namespace=1).is_alive(engine, HERE)  # a namespace that we cannot examine
    assert replace(HERE, host="another-host").is_alive(engine, HERE)
    assert not replace(HERE, host="0123456789ab", namespace=1).is_alive(engine, HERE)  # a container that is gone


@pytest.mark.docker
@pytest.mark.alone
def test_orphans_are_removed_in_every_state_and_others_are_not(engine: Engine, create: Create) -> None:
    dead, alive = str(owner_that_died()), str(HERE)
    ours = {create(dead), create(dead, start=True), create("nobody")}
    others = {create(alive), create(dead, Labels={"net.example": "run"})}
    assert ours <= {container.name for container in orphans(engine, HERE)}
    assert len(reap_orphans(engine, HERE)) >= len(ours)
    with contextlib.closing(docker.APIClient()) as client:
        left = {name for container in client.containers(all=True) for name in container["Names"]}
    assert not {f"/{name}" for name in ours} & left
    assert {f"/{name}" for name in others} <= left


@pytest.mark.docker
def test_stray_of_a_sandbox_is_removed_at_the_second_call(engine: Engine, create: Create) -> None:
    owner = str(HERE)
    stray, held = create(owner, sandbox_id="one"), create(owner, sandbox_id="one")
    of_another_sandbox = create(owner, sandbox_id="other")
    reaper = Reaper("one")
    assert reaper.reap(engine, {held}) == 0
    assert reaper.reap(engine, {held}) == 1
    assert reaper.reap(engine, {held}) == 0
    names = {container.name for container in engine.containers()}
    assert (stray in names, held in names, of_another_sandbox in names) == (False, True, True)


class Liar(Engine):
    """An engine that claims to remove containers and does not."""

    def remove(self, container_id: str) -> bool:
        return True


class Forgetful(Engine):
    """An engine that lists containers it does not find, as one may after it was killed during a removal."""

    def remove(self, container_id: str) -> bool:
        return False


@pytest.mark.docker
def test_container_that_cannot_be_removed_is_reported_as_stuck(
    engine: Engine, create: Create, caplog: pytest.LogCaptureFixture
) -> None:
    name = create(str(HERE), sandbox_id="one")
    reaper = Reaper("one")
    with contextlib.closing(Liar()) as liar:
        assert [reaper.reap(liar, set()) for _ in range(3)] == [0, 1, 1]
        assert reaper.stuck == 0
        reaper.reap(liar, set())
        assert reaper.stuck == 1
        assert "cannot be ended" in caplog.text
    reaper.reap(engine, set())
    assert eventually(lambda: name not in {each.name for each in engine.containers()})
    reaper.reap(engine, set())
    assert reaper.stuck == 0


@pytest.mark.docker
def test_container_that_is_listed_but_gone_is_not_stuck(engine: Engine, create: Create) -> None:
    create(str(HERE), sandbox_id="one")
    reaper = Reaper("one")
    with contextlib.closing(Forgetful()) as forgetful:
        assert [reaper.reap(forgetful, set()) for _ in range(5)] == [0] * 5
    assert reaper.stuck == 0


@pytest.mark.parametrize(("names", "name"), [(["/code_exec_a"], "code_exec_a"), ([], ""), (None, "")])
def test_container_without_a_name_is_listed(names: list[str] | None, name: str) -> None:
    """A killed engine may leave a container half-created. One once kept the gate shut."""
    assert ContainerSummary.parse({"Id": "id", "Names": names, "State": "created", "Labels": {}}).name == name


@pytest.mark.docker
def test_sandboxes_of_one_process_keep_their_containers(launch_sandbox: Launch, engine: Engine) -> None:
    often = Timing(check_seconds=0.05, checks_per_reap=1)
    sandboxes = [launch_sandbox(often, pool_size=2) for _ in range(2)]

    def all_are_full() -> bool:
        return all(each.health().idle == len(containers_of(engine, each)) == 2 for each in sandboxes)

    assert eventually(all_are_full, 60), [each.health() for each in sandboxes]
    before = [containers_of(engine, each) for each in sandboxes]
    time.sleep(1)
    assert [containers_of(engine, each) for each in sandboxes] == before
