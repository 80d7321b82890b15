"""Writes the supervisor's seccomp filter as BPF programs into the directory given. Run once, when the image is built.

Docker's own profile depends on the version of the daemon; this one does not. It refuses what no lesson needs and what
recent kernel exploits have used, and allows the rest, to which Docker's profile still applies.
Needs libseccomp's own Python binding (Debian: python3-seccomp).

Two programs refuse the same calls: `seccomp.bpf` by itself, and `seccomp_notify.bpf` through the supervisor, which can
then flag them (see `guest.supervisor.watch`). The second also notifies it of calls that may connect to a network, which
neither refuses. `seccomp_gvisor.bpf` is added to the first under gVisor (see `guest.supervisor.confinement`).
"""

import errno
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

REFUSED = (
    # other processes' memory and descriptors
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp "
    # kernel keyrings are not per container
    "keyctl add_key request_key "
    # System V IPC outlives its process: one test could leave a message for the next
    "shmget msgget semget "
    # large, young kernel interfaces
    "io_uring_setup io_uring_enter io_uring_register userfaultfd bpf perf_event_open memfd_secret fanotify_init "
    # counted for the whole host: one program could take all of it
    "io_setup "
    # another process's priority for the disk; its priority for the processor is below
    "ioprio_set "
    # new namespaces; mounts and roots
    "unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr "
    "name_to_handle_at open_by_handle_at quotactl quotactl_fd "
    # the machine itself
    "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct syslog "
    "clock_settime clock_adjtime settimeofday adjtimex sethostname setdomainname iopl ioperm modify_ldt vhangup"
).split()

# Every family but UNIX (1), INET (2) and INET6 (10); a libseccomp rule compares one argument once.
ALLOWED_FAMILIES = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}
HIGHEST_ALLOWED_FAMILY = max(ALLOWED_FAMILIES)

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET from linux/sched.h
NAMESPACE_FLAGS = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)


SUPERVISOR_PID = 1
PRIO_PROCESS = 0  # sys/resource.h
LOW_HALF = 0xFFFFFFFF  # of a register: all that the kernel reads of a PID

# fcntl.h, asm-generic/ioctls.h and sockios.h: which process gets the signals of a descriptor
F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 8, 15, 0x8901, 0x8902


def build_filter(refuse: int) -> SyscallFilter:
    """Return the filter for the architecture of this machine, with `refuse` as its action.

    Calls of any other ABI are all refused.
    """
    rules = SyscallFilter(ALLOW)
    rules.set_attr(Attr.ACT_BADARCH, refuse)
    for name in REFUSED:
        try:
            rules.add_rule(refuse, name)
        except RuntimeError:  # unknown to this libseccomp or not a call of this architecture
            print(f"seccomp: no rule for {name}", file=sys.stderr)
    for call in ("socket", "socketpair"):
        rules.add_rule(refuse, call, Arg(0, GT, HIGHEST_ALLOWED_FAMILY))
        for family in set(range(HIGHEST_ALLOWED_FAMILY)) - ALLOWED_FAMILIES:
            rules.add_rule(refuse, call, Arg(0, EQ, family))
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(refuse, "clone", Arg(0, MASKED_EQ, flag, flag))
    # The supervisor has the same user, and could not work without descriptors. 0 means the caller's own limits.
    rules.add_rule(refuse, "prlimit64", Arg(0, NE, 0))
    # Nor could it work with the lowest CPU priority. Any group or user that a call names would include it.
    rules.add_rule(refuse, "setpriority", Arg(0, NE, PRIO_PROCESS))
    rules.add_rule(refuse, "setpriority", Arg(1, MASKED_EQ, LOW_HALF, SUPERVISOR_PID))
    for call in ("sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"):
        rules.add_rule(refuse, call, Arg(0, MASKED_EQ, LOW_HALF, SUPERVISOR_PID))
    # The flags of clone3 are in memory, which a filter cannot read; after ENOSYS the C library uses clone.
    rules.add_rule(ERRNO(errno.ENOSYS), "clone3")
    return rules


def build_notifying_filter() -> SyscallFilter:
    """Return the same filter, but with calls that it would refuse, or that have an address, sent to the supervisor."""
    rules = build_filter(NOTIFY)
    for family in (socket.AF_INET, socket.AF_INET6):  # the supervisor limits their number
        rules.add_rule(NOTIFY, "socket", Arg(0, EQ, family))
    rules.add_rule(NOTIFY, "connect")
    rules.add_rule(NOTIFY, "sendto", Arg(4, NE, 0))  # without an address this is `send`, on a connected socket
    return rules


def build_gvisor_filter() -> SyscallFilter:
    """Return the filter that protects the supervisor where Linux would do so by itself.

    No process can send it a signal. No process can change a mode: an attempt appears to succeed, because `shutil.copy`
    and others make one. So no process may create a directory that the sweep could not open (see
    `guest.supervisor.scratch`).
    """
    rules, refuse = SyscallFilter(ALLOW), ERRNO(errno.EPERM)
    for call in ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"):
        rules.add_rule(refuse, call, Arg(0, MASKED_EQ, LOW_HALF, SUPERVISOR_PID))
    for command in (F_SETOWN, F_SETOWN_EX):
        rules.add_rule(refuse, "fcntl", Arg(1, MASKED_EQ, LOW_HALF, command))
    for request in (FIOSETOWN, SIOCSPGRP):
        rules.add_rule(refuse, "ioctl", Arg(1, MASKED_EQ, LOW_HALF, request))
    for owner_bit in (0o400, 0o200, 0o100):
        rules.add_rule(refuse, "mkdir", Arg(1, MASKED_EQ, owner_bit, 0))
        rules.add_rule(refuse, "mkdirat", Arg(2, MASKED_EQ, owner_bit, 0))
        rules.add_rule(refuse, "umask", Arg(0, MASKED_EQ, owner_bit, owner_bit))
    for call in ("chmod", "fchmod", "fchmodat", "fchmodat2"):
        try:
            rules.add_rule(ERRNO(0), call)
        except RuntimeError:
            print(f"seccomp: no rule for {call}", file=sys.stderr)
    return rules


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    for name, rules in (
        ("seccomp.bpf", build_filter(ERRNO(errno.EPERM))),
        ("seccomp_notify.bpf", build_notifying_filter()),
        ("seccomp_gvisor.bpf", build_gvisor_filter()),
    ):
        with open(directory / name, "wb") as file:
            rules.export_bpf(file)
