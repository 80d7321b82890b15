"""The owners of containers, and which containers are removed."""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import docker
import pytest

from executions.owner import Owner
from executions.sandbox.engine.engine import ContainerSummary, Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.engine.reaper import Reaper, orphans, reap_orphans
from executions.sandbox.timing import Timing
from tests.sandbox.conftest import Launch, containers_of
from tests.waiting import eventually

HERE = Owner.of_this_process()

CHANGES = [("@", "@/"), ("-0-", "-1-"), (HERE.host, ""), (str(HERE.id.int), str(2**128))]

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


def test_owner_parses_its_own_label() -> None:
    owner = Owner.of_this_process()
    assert Owner.parse(str(owner)) == owner
    assert owner.pid == os.getpid()
    assert owner == HERE


def test_a_forked_process_is_another_owner() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as child:
        assert child.submit(Owner.of_this_process).result().id != HERE.id


@pytest.mark.parametrize("label", ["", "x", "1-2-3@host"])
def test_malformed_label_is_no_owner(label: str) -> None:
    assert Owner.parse(label) is None


@pytest.mark.parametrize("change", CHANGES)
def test_changed_label_is_no_owner(change: tuple[str, str]) -> None:
    assert Owner.parse(str(HERE).replace(*change)) is None


@pytest.mark.docker
def test_only_the_containers_of_dead_owners_are_removed_in_every_state(engine: Engine, create: Create) -> None:
    """Those of an owner that nobody knows stay: it may be alive on another host, with another database."""
    dead, unknown = str(replace(HERE, id=uuid.uuid4())), str(replace(HERE, id=uuid.uuid4(), host="0123456789ab"))
    ours = {create(dead), create(dead, start=True)}
    others = {create(str(HERE)), create(unknown), create("nobody"), create(dead, Labels={"net.example": "run"})}
    assert reap_orphans(engine, ()) == []
    assert {container.name for container in orphans(engine, {dead})} == ours
    assert {container.name for container in reap_orphans(engine, {dead})} == ours
    with contextlib.closing(docker.APIClient()) as client:
        left = {name for container in client.containers(all=True) for name in container["Names"]}
    assert not {f"/{name}" for name in ours} & left
    assert {f"/{name}" for name in others} <= left


@pytest.mark.docker
def test_a_sandbox_removes_what_dead_owners_have_left(launch_sandbox: Launch, engine: Engine, create: Create) -> None:
    dead: set[str] = set()
    often = Timing(check_seconds=0.05, checks_per_reap=1)
    sandbox = launch_sandbox(often, pool_size=1, dead_owners=lambda: dead)
    assert sandbox.wait_until_ready(60)
    owner = str(replace(HERE, id=uuid.uuid4()))
    name = create(owner, start=True)
    time.sleep(0.5)
    assert name in {container.name for container in engine.containers()}
    dead.add(owner)
    assert eventually(lambda: name not in {container.name for container in engine.containers()})


class Discreet(Engine):
    """An engine that lists containers with some names only: others here are used by other tests."""

    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self._names = names

    def containers(self) -> list[ContainerSummary]:
        return [each for each in super().containers() if each.name in self._names]


@pytest.mark.docker
def test_a_sandbox_removes_what_nobody_has_started_for_long(
    launch_sandbox: Launch, engine: Engine, create: Create
) -> None:
    owner = str(replace(HERE, id=uuid.uuid4()))  # nobody knows it
    created, started = create(owner), create(owner, start=True)
    often = Timing(check_seconds=0.05, checks_per_reap=1, abandoned_seconds=2)
    sandbox = launch_sandbox(often, lambda: Discreet({created, started}), pool_size=1)
    assert sandbox.wait_until_ready(60)
    assert eventually(lambda: created not in {each.name for each in engine.containers()}, 10)
    assert started in {each.name for each in engine.containers()}


@pytest.mark.docker
def test_what_is_being_launched_is_not_abandoned(engine: Engine, create: Create) -> None:
    name = create(str(HERE))
    with contextlib.closing(Discreet({name})) as discreet:
        for seconds, is_left in ((3600, True), (0, False)):
            Reaper("one", seconds).reap(discreet, set())
            assert (name in {each.name for each in engine.containers()}) is is_left


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
    listed: dict[str, Any] = {"Id": "id", "Names": names, "State": "created", "Labels": {}}
    assert ContainerSummary.parse(listed).name == name


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
