"""Writes the supervisor's seccomp filter as a BPF program to stdout. Run once, when the image is built.

Docker's own profile depends on the age of the daemon; this one does not. It refuses what no lesson needs and
what kernel exploits of the last years were made of, and allows the rest: Docker's profile stands before it.
Needs libseccomp's own Python binding (Debian: python3-seccomp).
"""

import errno
import socket
import sys

from seccomp import (  # type: ignore[import-not-found]
    ALLOW,
    EQ,
    ERRNO,
    GT,
    MASKED_EQ,
    Arch,
    Arg,
    Attr,
    SyscallFilter,
)

REFUSED = (
    # other processes' memory and descriptors
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp "
    # kernel keyrings are not per container
    "keyctl add_key request_key "
    # large, young kernel interfaces
    "io_uring_setup io_uring_enter io_uring_register userfaultfd bpf perf_event_open memfd_secret fanotify_init "
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


def build_filter() -> SyscallFilter:
    """Return the filter for the architecture of this machine; calls of any other ABI are refused whole."""
    refuse = ERRNO(errno.EPERM)
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
    # The flags of clone3 lie in memory, out of a filter's sight; with ENOSYS the C library uses clone.
    rules.add_rule(ERRNO(errno.ENOSYS), "clone3")
    return rules


if __name__ == "__main__":
    print(f"seccomp: filter for {Arch()}", file=sys.stderr)
    build_filter().export_bpf(sys.stdout)
