"""Who owns a container, and which are removed."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from executions.sandbox.engine.engine import Engine, _name
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.engine.owner import Owner
from executions.sandbox.engine.reaper import Reaper, orphans, reap_orphans
from tests.waiting import eventually

Create = Callable[..., str]


@pytest.fixture
def create(engine: Engine, own_host: None) -> Iterator[Create]:
    """Make a container as a service would have, without running anything in it; give its name."""
    ids = []

    def make(owner: str, start: bool = False, **changes: Any) -> str:
        name = f"{NAME_PREFIX}{uuid.uuid4()}"
        options = {**container_options(engine.image_id(image_name()), owner), **changes}
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
    return replace(Owner.of_this_process(), pid=process.pid)


def test_an_owner_reads_what_it_writes() -> None:
    owner = Owner.of_this_process()
    assert Owner.parse(str(owner)) == owner
    assert owner.pid == os.getpid()


@pytest.mark.parametrize("label", ["", "x", "1-2@host", "1-2-3@", "a-2-3@host", "1-2-3@host/etc", "1-2-3@host\n"])
def test_what_is_no_owner_is_not_read(label: str) -> None:
    assert Owner.parse(label) is None


@pytest.mark.docker
def test_who_is_alive(engine: Engine) -> None:
    here = Owner.of_this_process()
    assert here.is_alive(engine)
    assert not replace(here, started=here.started + 1).is_alive(engine)  # its number was used again
    assert not owner_that_died().is_alive(engine)
    assert replace(here, namespace=1).is_alive(engine)  # a namespace we cannot look into
    assert replace(here, host="another-host").is_alive(engine)
    assert not replace(here, host="0123456789ab", namespace=1).is_alive(engine)  # a container that is gone


@pytest.mark.docker
@pytest.mark.alone
def test_orphans_are_removed_in_every_state_and_others_are_not(engine: Engine, create: Create) -> None:
    dead, alive = str(owner_that_died()), str(Owner.of_this_process())
    ours = {create(dead), create(dead, start=True), create("nobody")}
    others = {create(alive), create(dead, Labels={"net.example": "run"})}
    assert ours <= {container.name for container in orphans(engine)}
    assert reap_orphans(engine) >= len(ours)
    left = {name for container in engine._client.containers(all=True) for name in container["Names"]}  # type: ignore[union-attr]
    assert not {f"/{name}" for name in ours} & left
    assert {f"/{name}" for name in others} <= left


@pytest.mark.docker
def test_strays_of_a_living_owner_get_one_calls_grace(engine: Engine, create: Create) -> None:
    owner = str(replace(Owner.of_this_process(), pid=1))
    stray, held = create(owner), create(owner)
    reaper = Reaper(owner)
    assert reaper.reap(engine, {held}) == 0
    assert reaper.reap(engine, {held}) == 1
    assert reaper.reap(engine, {held}) == 0
    names = {container.name for container in engine.containers()}
    assert (stray in names, held in names) == (False, True)


class Liar(Engine):
    """Says that it has removed what it has not."""

    def remove(self, container_id: str) -> bool:
        return True


class Forgetful(Engine):
    """Lists what it says that it does not have, as one that was killed while it removed a container may do."""

    def remove(self, container_id: str) -> bool:
        return False


@pytest.mark.docker
def test_what_cannot_be_removed_is_told(engine: Engine, create: Create, caplog: pytest.LogCaptureFixture) -> None:
    owner = str(replace(Owner.of_this_process(), started=1))
    name = create(owner)
    reaper = Reaper(owner)
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
def test_what_is_listed_and_not_there_is_no_trouble(engine: Engine, create: Create) -> None:
    owner = str(replace(Owner.of_this_process(), started=1))
    create(owner)
    reaper = Reaper(owner)
    with contextlib.closing(Forgetful()) as forgetful:
        assert [reaper.reap(forgetful, set()) for _ in range(5)] == [0] * 5
    assert reaper.stuck == 0


@pytest.mark.parametrize(("names", "name"), [(["/code_exec_a"], "code_exec_a"), ([], ""), (None, "")])
def test_a_container_without_a_name_is_no_reason_to_stop(names: list[str] | None, name: str) -> None:
    """What an engine that was killed left half-made has none. One such container once kept the gate shut."""
    assert _name({"Names": names}) == name
