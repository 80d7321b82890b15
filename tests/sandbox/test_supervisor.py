"""Attacks of a program on the supervisor, which runs as the same user."""

import fcntl
import os
import subprocess
import sys

import pytest

from executions.sandbox.results import RunStatus, TestProgram
from guest.supervisor.host import STDIN_PIPE_BYTES
from tests.sandbox.conftest import Runner
from tests.sandbox.test_isolation import CALL

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("limit", ["RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CPU"])
def test_deny_the_supervisors_limits(run: Runner, limit: str) -> None:
    """Without descriptors it could neither watch the run nor fork the next, and the learner would get a 503."""
    code = f"import resource\ntry: resource.prlimit(1, resource.{limit}, (0, 0))\n"
    code += "except PermissionError: print('refused')"
    outcome = run.tests(code, TestProgram(stdin=""))
    assert [each.status for each in (outcome.main, *outcome.tests)] == [RunStatus.SUCCESS] * 2
    assert [each.stdout for each in (outcome.main, *outcome.tests)] == ["refused\n"] * 2


@pytest.mark.wall("seccomp")
@pytest.mark.parametrize(
    "attempt",
    [
        "os.setpriority(os.PRIO_PROCESS, 1, 19)",
        "os.setpriority(os.PRIO_PGRP, 1, 19)",
        "os.setpriority(os.PRIO_USER, 0, 19)",
        "os.setpriority(os.PRIO_USER, os.getuid(), 19)",
        "os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))",
        "os.sched_setscheduler(1, os.SCHED_BATCH, os.sched_param(0))",
        "os.sched_setparam(1, os.sched_param(0))",
        "os.sched_setaffinity(1, {0})",
        CALL.format(call="syscall(314, 1, struct.pack('IIQiIQQQ', 48, 5, 0, 0, 0, 0, 0, 0), 0)"),  # sched_setattr, IDLE
        # The kernel looks only at the lower half of a register.
        CALL.format(call="syscall(141, 0, ctypes.c_long(1 << 32 | 1), 19)"),  # setpriority
        CALL.format(call="syscall(203, ctypes.c_long(1 << 32 | 1), 8, (ctypes.c_long * 1)(1))"),  # sched_setaffinity
    ],
)
def test_deny_lowering_the_supervisors_priority(run: Runner, attempt: str) -> None:
    """With a lower priority than one busy loop, it could not end the run."""
    assert run.refusal(f"import struct\n{attempt}") == "EPERM"


@pytest.mark.parametrize(
    "attempt",
    [
        "os.nice(0)",
        "os.setpriority(os.PRIO_PROCESS, 0, 19)",
        "os.setpriority(os.PRIO_PROCESS, os.getpid(), 19)",
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
        "os.sched_setaffinity(os.getpid(), os.sched_getaffinity(1))",
    ],
)
def test_allow_own_priority(run: Runner, attempt: str) -> None:
    assert run.refusal(attempt) == "allowed"


def test_allow_own_limits(run: Runner) -> None:
    code = "import resource as r\nr.setrlimit(r.RLIMIT_CPU, (3, 3))\nprint(r.getrlimit(r.RLIMIT_CPU))"
    assert run(code).stdout == "(3, 3)\n"


def test_pipe_from_the_engine_has_more_room() -> None:
    command = [sys.executable, "-c", "from guest.supervisor.host import Host\nHost().widen_stdin()"]
    reader, writer = os.pipe()
    subprocess.run(command, stdin=reader, check=True)
    assert fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ) == STDIN_PIPE_BYTES
    os.close(reader)
    os.close(writer)
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
