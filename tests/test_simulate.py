"""The simulator of docs/capacity.md: facts that hold on every machine."""

from dataclasses import replace

import pytest

from benchmarks.results import p95
from benchmarks.simulate import PERFORMANCE, PROGRAMS, lesson, predict, seconds_of
from benchmarks.simulation import Costs, Program, Site, simulate
from codeexec.capacity import Capacity

SERVER = Site(Capacity.of(2, 4 * 2**30))
COMPUTING = Program("computes", 0.05)


def p95_of(site: Site, pupils: int, program: Program = COMPUTING) -> float:
    return p95(seconds_of(simulate(site, [(0.0, program)] * pupils)))


def test_each_press_ends_once_and_in_order() -> None:
    presses = lesson(200, 3)
    ended = simulate(SERVER, presses)
    assert [press.program for press in ended] == [program for _, program in presses]
    assert len(seconds_of(ended)) + sum(press.seconds is None for press in ended) == 200
    assert simulate(SERVER, presses) == ended  # nothing is left to chance


def test_nobody_is_answered_before_the_program_could_end() -> None:
    costs = SERVER.costs
    for name, program in PROGRAMS.items():
        least = costs.web + costs.around + program.cpu_seconds + program.sleep_seconds
        [alone] = seconds_of(simulate(SERVER, [(0.0, program)]))
        assert alone >= least - 1e-6, name
    [throttled] = seconds_of(simulate(SERVER, [(0.0, Program("long", 1.0))]))
    assert throttled > 3.6  # a quarter of a processor: nine pauses of 0.3 s


def test_waits_rise_with_pupils_and_fall_with_workers() -> None:
    assert p95_of(SERVER, 20) < p95_of(SERVER, 60) < p95_of(SERVER, 180)
    of_workers = [p95_of(replace(SERVER, workers=number, webs=4), 180) for number in (1, 2, 4)]
    assert of_workers[0] > of_workers[1] > of_workers[2]


def test_reuse_answers_sooner_than_a_container_for_each() -> None:
    assert p95_of(SERVER, 60) < p95_of(replace(SERVER, reuses=False), 60) / 2


@pytest.mark.parametrize("processors", [1, 2, 4])
def test_a_saturated_server_answers_as_many_as_its_processors_allow(processors: int) -> None:
    server = Site(Capacity.of(processors, 8 * 2**30), costs=Costs(web=0.001, around=0.02))
    pupils = 60 * processors
    last = max(seconds_of(simulate(server, [(0.0, PROGRAMS["hello"])] * pupils)))
    least = pupils * (0.021 + PROGRAMS["hello"].cpu_seconds) / processors
    assert least - 1e-6 <= last < 1.4 * least  # some launches come on top


def test_one_web_process_is_the_bound_of_many_workers() -> None:
    """Its threads take turns, however many processors there are."""
    site = replace(SERVER, workers=8, webs=1)
    last = max(seconds_of(simulate(site, [(0.0, PROGRAMS["hello"])] * 200)))
    assert last >= 200 * site.costs.web - 1e-6
    more = max(seconds_of(simulate(replace(site, webs=4), [(0.0, PROGRAMS["hello"])] * 200)))
    assert more < last


def test_full_line_or_long_wait_gets_no_answer() -> None:
    small = Site(replace(Capacity.of(1, 2**30), queue_length=10))
    ended = simulate(small, [(0.0, PROGRAMS["that sleep 1 s"])] * 40)
    assert 10 <= len(seconds_of(ended)) < 30
    patient = Site(Capacity.of(1, 2**28))
    ended = simulate(patient, [(0.0, Program("sleeps", 0.001, sleep_seconds=4))] * 30)
    assert 0 < len(seconds_of(ended)) < 30
    assert max(seconds_of(ended)) < 10 + 4 + 4  # nobody waits longer than ten seconds for a container


def test_all_measured_bursts_are_predicted() -> None:
    predictions = list(predict(PERFORMANCE.read_text()))
    assert len(predictions) == 12
    assert all(each.predicted > 0 and each.measured > 0 for each in predictions)
