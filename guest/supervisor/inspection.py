"""Whether the container is as it was at the start, once the processes of a run are dead and its files are removed.

Only then may it serve another submission: see docs/decisions/0029-reuse.md. Nothing that a program has chosen becomes
an object here (see docs/decisions/0002-program-text-stays-in-the-kernel.md): what the kernel writes about it is
compared in a buffer, which is wiped.
"""

from __future__ import annotations

import ctypes
import os

from guest.supervisor.scratch import call, scratch_directories

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from guest.supervisor.cgroup import Cgroup

    Check = Callable[[], bool]

SYSTEM_V_IPC = ("/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem")
TRAFFIC = ("/proc/net/dev", "/proc/net/snmp", "/proc/net/snmp6", "/proc/net/netstat")

# linux/prctl.h, sys/personality.h, linux/ioprio.h, asm/unistd.h
PR_GET_DUMPABLE, PR_GET_TIMERSLACK = 3, 30
PERSONALITY_QUERY = 0xFFFFFFFF
IOPRIO_WHO_PROCESS = 1
IOPRIO_GET_CALLS = {"x86_64": 252, "aarch64": 31}

MEMORY_MARGIN_BYTES = 4 * 1024 * 1024
"""How much more memory may be charged than at the start. The kernel keeps the names that programs look up: three
hundred runs of lessons leave 1 MB, and the first import of pandas 3 MB."""
STOCK_BYTES = 256 * 1024
"""How much each CPU may have charged in advance: MEMCG_CHARGE_BATCH pages of 4 KiB."""

BUFFER_BYTES = 32 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class Inspection:
    """Compares the container with what it was when this was made. Then and later, only this process may live in it."""

    def __init__(self, cgroup: Cgroup) -> None:
        self._expected_memory_bytes = 0
        self._checks: dict[str, Check | None] = {}  # None: not possible here
        self._buffer = bytearray(BUFFER_BYTES)
        self._cgroup = cgroup
        self._add("processes", lambda: _is_alone)
        self._add("files", lambda: _same(_scratch_state))
        self._add("ipc", lambda: self._same_texts(*SYSTEM_V_IPC))
        self._add("limits", lambda: self._same_texts("/proc/self/limits"))
        self._add("scheduling", lambda: _same(_scheduling))
        self._add("signals", lambda: self._same_text("/proc/self/status", b"\nSigPnd:", b"\nvoluntary_ctxt_switches:"))
        self._add("attributes", lambda: _same(_attributes))
        self._add("oom_score", lambda: self._same_texts("/proc/self/oom_score_adj", "/proc/self/coredump_filter"))
        self._add("sockets", lambda: self._same_text("/proc/net/sockstat", b"sockets:", b" orphan "))
        self._add("traffic", lambda: self._same_texts(*TRAFFIC))
        self._add("memory_limit", lambda: _same(lambda: (cgroup.has_met_memory_limit(), cgroup.oom_kills())))
        self._add("memory", self._same_memory)
        self._add("descriptors", lambda: _same(_descriptors))  # last: the others keep files open

    def _add(self, name: str, prepare: Callable[[], Check]) -> None:
        try:
            self._checks[name] = prepare()
        except OSError:  # as under gVisor
            self._checks[name] = None

    def differences(self) -> list[str]:
        """Return the names of what is not as it was, or cannot be checked here."""
        return [name for name, check in self._checks.items() if not _passes(check)]

    def expect_more_memory(self, size: int) -> None:
        """Expect that `size` bytes more stay charged: we have loaded more ourselves."""
        self._expected_memory_bytes += size

    def _same_memory(self) -> Check:
        self._expected_memory_bytes = self._cgroup.memory_bytes()
        if not self._expected_memory_bytes:
            raise OSError("memory is not counted here")
        margin_bytes = MEMORY_MARGIN_BYTES + STOCK_BYTES * (os.cpu_count() or 1)
        return lambda: self._cgroup.memory_bytes() <= self._expected_memory_bytes + margin_bytes

    def _same_texts(self, *paths: str) -> Check:
        checks = [self._same_text(path) for path in paths]
        return lambda: all(check() for check in checks)

    def _same_text(self, path: str, start: bytes = b"", end: bytes = b"") -> Check:
        """Return a check that a file, or its part from `start` to `end`, is as now. The file stays open."""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.preadv(file, [self._buffer], 0)
        first = self._buffer.find(start)
        last = self._buffer.find(end, first, size) if end else size
        if first < 0 or last < 0 or size == BUFFER_BYTES:
            raise OSError(f"cannot compare {path}")
        expected = bytes(self._buffer[first:last]) + end
        self._buffer[:] = bytes(BUFFER_BYTES)

        def is_same() -> bool:
            size = os.preadv(file, [self._buffer], 0)
            at = self._buffer.find(start)
            is_same = at >= 0 and self._buffer.startswith(expected, at) and (bool(end) or size == len(expected))
            self._buffer[:size] = bytes(size)
            return is_same

        return is_same


def _passes(check: Check | None) -> bool:
    try:
        return check is not None and check()
    except OSError:
        return False


def _same(state: Callable[[], object]) -> Check:
    """Return a check that `state` returns what it returns now."""
    expected = state()
    return lambda: state() == expected


def _is_alone() -> bool:
    try:
        os.kill(-1, 0)
    except ProcessLookupError:
        return True
    return False


def _scratch_state() -> list[object]:
    """Return what a program could change about the scratch directories, which are empty, and their file systems."""
    return [
        (
            _identity(os.stat(path)),
            # Only how long their names are: a program could choose them.
            _libc.listxattr(path.encode(), None, 0),
            _room(os.statvfs(path)),
        )
        for path in scratch_directories()
    ]


def _identity(file: os.stat_result) -> tuple[int, ...]:
    return file.st_dev, file.st_ino, file.st_mode, file.st_uid, file.st_gid, file.st_nlink, file.st_size


def _room(space: os.statvfs_result) -> tuple[int, ...]:
    return space.f_flag, space.f_blocks, space.f_bfree, space.f_files, space.f_ffree


def _scheduling() -> tuple[object, ...]:
    return (
        os.getpriority(os.PRIO_PROCESS, 0),
        os.sched_getscheduler(0),
        os.sched_getparam(0).sched_priority,
        os.sched_getaffinity(0),
        _query(_libc.prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0),
        _query(_libc.syscall, IOPRIO_GET_CALLS.get(os.uname().machine, -1), IOPRIO_WHO_PROCESS, 0),
    )


def _descriptors() -> list[object]:
    """Return our open files, by their numbers."""
    return [(name, _open_file(int(name))) for name in os.listdir("/proc/self/fd")]


def _open_file(descriptor: int) -> tuple[int, ...] | None:
    try:
        file = os.fstat(descriptor)
    except OSError:  # the one that listed them
        return None
    return file.st_dev, file.st_ino, file.st_mode


def _attributes() -> tuple[object, ...]:
    mask = os.umask(0o77)
    os.umask(mask)
    dumpable = _query(_libc.prctl, PR_GET_DUMPABLE, 0, 0, 0, 0)
    return _identity(os.stat(".")), mask, os.getsid(0), dumpable, _query(_libc.personality, PERSONALITY_QUERY)


def _query(function: Callable[..., int], *arguments: int) -> int:
    """Return the answer of a function of the C library. Raises OSError if it fails."""
    return call(function, *map(ctypes.c_ulong, arguments))
