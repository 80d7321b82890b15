"""The start of the service, and the configuration of gunicorn."""

import gc

import pytest
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from apikeys.models import ApiKey
from codeexec import gunicorn, start
from codeexec.garbage import begin_collection
from executions import bounds, configuration
from executions.models import Execution
from executions.records.servers import living, recover_interrupted
from executions.running.backend import get_backend
from executions.sandbox import profiles
from executions.sandbox.results import SandboxUnavailable, Submission
from tests.conftest import ORIGIN, Page


def test_a_start_puts_the_process_on_record_and_syncs_the_key(page: Page, settings: Settings) -> None:
    """Before anything runs: another service takes a process without a row for dead."""
    settings.API_KEY = "any form will do 0123456789"
    start.prepare()
    page.run()
    assert recover_interrupted() == 0
    assert [server.id for server in living()] == [Execution.objects.get().server]
    assert ApiKey.objects.get(is_from_environment=True).origins == [ORIGIN]


@pytest.mark.django_db
def test_conflicting_settings_prevent_the_start(settings: Settings) -> None:
    settings.API_KEY, settings.ALLOWED_ORIGINS = "x" * 16, []
    with pytest.raises(SystemCheckError, match=r"codeexec\.E001"):
        start.prepare()
    assert not ApiKey.objects.exists()


def test_nothing_runs_before_the_start() -> None:
    with pytest.raises(SandboxUnavailable):
        get_backend().executor.execute(Submission("1", "", (), 5))


def test_garbage_is_collected_once_all_is_loaded() -> None:
    gunicorn.post_fork(None, None)
    assert not gc.isenabled()
    begin_collection()
    assert gc.isenabled()


def test_there_are_threads_to_refuse_requests(settings: Settings) -> None:
    assert gunicorn.workers == 1
    assert gunicorn.threads > settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_QUEUE_LENGTH


def test_shutdown_waits_for_the_longest_request(settings: Settings) -> None:
    longest_wait_seconds = settings.SANDBOX_QUEUE_SECONDS + profiles.LOADING_SECONDS
    assert gunicorn.graceful_timeout > longest_wait_seconds + bounds.LONGEST_RUN_SECONDS
    assert configuration.DRAIN_SECONDS > bounds.LONGEST_RUN_SECONDS
