"""Facts that the guest and the host both write down. The CPU share is compared in test_live.py, the flags in
test_stream.py."""

import resource

from executions.running.hint_sentences import KINDS as KINDS_IN_WORDS
from executions.sandbox.engine import gvisor, options
from executions.sandbox.results import RunStatus
from guest import protocol
from guest.hints.kinds import FUNCTIONS, KINDS
from guest.supervisor import confinement


def test_guest_and_host_have_the_same_statuses() -> None:
    assert {*protocol.STATUSES, RunStatus.NOT_RUN} == set(RunStatus)


def test_guest_and_host_set_the_same_resource_limits() -> None:
    limits = {
        resource.RLIMIT_NOFILE: options.OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: options.FILE_BYTES,
    }
    assert limits == confinement.RESOURCE_LIMITS


def test_guest_and_host_know_gvisor_by_the_same_version() -> None:
    assert gvisor.KERNEL[1] == confinement.GVISOR_VERSION


def test_guest_and_host_know_the_same_types_of_values() -> None:
    assert KINDS_IN_WORDS.keys() == set(KINDS)
    assert set(KINDS).issuperset(FUNCTIONS)
