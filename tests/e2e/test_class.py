"""A class behind one address presses Run: everybody is answered, with the output of their own program.

All settings are the defaults, and the rates are those of a new key. Because machines differ, no test bounds a time:
ways to run the same programs are compared side by side.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.lesson import HELLO, PUPILS, WORD, Pressed, Pupil, hold, new_word, press, proven, shipped
from benchmarks.services import NO_SCIENCE, StockedService
from codeexec.capacity import Capacity
from executions.sandbox.engine.options import NAME_PREFIX
from tests.e2e.event_source import EventSource
from tests.service import Service

pytestmark = [
    pytest.mark.docker,
    pytest.mark.alone,  # other tests would take the memory and the processors that the defaults count on
    pytest.mark.timeout(480),
]

LESSON_SECONDS = 20
PRESSES = 4
TURNS = 2
SLEEPER = "import time\ntime.sleep(1)\nprint('{word}')"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.show()\nprint('{word}')"
GREETING = "name = input('Who? ')\nprint('Hello', name, '{word}')"


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockedService]:
    places = str(Capacity.of_this_machine().max_interactive)  # the default, for the test to know
    with shipped(tmp_path_factory.mktemp("class") / "service", SANDBOX_MAX_INTERACTIVE=places) as service:
        yield service


@pytest.fixture
def service(shared_service: StockedService) -> StockedService:
    """Return the service with its stock full again. Each test has a key of its own, with rates that nobody has used."""
    shared_service.settle()
    return shared_service


def claimed(service: Service, count: int = PUPILS) -> list[Pupil]:
    """Return pupils whose pages hold the site's publishable key and only claim to be somebody."""
    return [Pupil(service.api_key, f"pupil-{number}") for number in range(count)]


def press_together(service: Service, pupils: list[Pupil], program: str) -> list[Pressed]:
    with ThreadPoolExecutor(len(pupils)) as clients:
        return list(clients.map(lambda pupil: press(service, pupil, program), pupils))


def assert_all_answered(pressed: list[Pressed]) -> None:
    refused = [each.response.text[:200] for each in pressed if not each.is_answered()]
    assert refused == []


def assert_records_are_apart(service: Service) -> None:
    """Each record, of this test and of those before, holds the output of its own program, and no two share a container
    and a number."""
    columns = "code, coalesce(output, '') || error, container, submission_number"
    rows = service.query(f"SELECT {columns} FROM executions_execution WHERE status IN ('success', 'timeout')")
    places = Counter((container, number) for _, _, container, number in rows)
    assert rows
    for code, printed, container, number in rows:
        assert set(WORD.findall(printed)) <= set(WORD.findall(code))
        assert container.startswith(NAME_PREFIX)
        assert number >= 1
        assert places[container, number] == 1
        assert all(places[container, earlier] <= 1 for earlier in range(1, number))


@pytest.mark.parametrize("pupils_of", [proven, claimed])
def test_a_hundred_at_once_from_one_address_are_all_answered(
    service: Service, pupils_of: Callable[[Service, int], list[Pupil]]
) -> None:
    [(count,)] = service.query("SELECT count(*) FROM executions_execution")
    assert_all_answered(press_together(service, pupils_of(service, 100), HELLO))
    assert_records_are_apart(service)
    [(most,)] = service.query(f"SELECT max(submission_number) FROM executions_execution WHERE id > {count}")
    assert most > 1  # else nothing is known of containers that serve again


def test_thirty_programs_that_sleep_are_all_answered(service: Service) -> None:
    assert_all_answered(press_together(service, proven(service), SLEEPER))
    assert_records_are_apart(service)


def test_thirty_plots_are_all_answered(service: Service) -> None:
    pressed = press_together(service, proven(service), PLOT)
    assert_all_answered(pressed)
    assert [len(each.response.json()["images"]) for each in pressed] == [1] * PUPILS
    assert_records_are_apart(service)


def test_thirty_pupils_with_input_all_play_at_once(service: Service) -> None:
    """Or as many as the machine has memory for."""
    places = int(service.environment["SANDBOX_MAX_INTERACTIVE"])
    with contextlib.ExitStack() as stack:
        pupils = proven(service, min(PUPILS, places))
        words = [new_word() for _ in pupils]

        def begin(pupil: Pupil, word: str) -> EventSource:
            return EventSource(service, GREETING.format(word=word), key=pupil.key, interactive=True)

        with ThreadPoolExecutor(len(pupils)) as clients:
            games = [stack.enter_context(game) for game in clients.map(begin, pupils, words)]
        assert [game.printed_until("input") for game in games] == ["Who? "] * len(games)
        assert [game.answer("Ada") for game in games] == [204] * len(games)
        for game, word in zip(games, words, strict=True):
            assert game.until("result").data["output"] == f"Who? Hello Ada {word}\n"
        assert_records_are_apart(service)


def test_a_loop_and_a_flood_in_a_class_refuse_nobody_else(service: Service) -> None:
    """One pupil's program never ends, another sends request after request; the others press Run now and then."""
    lesson = hold(service, LESSON_SECONDS, PRESSES)
    assert_all_answered(lesson.learned)
    assert lesson.loops[200] > 0
    assert lesson.floods.keys() <= {200, 429, 503}
    assert_records_are_apart(service)


def test_a_class_is_served_sooner_if_containers_serve_again(service: StockedService, tmp_path: Path) -> None:
    """Compare with containers that serve once, in turns."""
    with shipped(tmp_path, SANDBOX_REUSE="never", **NO_SCIENCE) as other:
        ways = {"pressure": service, "never": other}
        seconds = dict.fromkeys(ways, 0.0)
        pupils = {reuse: proven(service) for reuse, service in ways.items()}
        for _ in range(TURNS):
            for reuse, service in ways.items():
                service.settle()
                began = time.monotonic()
                assert_all_answered(press_together(service, pupils[reuse], HELLO))
                seconds[reuse] += time.monotonic() - began
        numbers = {
            reuse: service.query("SELECT max(submission_number) FROM executions_execution")[0][0]
            for reuse, service in ways.items()
        }
    assert numbers["pressure"] > numbers["never"] == 1
    assert seconds["pressure"] < seconds["never"]
