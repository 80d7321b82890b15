"""Writes the supervisor's seccomp filter as BPF programs into the directory given. Run once, when the image is built.

Docker's own profile depends on the version of the daemon; this one does not. It is a list of what programs may do
(`system_calls`); Docker's profile still applies to that. Needs libseccomp's own Python binding (Debian:
python3-seccomp).

Two programs refuse the same calls: `seccomp.bpf` by itself, and `seccomp_notify.bpf` through the supervisor, which can
then flag some of them (see `guest.supervisor.watch`). The second also notifies it of calls that may connect to a
network or that lock an open file, which neither refuses. `seccomp_gvisor.bpf` is added to the first under gVisor (see
`guest.supervisor.confinement`).
"""

import errno
import fcntl
import os
import socket
import sys
from pathlib import Path

from seccomp import (  # type: ignore[import-not-found]
    ALLOW,
    EQ,
    ERRNO,
    GT,
    MASKED_EQ,
    NE,
    NOTIFY,
    Arg,
    Attr,
    SyscallFilter,
)
from system_calls import (  # type: ignore[import-not-found]
    ALLOWED,
    BUFFER_OPTIONS,
    COMMANDS,
    FAMILIES,
    FORBIDDEN,
    NO_OPERATION,
    ONLY_READ_OPTIONS,
    PR_SET_SECCOMP,
    PROTOCOLS,
    SOCKET_OPTIONS,
    WITHOUT_SUPPORT,
)

BY_BINARY_SEARCH = 2  # of SCMP_FLTATR_CTL_OPTIMIZE: a call costs the same however many others are listed
IGNORE = ERRNO(0)  # do nothing, and report success
LOW_HALF = 0xFFFFFFFF  # of a register: all that the kernel reads of an int

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET from linux/sched.h
NAMESPACE_FLAGS = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
CLONE_FILES = 0x400  # linux/sched.h
CLONE_THREAD = 0x10000

DIRECT = os.O_DIRECT
MAP_HUGETLB = 0x40000  # asm-generic/mman-common.h

SOL_SOCKET, HIGHEST_FAMILY = 1, max(FAMILIES)
ICMP_PROTOCOLS = (1, 58)

SUPERVISOR_PID = 1
PID_BITS = 22  # PID_MAX_LIMIT of linux/threads.h
PRIO_PROCESS = 0  # sys/resource.h


def build_filter(refuse: int) -> SyscallFilter:
    """Return the filter for the architecture of this machine; what it refuses and flags, it refuses by `refuse`.

    Calls of any other ABI are all refused.
    """
    rules = SyscallFilter(ERRNO(errno.ENOSYS))
    rules.set_attr(Attr.ACT_BADARCH, refuse)
    rules.set_attr(Attr.CTL_OPTIMIZE, BY_BINARY_SEARCH)
    for action, calls in (
        (ALLOW, ALLOWED),
        (refuse, FORBIDDEN),
        (IGNORE, NO_OPERATION),
        (ERRNO(errno.EOPNOTSUPP), WITHOUT_SUPPORT),
    ):
        for call in calls:
            _add(rules, action, call)
    for call, (argument, commands) in COMMANDS.items():
        for command in commands:
            rules.add_rule(ALLOW, call, _is(argument, command))
    rules.add_rule(refuse, "prctl", _is(0, PR_SET_SECCOMP))
    _add_files(rules, refuse)
    _add_sockets(rules, refuse)
    _add_processes(rules, refuse)
    return rules


def _add(rules: SyscallFilter, action: int, call: str) -> None:
    try:
        rules.add_rule(action, call)
    except RuntimeError:  # unknown to this libseccomp or not a call of this architecture
        print(f"seccomp: no rule for {call}", file=sys.stderr)


def _is(argument: int, value: int) -> Arg:
    return Arg(argument, MASKED_EQ, LOW_HALF, value)


def _add_files(rules: SyscallFilter, refuse: int) -> None:
    # Reading past the memory that holds files has no bound, and slows down the host's disk.
    for call, argument in (("open", 1), ("openat", 2)):
        rules.add_rule(ALLOW, call, Arg(argument, MASKED_EQ, DIRECT, 0))
        rules.add_rule(ERRNO(errno.EINVAL), call, Arg(argument, MASKED_EQ, DIRECT, DIRECT))
    # A lock that its process has left to another is on no list. The supervisor limits how many may be taken.
    rules.add_rule(NOTIFY if refuse == NOTIFY else ALLOW, "flock", Arg(1, NE, fcntl.LOCK_UN))
    rules.add_rule(ALLOW, "flock", Arg(1, EQ, fcntl.LOCK_UN))
    set_flags = _is(1, fcntl.F_SETFL)
    rules.add_rule(ALLOW, "fcntl", set_flags, Arg(2, MASKED_EQ, DIRECT, 0))
    rules.add_rule(ERRNO(errno.EINVAL), "fcntl", set_flags, Arg(2, MASKED_EQ, DIRECT, DIRECT))
    # The host's huge pages are charged to nobody.
    rules.add_rule(ALLOW, "mmap", Arg(3, MASKED_EQ, MAP_HUGETLB, 0))
    rules.add_rule(ERRNO(errno.ENOMEM), "mmap", Arg(3, MASKED_EQ, MAP_HUGETLB, MAP_HUGETLB))


def _add_sockets(rules: SyscallFilter, refuse: int) -> None:
    asked = NOTIFY if refuse == NOTIFY else ALLOW
    for call in ("socket", "socketpair"):
        for family in FAMILIES:
            # The supervisor limits the number of internet sockets.
            action = asked if call == "socket" and family != socket.AF_UNIX else ALLOW
            for protocol in PROTOCOLS:
                rules.add_rule(action, call, Arg(0, EQ, family), _is(2, protocol))
            for protocol in ICMP_PROTOCOLS:
                rules.add_rule(ERRNO(errno.EPERM), call, Arg(0, EQ, family), _is(2, protocol))
        rules.add_rule(refuse, call, Arg(0, GT, HIGHEST_FAMILY))
        for family in set(range(HIGHEST_FAMILY)) - FAMILIES:
            rules.add_rule(refuse, call, Arg(0, EQ, family))
    for level, options in SOCKET_OPTIONS.items():
        for option in options:
            for call in ("setsockopt", "getsockopt"):
                rules.add_rule(ALLOW, call, _is(1, level), _is(2, option))
    for option in BUFFER_OPTIONS | ONLY_READ_OPTIONS:
        rules.add_rule(ALLOW, "getsockopt", _is(1, SOL_SOCKET), _is(2, option))
    for option in BUFFER_OPTIONS:
        rules.add_rule(IGNORE, "setsockopt", _is(1, SOL_SOCKET), _is(2, option))
    has_address, has_none = Arg(4, NE, 0), Arg(4, EQ, 0)  # without one, sendto is `send`, on a connected socket
    rules.add_rule(asked, "connect")
    rules.add_rule(asked, "sendto", has_address)
    rules.add_rule(ALLOW, "sendto", has_none)


def _add_processes(rules: SyscallFilter, refuse: int) -> None:
    # A process that ends leaves its file locks in a table of descriptors that another shares, and the kernel lists no
    # lock whose process has ended: nobody could count them. Threads are one process.
    namespaces, sharing = sum(NAMESPACE_FLAGS), CLONE_FILES | CLONE_THREAD
    rules.add_rule(ALLOW, "clone", Arg(0, MASKED_EQ, namespaces | CLONE_FILES, 0))
    rules.add_rule(ALLOW, "clone", Arg(0, MASKED_EQ, namespaces | sharing, sharing))
    rules.add_rule(refuse, "clone", Arg(0, MASKED_EQ, sharing, CLONE_FILES))
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(refuse, "clone", Arg(0, MASKED_EQ, flag, flag))
    # The supervisor has the same user. It could not work without descriptors, nor with the lowest priority. 0 means the
    # caller itself. A group or a user would include the supervisor.
    for call in ("prlimit64", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        rules.add_rule(ALLOW, call, Arg(0, EQ, 0))
        rules.add_rule(refuse, call, Arg(0, NE, 0))
    rules.add_rule(refuse, "setpriority", Arg(0, NE, PRIO_PROCESS))
    _spare_the_supervisor(rules, refuse, "setpriority", 1, Arg(0, EQ, PRIO_PROCESS))
    _spare_the_supervisor(rules, refuse, "sched_setaffinity", 0)


def _spare_the_supervisor(rules: SyscallFilter, refuse: int, call: str, argument: int, *conditions: Arg) -> None:
    """Allow `call` for any process but the supervisor. A rule can compare with a value, but not with all others."""
    rules.add_rule(refuse, call, *conditions, _is(argument, SUPERVISOR_PID))
    rules.add_rule(ALLOW, call, *conditions, Arg(argument, MASKED_EQ, 1, 0))
    for bit in range(1, PID_BITS):
        rules.add_rule(ALLOW, call, *conditions, Arg(argument, MASKED_EQ, 1 << bit, 1 << bit))


def build_gvisor_filter() -> SyscallFilter:
    """Return the filter that protects the supervisor where Linux would do so by itself.

    No process can send it a signal. No process can change a mode: an attempt appears to succeed, because `shutil.copy`
    and others make one. So no process may create a directory that the sweep could not open (see
    `guest.supervisor.scratch`).
    """
    rules, refuse = SyscallFilter(ALLOW), ERRNO(errno.EPERM)
    for call in ("kill", "tkill", "tgkill", "pidfd_open"):
        rules.add_rule(refuse, call, _is(0, SUPERVISOR_PID))
    for owner_bit in (0o400, 0o200, 0o100):
        rules.add_rule(refuse, "mkdir", Arg(1, MASKED_EQ, owner_bit, 0))
        rules.add_rule(refuse, "mkdirat", Arg(2, MASKED_EQ, owner_bit, 0))
        rules.add_rule(refuse, "umask", Arg(0, MASKED_EQ, owner_bit, owner_bit))
    for call in ("chmod", "fchmod", "fchmodat", "fchmodat2"):
        _add(rules, IGNORE, call)
    return rules


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    for name, rules in (
        ("seccomp.bpf", build_filter(ERRNO(errno.EPERM))),
        ("seccomp_notify.bpf", build_filter(NOTIFY)),
        ("seccomp_gvisor.bpf", build_gvisor_filter()),
    ):
        with open(directory / name, "wb") as file:
            rules.export_bpf(file)
