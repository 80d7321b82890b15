"""The choice of a worker, and what the workers are together."""

import time
from dataclasses import replace

import msgspec
import pytest

from executions.cluster.messages import WorkerState
from executions.cluster.workers import SeenWorker, Workers, load
from executions.sandbox.results import SandboxBusy, SandboxUnavailable
from executions.sandbox.sandbox import SandboxHealth
from tests.fakes import seen_worker

HEALTH = SandboxHealth(True, "connected", "", 4, 0, 0)
NOT_READY = SandboxHealth(False, "unreachable", "no engine", 0, 2, 0)


def state(name: str, slots: int = 4, queue_length: int = 2, is_leaving: bool = False, **health: object) -> WorkerState:
    return WorkerState(name, "host", replace(HEALTH, **health), slots, slots, queue_length, is_leaving=is_leaving)  # type: ignore[arg-type]


def workers(*states: WorkerState) -> Workers:
    found = Workers()
    found.update(list(states))
    return found


def test_submissions_go_where_most_slots_are_free() -> None:
    found = workers(state("small", slots=2, idle=8), state("large", slots=6, idle=8))
    chosen = [found.choose(set()) for _ in range(8)]
    assert (chosen.count("small"), chosen.count("large")) == (2, 6)


def test_among_equals_the_one_with_more_waiting_containers_is_chosen() -> None:
    assert workers(state("few", idle=1), state("many", idle=3)).choose(set()) == "many"


def test_start_of_a_container_counts_as_much_as_a_program() -> None:
    found = workers(state("warm", slots=8, idle=9, in_use=2), state("cold", slots=8, idle=0, in_use=1))
    assert [found.choose(set()) for _ in range(3)] == ["warm", "cold", "warm"]


def test_worker_whose_programs_all_wait_for_input_gets_no_further_interactive_one() -> None:
    """These have no slot, so the worker looked free, until it had no thread left."""
    waiting = msgspec.structs.replace(state("waiting", queue_length=50), interactive=3, most_interactive=4)
    room = msgspec.structs.replace(state("room", slots=1, in_use=1), most_interactive=1)
    found = workers(waiting, room)
    assert [found.choose(set(), is_interactive=True) for _ in range(2)] == ["waiting", "room"]
    with pytest.raises(SandboxBusy):
        found.choose(set(), is_interactive=True)
    assert found.choose(set()) == "waiting"


def test_worker_that_is_not_ready_or_leaves_gets_nothing() -> None:
    found = workers(state("shut", ready=False), state("leaves", is_leaving=True), state("busy", in_use=4))
    assert found.choose(set()) == "busy"
    assert not found.takes_orders("leaves")
    assert found.is_alive("leaves")


def test_full_lines_are_busy() -> None:
    found = workers(state("one", in_use=4, waiting=1))
    assert found.choose(set()) == "one"
    with pytest.raises(SandboxBusy):
        found.choose(set())


def test_what_was_sent_counts_until_the_worker_speaks_again() -> None:
    found = workers(state("one"), state("two", in_use=3))
    assert [found.choose(set()) for _ in range(3)] == ["one"] * 3
    found.update([state("one"), state("two", in_use=3)])  # what they have said before
    assert {found.choose(set()) for _ in range(2)} == {"one", "two"}
    found.update([msgspec.structs.replace(state("one"), number=1), state("two", in_use=3)])
    assert found.choose(set()) == "one"


def test_worker_that_was_tried_is_not_asked_again() -> None:
    found = workers(state("one"), state("two", in_use=4))
    assert found.choose({"one"}) == "two"
    with pytest.raises(SandboxBusy):
        found.choose({"one", "two"})


def test_without_a_worker_nothing_runs() -> None:
    with pytest.raises(SandboxUnavailable, match="no worker"):
        workers().choose(set())
    with pytest.raises(SandboxUnavailable, match="no engine"):
        workers(state("one", ready=False, reason="no engine")).choose(set())
    assert not workers().health().ready


def test_one_worker_that_serves_is_enough_to_be_ready() -> None:
    found = workers(state("shut", ready=False, reason="no engine", idle=0), state("one", in_use=1, waiting=2)).health()
    assert (found.ready, found.reason) == (True, "")
    assert (found.idle, found.in_use, found.waiting) == (4, 1, 2)


def test_when_nothing_is_known_lately_nothing_starts_and_nobody_is_given_up() -> None:
    found = Workers(life_seconds=0)
    found.update([state("one")])
    with pytest.raises(SandboxUnavailable):
        found.choose(set())
    assert not found.health().ready
    assert found.is_alive("one")
    assert found.is_alive("two")
    assert found.takes_orders("two")


def test_workers_are_seen_by_host_and_name_until_they_are_gone() -> None:
    one, two, three = (msgspec.structs.replace(state(name), host=host) for name, host in ("za", "yb", "xb"))
    found = workers(two, one, three)
    assert [each.state.name for each in found.seen()] == ["z", "x", "y"]
    found.update([two])
    assert [each.state.name for each in found.seen()] == ["y"]
    found.update([])
    assert found.seen() == ()


def test_worker_is_silent_until_it_says_something_new() -> None:
    found = workers(state("one"))
    [first] = found.seen()
    found.update([state("one")])  # what it has said before
    [second] = found.seen()
    assert second.silent_seconds > first.silent_seconds
    before = time.monotonic()
    found.update([msgspec.structs.replace(state("one"), number=1)])
    [third] = found.seen()
    assert third.silent_seconds <= time.monotonic() - before


def test_of_workers_of_which_nothing_is_known_lately_none_is_seen() -> None:
    found = Workers(life_seconds=0)
    found.update([state("one")])
    assert found.seen() == ()


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([seen_worker("one")], 0.5),
        ([seen_worker("one"), seen_worker("two", slots=24)], 0.25),
        ([seen_worker("one"), seen_worker("two", is_leaving=True)], 0.5),
        ([seen_worker("one", health=replace(HEALTH, in_use=8)), seen_worker("two", health=NOT_READY)], 1.0),
        ([seen_worker("one", health=replace(HEALTH, in_use=8, waiting=8))], 2.0),
        ([seen_worker("two", health=NOT_READY)], None),
        ([], None),
    ],
)
def test_load_is_what_runs_and_waits_for_each_slot_of_those_that_serve(
    seen: list[SeenWorker], expected: float | None
) -> None:
    assert load(seen) == expected
