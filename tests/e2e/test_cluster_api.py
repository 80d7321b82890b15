"""The API keeps its promises in a cluster, through the proxy: the tests of a single service, once more.

Left out are those that look into the service's own process, or stop it; tests/e2e/test_cluster.py has their like.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.event_source import EventSource
from tests.e2e.test_execute import *  # noqa: F403
from tests.e2e.test_live import (  # noqa: F401
    test_a_client_that_does_not_read_holds_no_container,
    test_a_guessing_game_is_played_to_the_end,
    test_a_silent_stream_sends_comments,
    test_a_turtle_draws_before_a_program_ends_and_its_picture_stays_in_the_answer,
    test_an_image_arrives_while_its_program_is_running,
    test_each_line_arrives_within_a_tenth_of_a_second,
    test_test_results_arrive_one_by_one,
    test_the_streamed_result_equals_the_plain_answer,
    test_waiting_for_input_is_not_charged,
)
from tests.service import Service
from tests.small_cluster import Cluster, small_cluster
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with small_cluster(tmp_path_factory.mktemp("cluster"), run_worker="tests.run_worker") as cluster:
        cluster.await_workers(2)
        yield cluster


@pytest.fixture
def service(cluster: Cluster) -> Service:
    """Return the cluster as its clients see it."""
    return cluster.front


def test_programs_waiting_for_input_have_no_slot(service: Service) -> None:
    """A web process sees what the workers have said within the last second."""
    waiting = 2 * int(service.environment["SANDBOX_MAX_CONCURRENT"]) - 2  # an address has three quarters of the places
    with ExitStack() as stack:
        sources = [EventSource(service, "print(input())", interactive=True) for _ in range(waiting)]
        for source in sources:
            stack.callback(source.leave)
            source.until("input")
        assert eventually(lambda: service.health()["pool"]["in_use"] == 0, 10)
        assert service.execute("print('others')")["output"] == "others\n"
        for number, source in enumerate(sources):
            assert source.answer(str(number)) == 204
            assert source.until("result").data["output"] == f"{number}\n"


def test_no_process_logs_code_output_or_keys(service: Service, cluster: Cluster) -> None:
    for code in ("print('can' + 'ary')  # CANARY-CODE", "print('CANARY-CODE'"):
        service.execute(code, input_data="CANARY-INPUT")
    service.post("print('CANARY-CODE')", timeout=0)
    logs = [each.log() for each in (cluster.web, cluster.other_web, *cluster.workers)]
    assert all(logs)
    for secret in ("CANARY-CODE", "CANARY-INPUT", "canary", service.api_key):
        assert not any(secret in log for log in logs)
