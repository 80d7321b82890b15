"""The API keeps its promises in a cluster, through the proxy: the tests of a single service, once more.

Left out are those that look into the service's own process, or stop it; tests/e2e/test_cluster.py has their like.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.test_execute import *  # noqa: F403
from tests.e2e.test_live import (  # noqa: F401
    test_a_client_that_does_not_read_holds_no_container,
    test_a_guessing_game_is_played_to_the_end,
    test_a_page_of_an_allowed_origin_may_read_the_stream,
    test_a_silent_stream_sends_comments,
    test_a_turtle_draws_before_a_program_ends_and_its_picture_stays_in_the_answer,
    test_an_image_arrives_while_its_program_is_running,
    test_each_line_arrives_within_a_tenth_of_a_second,
    test_programs_waiting_for_input_block_no_other_programs,
    test_test_results_arrive_one_by_one,
    test_the_streamed_result_equals_the_plain_answer,
    test_waiting_for_input_is_not_charged,
)
from tests.service import Service
from tests.small_cluster import Cluster, small_cluster

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


def test_the_log_contains_no_code_output_or_keys(service: Service, cluster: Cluster) -> None:
    """Neither that of a web process nor that of a worker."""
    for code in ("print('can' + 'ary')  # CANARY-CODE", "print('CANARY-CODE'"):
        service.execute(code, input_data="CANARY-INPUT")
    service.post("print('CANARY-CODE')", timeout=0)
    logs = [each.log() for each in (cluster.web, cluster.other_web, *cluster.workers)]
    assert all(logs)
    for secret in ("CANARY-CODE", "CANARY-INPUT", "canary", service.api_key):
        assert not any(secret in log for log in logs)
