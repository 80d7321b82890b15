"""What the supervisor gives up, for itself and all its children, before it reads any byte.

The Dockerfile puts the seccomp filters that guest/build/seccomp_filter.py writes beside this module.
"""

from __future__ import annotations

import ctypes
import os
import resource

DIRECTORY = os.path.dirname(__file__)
PLAIN_FILTER = os.path.join(DIRECTORY, "seccomp.bpf")
NOTIFYING_FILTER = os.path.join(DIRECTORY, "seccomp_notify.bpf")
GVISOR_FILTER = os.path.join(DIRECTORY, "seccomp_gvisor.bpf")
GVISOR_VERSION = "#1 SMP Sun Jan 10 15:06:54 PST 2016"  # of uname(2)

# linux/prctl.h, linux/seccomp.h
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16
SECCOMP_CALLS = {"x86_64": 317, "aarch64": 277}
BPF_INSTRUCTION_BYTES = 8

GVISOR_ADDRESS_SPACE_BYTES = 16 * 1024**3

OPEN_FILES = 256
MESSAGE_QUEUE_BYTES = 0

CHILD_OOM_SCORE = b"1000"
CHILD_NICENESS = 19

# Docker sets these too; set here, they hold whatever the daemon does with its options. Not NPROC: the kernel checks it
# before the container's own limit, which counts the forks that it refuses (see `guest.supervisor.watch`). And where an
# engine has few user IDs, two services may give the same to two containers, one of which could then start no process.
RESOURCE_LIMITS = {
    resource.RLIMIT_NOFILE: OPEN_FILES,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 16 * 1024 * 1024,
}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine_supervisor() -> int | None:
    """Give up what this process and its children never need. Raises OSError: then nothing may run.

    Return the descriptor on which the kernel reports refused calls, None if it cannot; they are refused either way.
    See `guest.supervisor.watch`.
    """
    for limit, value in RESOURCE_LIMITS.items():
        resource.setrlimit(limit, (value, value))
    is_gvisor = os.uname().version == GVISOR_VERSION
    if not is_gvisor:  # which has neither message queues nor this limit
        # The kernel counts queues by user. They could also be made by opening a file in /dev/mqueue.
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (MESSAGE_QUEUE_BYTES, MESSAGE_QUEUE_BYTES))
    # The child has the same user: if we were dumpable, it could access our descriptors and memory through /proc/1.
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)  # Docker has set it; without it the kernel accepts no filter
    listener = _install_notifying_filter()
    if listener is None:
        if is_gvisor:
            _confine_under_gvisor()
        _install_filter(PLAIN_FILTER)  # the last: it allows no other
    return listener


def _confine_under_gvisor() -> None:
    """Add what Linux does by itself for a process that is not dumpable and is PID 1 of its namespace.

    gVisor lets children look into /proc/1/fd, and checks only the mode of what they open there: our connection to the
    host, on which they could send frames in our name. They have the same user and could change the mode back; so no
    process can change a mode from now on. gVisor also lets them send us any signal.
    """
    for descriptor in (0, 1, 2):
        os.fchmod(descriptor, 0)
    _install_filter(GVISOR_FILTER)
    # Linux grants no more address space than it could ever back; a program that asks for more gets a MemoryError.
    resource.setrlimit(resource.RLIMIT_AS, (GVISOR_ADDRESS_SPACE_BYTES, GVISOR_ADDRESS_SPACE_BYTES))


def _install_filter(path: str) -> None:
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(_read_filter(path)))


def _install_notifying_filter() -> int | None:
    """Return its listener, or None without one: on an old kernel, under gVisor, or after another listener."""
    call = SECCOMP_CALLS.get(os.uname().machine)
    if call is None:
        return None
    # TSYNC_ESRCH changes nothing for a single thread. Linux has it since 5.7 and refuses flags that it does not know:
    # so a kernel before 5.5, which cannot let a call continue, never gets this filter. It would block all connections.
    flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH
    filter_program = _read_filter(NOTIFYING_FILTER)
    listener = int(_libc.syscall(call, SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(filter_program)))
    return listener if listener >= 0 else None


def _read_filter(path: str) -> _Program:
    with open(path, "rb") as file:
        instructions = file.read()
    return _Program(len(instructions) // BPF_INSTRUCTION_BYTES, instructions)


def confine_child() -> None:
    """Rank this process, a fork of the supervisor, below it: first to be killed for memory, last to get the CPU."""
    os.setsid()
    # The supervisor's setting is inherited, and would keep this process from its own files in /proc.
    _prctl(PR_SET_DUMPABLE, 1)
    score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(score, CHILD_OOM_SCORE)
    os.close(score)
    # A fork bomb shares one quarter of a CPU with the supervisor, which has to be able to end it.
    os.nice(CHILD_NICENESS)


def _prctl(option: int, *arguments: object) -> None:
    if _libc.prctl(option, *arguments, *[0] * (4 - len(arguments))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")
