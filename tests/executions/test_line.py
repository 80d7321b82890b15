"""The line in which callers wait for a container, or for a thread."""

import pickle
import random
from dataclasses import dataclass

import pytest

from executions.line import Line
from executions.sandbox.results import Party


@dataclass(eq=False)
class Caller:
    party: Party


def join(line: Line[Caller], *parties: str) -> list[Caller]:
    """Let a caller of each party, such as "key/learner" or "key/address/claimed learner", join the line."""
    callers = [Caller(Party(*party.split("/"))) for party in parties]
    for caller in callers:
        line.append(caller)
    return callers


def order(line: Line[Caller]) -> list[str]:
    """Empty the line; return the parties in the order in which their turns come."""
    return ["/".join(filter(None, caller.party)) for caller in iter(line.pop, None)]


def test_callers_of_one_learner_stay_in_order() -> None:
    line: Line[Caller] = Line()
    callers = join(line, *["site/ada"] * 5)
    assert [line.pop() for _ in range(5)] == callers
    assert len(line) == 0


@pytest.mark.wall("turns")
def test_one_learners_loop_never_delays_anothers_first_request() -> None:
    line: Line[Caller] = Line()
    join(line, *["site/loop"] * 100, "site/ada")
    assert order(line)[:3] == ["site/loop", "site/ada", "site/loop"]


def test_learner_who_joins_after_many_turns_waits_for_one_turn_of_each_other() -> None:
    line: Line[Caller] = Line()
    join(line, *["site/loop"] * 10)
    for _ in range(5):
        line.pop()
    join(line, "site/ada", "site/bob")
    assert order(line)[:3] == ["site/loop", "site/ada", "site/bob"]


def test_key_with_many_learners_gets_no_more_turns_than_a_key_with_one() -> None:
    line: Line[Caller] = Line()
    join(line, *[f"big/{number}" for number in range(50)], "small/a", "small/b")
    assert order(line)[:4] == ["big/0", "small/a", "big/1", "small/b"]


def test_learners_of_the_same_name_under_two_keys_are_two() -> None:
    line: Line[Caller] = Line()
    join(line, "one/ada", "one/ada", "two/ada")
    assert order(line) == ["one/ada", "two/ada", "one/ada"]


def test_claimed_learners_share_the_turns_of_their_address() -> None:
    """A page can claim to be another learner each time: that gains nothing. It also delays no classmate's first."""
    line: Line[Caller] = Line()
    join(line, *[f"site/school/{number}" for number in range(50)], "site/home/0", "site/school/0", "site/school/new")
    turns = order(line)
    assert turns.index("site/home/0") == 1
    assert turns.index("site/school/new") < len(turns) - 1


def test_one_pupils_loop_does_not_delay_a_classmate_at_the_same_address() -> None:
    line: Line[Caller] = Line()
    join(line, *["site/school/loop"] * 100, "site/school/ada")
    assert order(line)[:2] == ["site/school/loop", "site/school/ada"]


def test_caller_who_may_not_start_is_passed_over_and_keeps_its_turn() -> None:
    line: Line[Caller] = Line()
    join(line, "site/loop", "site/ada", "site/loop")
    caller = line.pop(lambda caller: caller.party.who != "loop")
    assert caller is not None
    assert caller.party.who == "ada"
    assert line.pop(lambda caller: caller.party.who != "loop") is None
    assert order(line) == ["site/loop", "site/loop"]


def test_caller_put_ahead_is_the_next() -> None:
    line: Line[Caller] = Line()
    join(line, "site/ada", "site/bob")
    caller = Caller(Party("site", "eve"))
    line.put_ahead(caller)
    assert len(line) == 3
    assert line.pop() is caller


@pytest.mark.parametrize("is_ahead", [False, True])
def test_caller_who_leaves_gets_no_turn(is_ahead: bool) -> None:
    line: Line[Caller] = Line()
    [caller, *_] = join(line, "site/ada", "site/ada", "site/bob")
    if is_ahead:
        line.put_ahead(caller := Caller(Party("site", "eve")))
    line.discard(caller)
    assert len(line) == (3 if is_ahead else 2)
    assert caller not in [line.pop() for _ in range(len(line))]


@pytest.mark.parametrize("party", ["site/ada", "site/bob", "other/ada"])
def test_caller_who_is_not_in_line_cannot_leave_it(party: str) -> None:
    line: Line[Caller] = Line()
    join(line, "site/ada")
    line.discard(Caller(Party(*party.split("/"))))
    assert len(line) == 1
    assert order(line) == ["site/ada"]


def test_line_keeps_nothing_of_callers_who_have_left() -> None:
    line: Line[Caller] = Line()
    callers = join(line, *[f"{random.randrange(5)}/{random.randrange(20)}" for _ in range(1000)])
    random.shuffle(callers)
    for caller in callers:
        line.discard(caller)
    assert len(line) == 0
    assert pickle.dumps(line) == pickle.dumps(Line())  # the memory of a service that runs for months


@pytest.mark.parametrize("length", [10, 10_000])
def test_turns_cost_the_same_however_long_the_line_is(length: int) -> None:
    """Counted in lookups of callers, not in time: each change may look at a few, however many there are."""
    line: Line[Caller] = Line()
    join(line, *[f"site/{number}" for number in range(length)])
    looked_at = 0

    class Watched(Caller):
        def __hash__(self) -> int:
            nonlocal looked_at
            looked_at += 1
            return id(self)

    line.append(caller := Watched(Party("site", "0")))
    line.discard(caller)
    line.pop()
    assert looked_at <= 10
