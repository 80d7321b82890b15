"""The pool, with fake containers that can only wait and be closed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import EngineError
from executions.sandbox.pool import Pool
from executions.sandbox.profiles import Profile
from executions.sandbox.results import CallerGone, Party, SandboxBusy, SandboxUnavailable
from executions.sandbox.settings import Reuse, SandboxSettings
from executions.sandbox.spare_cpu import WINDOW_SECONDS, SpareCpu, read_cpu_times
from executions.sandbox.stock import Stock
from executions.sandbox.timing import DEFAULT_TIMING, Timing
from tests.waiting import eventually


class FakeContainer(Container):
    """A container that waits until it is closed or told to die."""

    def __init__(self) -> None:
        self.closed = False
        self.dead = False
        self.submissions = 0
        self.launched_at = time.monotonic()
        self.ran_cleanly = True
        self.is_clean = True
        self.checks = 0

    def is_waiting(self) -> bool:
        return not self.dead and not self.closed

    def close(self) -> None:
        self.closed = True

    @property
    def is_closed(self) -> bool:
        return self.closed

    def begin(self) -> None:
        self.submissions += 1

    def check_clean(self, seconds: float = 1.0) -> bool:
        self.checks += 1
        return self.is_clean


class Factory:
    """Launches fake containers, remembers them, and fails on demand."""

    def __init__(self) -> None:
        self.made: list[FakeContainer] = []
        self.failing = False
        self.failure: Exception = EngineError("no engine")
        self.failing_profiles: set[Profile] = set()
        self.seconds = 0.0

    def __call__(self, profile: Profile) -> Container:
        time.sleep(self.seconds)
        if self.failing or profile in self.failing_profiles:
            raise self.failure
        self.made.append(FakeContainer())
        self.made[-1].profile = profile
        return self.made[-1]


@pytest.fixture
def factory() -> Factory:
    return Factory()


wall = pytest.mark.wall
MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool(factory: Factory) -> Iterator[MakePool]:
    pools = []

    def make(timing: Timing = DEFAULT_TIMING, **settings: Any) -> Pool:
        defaults = {"pool_size": 2, "max_concurrent": 2, "queue_length": 2, "queue_seconds": 0.3, "refill_threads": 2}
        pool = Pool(factory, SandboxSettings(**{**defaults, **settings}), timing, Processors())
        pool.start()
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close(drain_seconds=0)


def test_pool_fills_to_its_size_and_no_further(make_pool: MakePool, factory: Factory) -> None:
    pool = make_pool(pool_size=3)
    assert eventually(lambda: pool.idle == 3)
    time.sleep(0.05)
    assert len(factory.made) == 3


def test_each_container_is_given_once_and_closed(make_pool: MakePool, factory: Factory) -> None:
    pool = make_pool()
    seen = []
    for _ in range(5):
        with pool.container() as container:
            seen.append(container)
            assert not factory.made[factory.made.index(container)].closed  # type: ignore[arg-type]
    assert len(set(map(id, seen))) == 5
    assert all(container.closed for container in seen)  # type: ignore[attr-defined]
    assert eventually(lambda: pool.idle == 2)
    assert pool.in_use == 0


def test_slot_is_returned_when_the_caller_fails(make_pool: MakePool) -> None:
    pool = make_pool(max_concurrent=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), pool.container():
            raise ZeroDivisionError
    assert pool.in_use == 0


def test_containers_in_use_are_bounded(make_pool: MakePool) -> None:
    pool = make_pool(pool_size=4, max_concurrent=2, queue_seconds=0.05)
    assert eventually(lambda: pool.idle == 4)
    with pool.container(), pool.container():
        with pytest.raises(SandboxBusy, match="in time"), pool.container():
            pass
        assert pool.in_use == 2
    with pool.container():
        pass


def test_full_line_refuses_at_once(make_pool: MakePool) -> None:
    pool = make_pool(max_concurrent=1, queue_length=1, queue_seconds=5)

    def wait_in_line() -> None:
        with pool.container():
            pass

    with pool.container():
        waiter = threading.Thread(target=wait_in_line)
        waiter.start()
        assert eventually(lambda: pool.waiting == 1)
        started = time.monotonic()
        with pytest.raises(SandboxBusy, match="full"), pool.container():
            pass
        assert time.monotonic() - started < 1
    waiter.join()
    assert pool.waiting == 0


def test_how_long_the_line_takes_is_known_from_its_pace(make_pool: MakePool) -> None:
    pool = make_pool(max_concurrent=1, queue_length=10, queue_seconds=20)

    def take() -> None:
        with pool.container():
            time.sleep(0.2)

    threads = [threading.Thread(target=take) for _ in range(6)]
    assert pool.line_seconds() == 0
    with pool.container():
        for thread in threads:
            thread.start()
        assert eventually(lambda: pool.waiting == 6)
        assert eventually(lambda: pool.line_seconds() == 20, 10)  # nothing moves, for seconds
        assert eventually(lambda: pool.waiting == 6)
    assert eventually(lambda: pool.waiting == 3)
    seconds = pool.line_seconds()
    assert 3 * 0.2 <= seconds < 20
    for thread in threads:
        thread.join()
    assert pool.line_seconds() == 0


def test_callers_are_served_in_order(make_pool: MakePool) -> None:
    pool = make_pool(max_concurrent=1, queue_length=10, queue_seconds=5)
    order = []

    def take(number: int) -> None:
        with pool.container():
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with pool.container():
        for number, thread in enumerate(threads):
            thread.start()
            assert eventually(lambda: pool.waiting == number + 1)  # noqa: B023
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_long_line_is_served_side_by_side(make_pool: MakePool, factory: Factory) -> None:
    """With one warm container and four callers, four containers are launched at once."""
    factory.seconds = 0.2
    pool = make_pool(pool_size=1, max_concurrent=4, queue_length=10, queue_seconds=5, refill_threads=4)
    assert eventually(lambda: pool.idle == 1)
    barrier = threading.Barrier(5)

    def take() -> None:
        with pool.container():
            barrier.wait(timeout=20)  # passes only when all four have one

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    barrier.wait(timeout=20)
    for thread in threads:
        thread.join()


def test_callers_that_gave_up_leave_no_surplus_containers(make_pool: MakePool, factory: Factory) -> None:
    factory.seconds = 0.3
    pool = make_pool(pool_size=1, max_concurrent=4, queue_length=10, queue_seconds=0.1, refill_threads=4)

    def give_up() -> None:
        with pytest.raises(SandboxBusy), pool.container():
            pass

    threads = [threading.Thread(target=give_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert eventually(lambda: len(factory.made) == 4)
    assert eventually(lambda: sum(not container.closed for container in factory.made) == 1)
    assert pool.idle == 1


def test_dead_container_is_replaced(make_pool: MakePool, factory: Factory) -> None:
    pool = make_pool()
    assert eventually(lambda: pool.idle == 2)
    factory.made[0].dead = True
    pool.discard_dead()
    assert factory.made[0].closed
    assert eventually(lambda: pool.idle == 2)


def test_dead_container_is_never_given(make_pool: MakePool, factory: Factory) -> None:
    pool = make_pool()
    assert eventually(lambda: pool.idle == 2)
    for container in factory.made:
        container.dead = True
    with pool.container() as given:
        assert given.is_waiting()


@pytest.mark.parametrize("failure", [EngineError("no engine"), RuntimeError("can't start new thread")], ids=repr)
def test_callers_are_refused_at_once_while_launches_fail(
    make_pool: MakePool, factory: Factory, failure: Exception
) -> None:
    factory.failing, factory.failure = True, failure
    pool = make_pool(queue_seconds=30)
    assert eventually(lambda: pool.is_failing)
    started = time.monotonic()
    with pytest.raises(SandboxUnavailable), pool.container():
        pass
    assert time.monotonic() - started < 1
    factory.failing = False
    assert eventually(lambda: pool.idle == 2)
    with pool.container():
        pass


def test_forgotten_failures_let_launches_be_tried_at_once(make_pool: MakePool, factory: Factory) -> None:
    factory.failing = True
    pool = make_pool(Timing(relaunch_seconds=(0.01, 0.01, 3600.0)))
    assert eventually(lambda: pool.is_failing)
    factory.failing = False
    pool.forget_failures()
    assert not pool.is_failing
    assert eventually(lambda: pool.idle == 2)


def test_unexpected_error_is_logged_before_the_pause(
    make_pool: MakePool, factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    factory.failing, factory.failure = True, RuntimeError("can't start new thread")
    make_pool(Timing(relaunch_seconds=(3600.0,)))
    assert eventually(lambda: "can't start new thread" in caplog.text)


def test_caller_gets_a_container_of_the_wanted_profile(make_pool: MakePool) -> None:
    pool = make_pool(science_pool_size=1)
    assert eventually(lambda: pool.idle == 3)
    for profile in (Profile.SCIENCE, Profile.PLAIN, Profile.SCIENCE, Profile.SCIENCE):
        with pool.container(profile) as container:
            assert container.profile is profile


def test_bound_on_containers_in_use_is_for_all_profiles_together(make_pool: MakePool) -> None:
    pool = make_pool(science_pool_size=2, max_concurrent=2, queue_seconds=0.05)
    assert eventually(lambda: pool.idle == 4)
    with pool.container(), pool.container(Profile.SCIENCE), pytest.raises(SandboxBusy), pool.container():
        pass


def test_caller_waits_behind_no_caller_for_another_profile(make_pool: MakePool, factory: Factory) -> None:
    factory.failing_profiles = {Profile.SCIENCE}
    pool = make_pool(Timing(failures_to_give_up=1000), science_pool_size=1, queue_seconds=20)
    assert eventually(lambda: pool.idle == 2)
    given: list[Profile] = []

    def take_science() -> None:
        with pool.container(Profile.SCIENCE) as container:
            given.append(container.profile)

    waiter = threading.Thread(target=take_science)
    waiter.start()
    assert eventually(lambda: pool.waiting == 1)
    for _ in range(3):
        with pool.container() as container:
            assert container.profile is Profile.PLAIN
    assert pool.waiting == 1
    factory.failing_profiles.clear()
    waiter.join(timeout=10)
    assert given == [Profile.SCIENCE]


def test_plain_container_serves_if_none_of_the_profile_are_kept(make_pool: MakePool) -> None:
    pool = make_pool(science_pool_size=0)
    with pool.container(Profile.SCIENCE) as container:
        assert container.profile is Profile.PLAIN


def test_plain_container_serves_if_none_of_the_profile_can_be_launched(make_pool: MakePool, factory: Factory) -> None:
    factory.failing_profiles = {Profile.SCIENCE}
    pool = make_pool(science_pool_size=1, queue_seconds=20)
    with pool.container(Profile.SCIENCE) as container:  # after three launches have failed
        assert container.profile is Profile.PLAIN
    assert not pool.is_failing


def test_close_closes_all_containers_and_refuses_callers(make_pool: MakePool, factory: Factory) -> None:
    pool = make_pool()
    assert eventually(lambda: pool.idle == 2)
    pool.close(drain_seconds=1)
    assert all(container.closed for container in factory.made)
    with pytest.raises(SandboxUnavailable, match="shutting down"), pool.container():
        pass


def test_close_waits_for_containers_in_use(make_pool: MakePool) -> None:
    pool = make_pool()
    done = threading.Event()
    taken = threading.Event()

    def work() -> None:
        with pool.container():
            taken.set()
            time.sleep(0.3)
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    taken.wait()
    pool.close(drain_seconds=5)
    assert done.is_set()
    thread.join()


def test_close_waits_no_longer_than_its_drain_time(make_pool: MakePool) -> None:
    pool = make_pool()
    with ExitStack() as stack:
        stack.enter_context(pool.container())
        started = time.monotonic()
        pool.close(drain_seconds=0.2)
        assert time.monotonic() - started < 3


# Reuse


NEVER_STALLED = Timing(stall_seconds=3600, long_stall_seconds=3600)


@pytest.fixture
def make_pressed_pool(make_pool: MakePool, factory: Factory) -> MakePool:
    """Make a pool whose only warm container has been taken, so that callers find none."""

    def make(timing: Timing = NEVER_STALLED, **settings: Any) -> Pool:
        defaults = {"pool_size": 1, "max_concurrent": 8, "queue_length": 50, "queue_seconds": 10}
        pool = make_pool(timing, **{"reuse": Reuse.PRESSURE, **defaults, **settings})
        assert eventually(lambda: pool.idle >= 1)
        return pool

    return make


def take_together(pool: Pool, callers: int, seconds: float = 0.0) -> list[Container]:
    """Let so many callers take a container at once; return those that they got."""
    given: list[Container] = []

    def take() -> None:
        with pool.container() as container:
            given.append(container)
            time.sleep(seconds)

    threads = [threading.Thread(target=take) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_line_is_served_by_a_container_that_has_proved_itself(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool()
    given = take_together(pool, 10)
    assert len(given) == 10
    assert len(set(map(id, given))) < 10
    for container in factory.made:
        assert container.checks == max(0, container.submissions - 1)


def test_container_is_not_reused_without_need(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(pool_size=2)
    for _ in range(5):
        assert eventually(lambda: pool.idle == 2)
        with pool.container():
            pass
    assert {container.submissions for container in factory.made} == {0, 1}
    assert sum(container.closed for container in factory.made) == 5


def test_fresh_container_is_preferred_to_a_used_one(factory: Factory) -> None:
    stock = Stock(1, DEFAULT_TIMING)
    used, fresh = factory(Profile.PLAIN), factory(Profile.PLAIN)
    stock.used.append(used)
    stock.fresh.append(fresh)
    assert [stock.take(), stock.take(), stock.take()] == [fresh, used, None]


def test_never_reusing_destroys_each_container(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(reuse=Reuse.NEVER)
    given = take_together(pool, 10)
    assert len(set(map(id, given))) == 10
    assert all(container.closed for container in given)  # type: ignore[attr-defined]


@wall("proof_of_newness")
def test_container_that_fails_the_check_is_destroyed_and_its_caller_gets_another(
    make_pressed_pool: MakePool, factory: Factory
) -> None:
    pool = make_pressed_pool(Timing(long_stall_seconds=0.01, look_seconds=0.01))
    factory.made[0].is_clean = False
    factory.seconds = 0.3
    given = take_together(pool, 3, seconds=0.05)
    assert len(given) == 3
    assert factory.made[0].submissions == 1
    assert factory.made[0].closed
    assert pool.in_use == 0


@wall("clean_end")
def test_container_with_a_stain_is_destroyed_at_once(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(Timing(long_stall_seconds=0.01, look_seconds=0.01))
    factory.made[0].ran_cleanly = False
    factory.seconds = 0.3
    take_together(pool, 3, seconds=0.05)
    assert factory.made[0].submissions == 1
    assert factory.made[0].checks == 0
    assert factory.made[0].closed


def test_container_serves_no_more_submissions_than_the_setting(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(Timing(long_stall_seconds=0.01, look_seconds=0.01), reuse_runs=3)
    factory.seconds = 0.05
    take_together(pool, 20)
    assert max(container.submissions for container in factory.made) == 3


def test_old_container_serves_no_other_submission(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(Timing(long_stall_seconds=0.01, look_seconds=0.01, retire_seconds=600))
    factory.made[0].launched_at -= 601
    factory.seconds = 0.3
    take_together(pool, 3, seconds=0.05)
    assert factory.made[0].submissions == 1


def test_container_that_has_grown_old_in_stock_serves_no_other_submission(
    make_pressed_pool: MakePool, factory: Factory
) -> None:
    pool = make_pressed_pool(reuse=Reuse.ALWAYS)
    with pool.container() as first:
        pass
    with pool.container() as again:
        assert again is first
    first.launched_at -= 601
    with pool.container() as other:
        assert other is not first
    assert first.is_closed


def test_container_from_before_the_probes_serves_no_other_submission(
    make_pressed_pool: MakePool, factory: Factory
) -> None:
    pool = make_pressed_pool(reuse=Reuse.ALWAYS)
    with pool.container() as container:
        pool.discard_idle()
    assert container.is_closed
    with pool.container() as other:
        assert other is not container


def test_no_container_is_launched_while_used_ones_serve_the_line(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(Timing(stall_seconds=3600, long_stall_seconds=3600, refill_delay_seconds=3600))
    factory.seconds = 0.5
    take_together(pool, 40, seconds=0.01)
    launched = len(factory.made)
    assert launched <= 3  # the first, and those wanted before the first was given back
    assert sum(container.submissions for container in factory.made) == 40


@pytest.mark.parametrize("reuse", [Reuse.PRESSURE, Reuse.ALWAYS])
def test_containers_are_launched_for_a_line_that_does_not_move(make_pressed_pool: MakePool, reuse: Reuse) -> None:
    pool = make_pressed_pool(Timing(long_stall_seconds=0.02, look_seconds=0.01, check_seconds=0.05), reuse=reuse)
    started = time.monotonic()
    assert len(take_together(pool, 5, seconds=1)) == 5
    assert time.monotonic() - started < 4  # and not five times one second


def test_stock_is_fresh_again_after_the_pressure(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(Timing(pressure_seconds=0.05, look_seconds=0.01, refill_delay_seconds=0.01), pool_size=2)
    take_together(pool, 20)
    assert eventually(lambda: sum(not each.submissions and not each.closed for each in factory.made) == 2)

    def are_used_closed() -> bool:
        pool.discard_dead()  # as the keeper does each second
        return all(container.closed for container in factory.made if container.submissions)

    assert eventually(are_used_closed)
    assert pool.idle == 2


def test_always_reusing_needs_no_pressure(make_pressed_pool: MakePool, factory: Factory) -> None:
    pool = make_pressed_pool(reuse=Reuse.ALWAYS, pool_size=1)
    for _ in range(10):
        with pool.container():
            pass
    assert max(container.submissions for container in factory.made) >= 5


def test_caller_who_has_left_gives_back_a_container_that_nothing_ran_in(
    make_pressed_pool: MakePool, factory: Factory
) -> None:
    pool = make_pressed_pool()
    with pytest.raises(CallerGone), pool.container(may_begin=lambda: False):
        pass
    assert pool.in_use == 0
    with pool.container() as container:
        assert container is factory.made[0]
        assert container.submissions == 1


def test_fresh_container_comes_not_back_once_all_were_discarded(make_pool: MakePool, factory: Factory) -> None:
    """Its caller has left without running anything in it."""
    pool = make_pool(pool_size=1)

    def leave() -> bool:
        pool.discard_idle()
        return False

    assert eventually(lambda: pool.idle == 1)
    with pytest.raises(CallerGone), pool.container(may_begin=leave):
        pass
    assert factory.made[0].closed


# Slots


class Processors(SpareCpu):
    """Processors of which a share is idle."""

    def __init__(self) -> None:
        self.idle_share = 0.0

    def share(self) -> float:
        return self.idle_share


def test_more_programs_run_at_once_only_while_processors_are_idle(factory: Factory) -> None:
    processors = Processors()
    settings = SandboxSettings(
        pool_size=4, max_concurrent=4, busy_concurrent=2, queue_length=4, queue_seconds=10, refill_threads=2
    )
    pool = Pool(factory, settings, Timing(look_seconds=0.01), processors)
    pool.start()
    assert eventually(lambda: pool.idle == 4)
    go_on = threading.Event()

    def take() -> None:
        with pool.container():
            go_on.wait()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: pool.waiting == 2)
    assert pool.in_use == 2
    processors.idle_share = 0.9
    assert eventually(lambda: pool.in_use == 4)
    go_on.set()
    for thread in threads:
        thread.join()
    pool.close(drain_seconds=1)


@pytest.mark.parametrize("reuse", [Reuse.PRESSURE, Reuse.NEVER])
def test_programs_on_busy_processors_come_before_the_stock(factory: Factory, reuse: Reuse) -> None:
    """Launches slowed the callers down so much that fresh containers always sufficed, and none was used again."""
    processors = Processors()
    settings = SandboxSettings(pool_size=3, max_concurrent=3, queue_seconds=10, refill_threads=2, reuse=reuse)
    pool = Pool(factory, settings, Timing(look_seconds=0.01, refill_delay_seconds=0.01), processors)
    pool.start()
    assert eventually(lambda: pool.idle == 3)
    with pool.container():
        if reuse is Reuse.PRESSURE:
            time.sleep(0.2)
            assert len(factory.made) == 3
            processors.idle_share = 0.9
        assert eventually(lambda: len(factory.made) == 4)
        processors.idle_share = 0.0
    with pool.container():
        pass
    assert eventually(lambda: pool.idle == 3)  # nothing runs
    pool.close(drain_seconds=1)


@pytest.mark.wall("slot_reserve")
@pytest.mark.parametrize(("slots", "most"), [(3, 2), (4, 3), (7, 6), (9, 7), (12, 9)])
def test_last_quarter_of_the_slots_is_for_callers_that_have_none(factory: Factory, slots: int, most: int) -> None:
    """One address whose programs run for long does not keep all others out, also on a small machine."""
    settings = SandboxSettings(
        pool_size=slots, max_concurrent=slots, queue_length=50, queue_seconds=10, refill_threads=2
    )
    pool = Pool(factory, settings, Timing(look_seconds=0.01), Processors())
    pool.start()
    assert eventually(lambda: pool.idle == slots)
    go_on = threading.Event()

    def run_long(claimed: str) -> None:
        with pool.container(party=Party("site", "address:attacker", claimed)):
            go_on.wait()

    threads = [threading.Thread(target=run_long, args=(str(number),), daemon=True) for number in range(20)]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: pool.waiting == 20 - most)
        assert pool.in_use == most
        for number in range(20):
            with pool.container(party=Party("site", f"address:{number}")):
                assert pool.in_use == most + 1
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
    assert pool.in_use == 0
    pool.close(drain_seconds=1)


def test_programs_of_one_caller_that_sleep_are_not_kept_to_the_number_for_busy_processors(factory: Factory) -> None:
    """A class behind one address, whose programs leave the processors idle."""
    processors = Processors()
    settings = SandboxSettings(
        pool_size=16, max_concurrent=16, busy_concurrent=12, queue_length=16, queue_seconds=10, refill_threads=2
    )
    pool = Pool(factory, settings, Timing(look_seconds=0.01), processors)
    pool.start()
    assert eventually(lambda: pool.idle == 16)
    go_on = threading.Event()

    def sleep() -> None:
        with pool.container(party=Party("site", "address:school")):
            go_on.wait()

    threads = [threading.Thread(target=sleep, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: pool.waiting == 7)
    assert pool.in_use == 9  # of 12, a quarter is for others
    processors.idle_share = 0.9
    assert eventually(lambda: pool.in_use == 12)  # of 16
    go_on.set()
    for thread in threads:
        thread.join()
    pool.close(drain_seconds=1)


def test_spare_cpu_is_the_idle_share_of_the_last_moment() -> None:
    times = iter([(100.0, 1000.0), (140.0, 1100.0)])
    spare = SpareCpu(lambda: next(times))
    assert spare.share() == 0.0  # nothing to compare with
    time.sleep(WINDOW_SECONDS)
    assert spare.share() == pytest.approx(0.4)
    assert spare.share() == pytest.approx(0.4)  # without reading again


def test_cpu_times_of_this_machine_grow() -> None:
    idle, total = read_cpu_times()
    assert 0 < idle < total
    assert eventually(lambda: read_cpu_times()[1] > total)
