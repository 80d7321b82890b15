"""The system calls that programs may make, and how others fail (docs/decisions/0024-system-calls.md).

A call that is not named here fails with ENOSYS, as on a kernel that does not have it. So does a command or an option
that is not named, of the calls that are many calls in one. The C library then uses an older call: `clone` for `clone3`,
`openat` for `openat2`, whose flags are in memory, where a filter cannot read them.
"""

import fcntl
import mmap
import socket
import termios
from types import ModuleType

ALLOWED = (
    # files and directories
    "read write readv writev pread64 pwrite64 preadv pwritev lseek close close_range dup dup2 dup3 pipe pipe2 "
    "stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 statfs fstatfs "
    "getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat "
    "mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat "
    "truncate ftruncate fallocate umask sendfile splice copy_file_range "
    # memory
    "brk munmap mremap mprotect "
    # processes and threads
    "fork vfork execve exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal "
    "getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid geteuid getgid getegid getresuid getresgid "
    "getgroups setuid setgid setreuid setregid setresuid setresgid setgroups "
    "getrlimit setrlimit getrusage times getpriority sched_yield sched_getaffinity sched_getparam sched_getscheduler "
    "sched_getattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval ioprio_get getcpu "
    "futex set_robust_list set_tid_address rseq arch_prctl restart_syscall "
    # signals and time
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause alarm "
    "getitimer setitimer nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time "
    # waiting
    "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
    "eventfd2 timerfd_create timerfd_settime timerfd_gettime "
    # sockets, besides the calls that name an address
    "bind listen accept accept4 shutdown sendmsg sendmmsg recvfrom recvmsg recvmmsg getsockname getpeername "
    # the system
    "uname sysinfo getrandom"
).split()

FORBIDDEN = (
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
    # filters of a program's own, compiled into memory that the kernel bounds only for the whole host
    "seccomp "
    # another process's priority for the disk; its priority for the processor is a rule of its own
    "ioprio_set "
    # new namespaces; mounts and roots
    "unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr "
    "name_to_handle_at open_by_handle_at quotactl quotactl_fd "
    # the machine itself
    "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct syslog "
    "clock_settime clock_adjtime settimeofday adjtimex sethostname setdomainname iopl ioperm modify_ldt vhangup"
).split()
"""Refused and flagged: no lesson makes these calls, and the C library makes none by itself."""

NO_OPERATION = (
    # would drop pages of the image from the memory that all containers share
    "fadvise64 "
    # would have the host write to its disk and wait for it; scratch files have none
    "sync syncfs fsync fdatasync msync"
).split()

WITHOUT_SUPPORT = [f"{kind}{verb}xattr" for verb in ("get", "set", "list", "remove") for kind in ("", "l", "f")]
"""Extended attributes: they fail with EOPNOTSUPP, as on many file systems, which `shutil.copy2` expects."""


def _values(module: ModuleType, names: str) -> set[int]:
    return {getattr(module, name) for name in names.split()}


PERSONALITY_QUERY = 0xFFFFFFFF  # sys/personality.h

# linux/prctl.h
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_NAME, PR_GET_NAME = 1, 2, 3, 4, 15, 16
PR_GET_SECCOMP, PR_SET_SECCOMP, PR_CAPBSET_READ, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK = 21, 22, 23, 29, 30
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_VMA = 38, 39, 0x53564D41

# sockios.h, linux/fs.h, asm-generic/ioctls.h
SIOCGIFNAME, SIOCGIFCONF, SIOCGIFADDR, SIOCGIFHWADDR, SIOCGIFINDEX = 0x8910, 0x8912, 0x8915, 0x8927, 0x8933
FICLONE, TCGETS2 = 0x40049409, 0x802C542A
# linux/seccomp.h. The supervisor makes these; a program has no descriptor for them.
SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND = 0xC0502100, 0xC0182101

COMMANDS = {
    # Not F_SETPIPE_SZ, whose memory is counted by user; nor F_SETOWN, F_NOTIFY and F_SETLEASE, which no lesson needs.
    "fcntl": (
        1,
        _values(fcntl, "F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_GETPIPE_SZ F_GETOWN")
        | _values(fcntl, "F_GETLK F_SETLK F_SETLKW"),
    ),
    "ioctl": (
        1,
        _values(termios, "FIONREAD FIONBIO FIOCLEX FIONCLEX TIOCOUTQ TIOCGWINSZ TIOCGPGRP TIOCSPGRP")
        | _values(termios, "TCGETS TCSETS TCSETSW TCSETSF")
        | {TCGETS2, SIOCGIFNAME, SIOCGIFCONF, SIOCGIFADDR, SIOCGIFHWADDR, SIOCGIFINDEX, FICLONE}
        | {SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND},
    ),
    # Not MADV_PAGEOUT and MADV_COLD, which would drop shared pages, nor MADV_MERGEABLE, which would find equal ones.
    "madvise": (
        2,
        _values(mmap, "MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_FREE MADV_DONTFORK")
        | _values(mmap, "MADV_DOFORK MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP"),
    ),
    "personality": (0, {PERSONALITY_QUERY}),
    "prctl": (
        0,
        {PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_NAME, PR_GET_NAME}
        | {PR_GET_SECCOMP, PR_CAPBSET_READ, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK}
        | {PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_VMA},
    ),
}
"""Of each call: which argument names the command, and the allowed ones."""

# Every family but these is flagged. Protocols: the family's own, TCP and UDP.
FAMILIES = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}
PROTOCOLS = {0, socket.IPPROTO_TCP, socket.IPPROTO_UDP}

IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, in6.h: the C library looks up names with these

SOCKET_OPTIONS = {
    # Not SO_ATTACH_FILTER and its like: see `seccomp` above.
    socket.SOL_SOCKET: _values(
        socket,
        "SO_REUSEADDR SO_REUSEPORT SO_KEEPALIVE SO_BROADCAST SO_LINGER SO_OOBINLINE SO_RCVTIMEO SO_SNDTIMEO",
    ),
    socket.IPPROTO_TCP: _values(
        socket, "TCP_NODELAY TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_USER_TIMEOUT TCP_QUICKACK TCP_LINGER2"
    ),
    # No multicast: there is no network, and the kernel charges the lists of groups to nobody.
    socket.IPPROTO_IP: _values(socket, "IP_TTL IP_TOS IP_MULTICAST_TTL IP_MULTICAST_LOOP") | {IP_RECVERR},
    socket.IPPROTO_IPV6: _values(socket, "IPV6_V6ONLY IPV6_UNICAST_HOPS IPV6_MULTICAST_LOOP") | {IPV6_RECVERR},
}

# Not SO_COOKIE, SO_MEMINFO and SO_INCOMING_CPU, which tell of other containers' sockets.
ONLY_READ_OPTIONS = _values(socket, "SO_ERROR SO_TYPE SO_DOMAIN SO_PROTOCOL SO_ACCEPTCONN SO_PEERCRED")

# Buffers keep the size that the container gives them; the kernel, too, takes the wish only for a hint.
BUFFER_OPTIONS = _values(socket, "SO_SNDBUF SO_RCVBUF")
