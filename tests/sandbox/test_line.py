"""The line of callers who wait for a container."""

import random

import pytest

from executions.sandbox.line import Line, Ticket
from executions.sandbox.results import Party


def join(line: Line, *parties: str) -> list[Ticket]:
    """Let a caller of each party, such as "key/learner" or "key/address/claimed learner", join the line."""
    tickets = [Ticket(Party(*party.split("/"))) for party in parties]
    for ticket in tickets:
        line.append(ticket)
    return tickets


def order(line: Line) -> list[str]:
    """Empty the line; return the parties in the order in which their turns come."""
    return ["/".join(filter(None, ticket.party)) for ticket in iter(line.pop, None)]


def test_callers_of_one_learner_stay_in_order() -> None:
    line = Line()
    tickets = join(line, *["site/ada"] * 5)
    assert [line.pop() for _ in range(5)] == tickets
    assert len(line) == 0


@pytest.mark.wall("turns")
def test_one_learners_loop_never_delays_anothers_first_request() -> None:
    line = Line()
    join(line, *["site/loop"] * 100, "site/ada")
    assert order(line)[:3] == ["site/loop", "site/ada", "site/loop"]


def test_learner_who_joins_after_many_turns_waits_for_one_turn_of_each_other() -> None:
    line = Line()
    join(line, *["site/loop"] * 10)
    for _ in range(5):
        line.pop()
    join(line, "site/ada", "site/bob")
    assert order(line)[:3] == ["site/loop", "site/ada", "site/bob"]


def test_key_with_many_learners_gets_no_more_turns_than_a_key_with_one() -> None:
    line = Line()
    join(line, *[f"big/{number}" for number in range(50)], "small/a", "small/b")
    assert order(line)[:4] == ["big/0", "small/a", "big/1", "small/b"]


def test_learners_of_the_same_name_under_two_keys_are_two() -> None:
    line = Line()
    join(line, "one/ada", "one/ada", "two/ada")
    assert order(line) == ["one/ada", "two/ada", "one/ada"]


def test_claimed_learners_share_the_turns_of_their_address() -> None:
    """A page can claim to be another learner each time: that gains nothing. It also delays no classmate's first."""
    line = Line()
    join(line, *[f"site/school/{number}" for number in range(50)], "site/home/0", "site/school/0", "site/school/new")
    turns = order(line)
    assert turns.index("site/home/0") == 1
    assert turns.index("site/school/new") < len(turns) - 1


def test_one_pupils_loop_does_not_delay_a_classmate_at_the_same_address() -> None:
    line = Line()
    join(line, *["site/school/loop"] * 100, "site/school/ada")
    assert order(line)[:2] == ["site/school/loop", "site/school/ada"]


def test_caller_who_may_not_start_is_passed_over_and_keeps_its_turn() -> None:
    line = Line()
    join(line, "site/loop", "site/ada", "site/loop")
    ticket = line.pop(lambda party: party.who != "loop")
    assert ticket is not None
    assert ticket.party.who == "ada"
    assert line.pop(lambda party: party.who != "loop") is None
    assert order(line) == ["site/loop", "site/loop"]


def test_caller_put_ahead_is_the_next() -> None:
    line = Line()
    join(line, "site/ada", "site/bob")
    ticket = Ticket(Party("site", "eve"))
    line.put_ahead(ticket)
    assert len(line) == 3
    assert line.pop() is ticket


@pytest.mark.parametrize("is_ahead", [False, True])
def test_caller_who_leaves_gets_no_turn(is_ahead: bool) -> None:
    line = Line()
    [ticket, *_] = join(line, "site/ada", "site/ada", "site/bob")
    if is_ahead:
        line.put_ahead(ticket := Ticket(Party("site", "eve")))
    ticket.leave()
    assert len(line) == (3 if is_ahead else 2)
    assert ticket not in [line.pop() for _ in range(len(line))]


def test_line_keeps_nothing_of_callers_who_have_left() -> None:
    line = Line()
    tickets = join(line, *[f"{random.randrange(5)}/{random.randrange(20)}" for _ in range(1000)])
    random.shuffle(tickets)
    for ticket in tickets:
        ticket.leave()
    assert len(line) == 0
    assert not line._turns  # the memory of a service that runs for months


@pytest.mark.parametrize("length", [10, 10_000])
def test_turns_cost_the_same_however_long_the_line_is(length: int) -> None:
    """Counted in lookups of tickets, not in time: each change may look at a few, however many there are."""
    line = Line()
    join(line, *[f"site/{number}" for number in range(length)])
    looked_at = 0

    class Watched(Ticket):
        def __hash__(self) -> int:
            nonlocal looked_at
            looked_at += 1
            return id(self)

    line.append(ticket := Watched(Party("site", "0")))
    ticket.leave()
    line.pop()
    assert looked_at <= 10
