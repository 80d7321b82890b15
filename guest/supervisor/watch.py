"""Watches for forbidden attempts, and raises flags for staff to review; limits the number of sockets and locks.

A forbidden call that the kernel asks us about fails in any case: by our answer, without an answer (the caller waits
until it is killed), and without us (ENOSYS). Every connection may go on, whatever its address: there is no network. See
docs/decisions/0008-flags.md.

Only two numbers depend on this module. What internet sockets queue is charged to nobody under cgroup v1; where the
kernel cannot ask us and does not charge it either, a probe fails. And nobody counts locks of open files whose process
has ended. See docs/decisions/0025-kernel-resources.md.

A notification of the kernel holds numbers that the program has chosen. They are compared in the buffer and wiped, and
never become Python objects, which the next run could find in its copy of our memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select

from guest import protocol
from guest.supervisor.locks import Locks

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guest.supervisor.cgroup import Cgroup

# linux/seccomp.h. The numbers of the two requests hold the sizes of the two structures.
SECCOMP_IOCTL_NOTIF_RECV, NOTIFICATION_BYTES = 0xC0502100, 80  # struct seccomp_notif
SECCOMP_IOCTL_NOTIF_SEND, ANSWER_BYTES = 0xC0182101, 24  # struct seccomp_notif_resp
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1

# Number and ABI of connect and sendto, as a notification holds them, on x86_64 and on aarch64; and which argument
# points to the address. In another ABI the same number is another call, and a forbidden one.
CONNECTIONS = (
    (b"\x2a\0\0\0\x3e\0\0\xc0", 1),
    (b"\x2c\0\0\0\x3e\0\0\xc0", 4),
    (b"\xcb\0\0\0\xb7\0\0\xc0", 1),
    (b"\xce\0\0\0\xb7\0\0\xc0", 4),
)

# The same for socket and flock.
SOCKET_CALLS = (b"\x29\0\0\0\x3e\0\0\xc0", b"\xc6\0\0\0\xb7\0\0\xc0")
LOCK_CALLS = (b"\x49\0\0\0\x3e\0\0\xc0", b"\x20\0\0\0\xb7\0\0\xc0")

MOST_SOCKETS = 64
"""A program gets no internet socket while so many sockets exist. Each of its threads may get one that we count late."""

MOST_LOCK_CALLS = 10_000
"""How often a run may lock an open file: 2 MB, should it keep all these locks where `locks` cannot see them."""

AF_INET, AF_INET6 = 2, 10
INTERNET_FAMILIES = (AF_INET.to_bytes(8, "little"), AF_INET6.to_bytes(8, "little"))
ADDRESS_BYTES = 28  # struct sockaddr_in6
DNS_PORT = 53

LAST_LOOKS = 64
"""How many calls are answered when a run is over. No more processes than these can wait."""

_libc = ctypes.CDLL(None)


class Watch:
    """Watches one run after another. `listener` is that of the seccomp filter, None if it has none."""

    def __init__(self, listener: int | None, cgroup: Cgroup) -> None:
        self.listener = listener
        self.locks = Locks()
        self._calls = _Calls(-1 if listener is None else listener, cgroup)
        self._cgroup = cgroup
        self._earlier_refused_forks = 0

    def begin(self) -> None:
        """Start counting for a new run. No process of an earlier one is left."""
        self._earlier_refused_forks = self._cgroup.refused_forks()

    def look_at_forks(self) -> str | None:
        """Return a flag if a fork was refused in this run."""
        # Polled: under cgroup v1 the kernel wakes nobody for this file.
        return protocol.FORK_STORM if self._cgroup.refused_forks() > self._earlier_refused_forks else None

    def look_at_call(self) -> str | None:
        """Answer one call, now that the listener is readable; return the flag that it raises."""
        return self._calls.answer_next()

    def look_at_waiting_calls(self) -> Iterator[str | None]:
        """Answer the calls that wait now, so that none is missed at the end of its run; yield their flags."""
        if self.listener is None:
            return
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        for _ in range(LAST_LOOKS):
            if not poll.poll(0):
                break
            yield self.look_at_call()
        self._calls.lock_calls = 0  # now: the next child is forked before its run begins


class _Calls:
    """The calls that wait for our answer, read one at a time into our own buffers."""

    def __init__(self, listener: int, cgroup: Cgroup) -> None:
        self.lock_calls = 0  # in this run
        self._listener = listener
        self._cgroup = cgroup
        notification, answer = bytearray(NOTIFICATION_BYTES), bytearray(ANSWER_BYTES)
        self._notification = (ctypes.c_ubyte * NOTIFICATION_BYTES).from_buffer(notification)
        self._answer = (ctypes.c_ubyte * ANSWER_BYTES).from_buffer(answer)
        self._address = (ctypes.c_ubyte * ADDRESS_BYTES)()
        # Views of single fields.
        self._id, self._answer_id = memoryview(notification)[:8], memoryview(answer)[:8]
        self._pid = ctypes.c_uint32.from_buffer(notification, 8)
        self._call = memoryview(notification)[16:24]
        self._family = memoryview(notification)[32:40]
        self._pointers = [ctypes.c_uint64.from_buffer(notification, 32 + 8 * argument) for argument in range(6)]
        self._error = ctypes.c_int32.from_buffer(answer, 16)
        self._flags = ctypes.c_uint32.from_buffer(answer, 20)

    def answer_next(self) -> str | None:
        """Answer one call, and return the flag that it raises.

        Does not block once the listener was found ready, even if the caller has gone since.
        """
        if _libc.ioctl(self._listener, ctypes.c_ulong(SECCOMP_IOCTL_NOTIF_RECV), self._notification) != 0:
            return None  # the caller was killed, or interrupted: then it will ask again
        self._error.value, self._flags.value = -errno.EPERM, 0
        flag: str | None = protocol.FORBIDDEN_CALL
        for call, argument in CONNECTIONS:
            if self._call == call:
                self._error.value, self._flags.value = 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE
                self._copy_address(self._pointers[argument])
                flag = protocol.NETWORK_ATTEMPT if leads_out(self._address) else None
        if self._call in SOCKET_CALLS and self._family in INTERNET_FAMILIES:
            flag = None
            self._error.value = -errno.EMFILE
            if self._cgroup.sockets() < MOST_SOCKETS:
                self._error.value, self._flags.value = 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE
        if self._call in LOCK_CALLS:
            flag = None
            self._error.value = -errno.ENOLCK
            self.lock_calls += 1
            if self.lock_calls <= MOST_LOCK_CALLS:
                self._error.value, self._flags.value = 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE
        self._answer_id[:] = self._id
        # This can only fail because the caller has gone.
        _libc.ioctl(self._listener, ctypes.c_ulong(SECCOMP_IOCTL_NOTIF_SEND), self._answer)
        ctypes.memset(self._notification, 0, NOTIFICATION_BYTES)  # the kernel demands this as well
        ctypes.memset(self._address, 0, ADDRESS_BYTES)
        return flag

    def _copy_address(self, pointer: ctypes.c_uint64) -> None:
        """Copy the socket address from the caller's memory; leave zeros if that fails.

        A program can hide it, or change it meanwhile; only this flag depends on it. If the caller has gone and another
        process has its PID, that one belongs to the same run: there are no others here.
        """
        try:
            memory = os.open(f"/proc/{self._pid.value}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        _libc.pread(memory, self._address, ctypes.c_size_t(ADDRESS_BYTES), pointer)
        os.close(memory)


def leads_out(address: ctypes.Array[ctypes.c_ubyte]) -> bool:
    """Return whether a struct sockaddr is an internet address of another host, or of any name server."""
    if address[1] != 0 or address[0] not in (AF_INET, AF_INET6):
        return False
    if address[2] == 0 and address[3] == DNS_PORT:
        return True
    if address[0] == AF_INET:
        return _is_elsewhere(address, 4)
    if _any(address, 8, 18):
        return True
    if address[18] == address[19] == 0xFF:  # an IPv4 address in IPv6
        return _is_elsewhere(address, 20)
    return _any(address, 18, 23) or address[23] > 1  # :: and ::1


def _is_elsewhere(address: ctypes.Array[ctypes.c_ubyte], start: int) -> bool:
    """Return whether the IPv4 address at `start` is neither in 127.0.0.0/8 nor 0.0.0.0, which both mean this host."""
    return address[start] != 127 and _any(address, start, start + 4)


def _any(address: ctypes.Array[ctypes.c_ubyte], start: int, end: int) -> bool:
    return any(address[index] for index in range(start, end))  # a slice would be a copy
