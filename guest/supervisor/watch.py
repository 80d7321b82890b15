"""What a run is seen to try: for staff to review, and for nothing else.

Nothing here refuses. Where the kernel asks about a call that is forbidden, it is refused whatever comes of it: by our
answer, without one (the caller waits until it is killed), and without us (ENOSYS). Connections are let go on, whatever
their address: there is no network behind them. See docs/decisions/0008-flags.md.

What the kernel tells of a call holds numbers that the program has chosen. They are compared where they lie and wiped,
and never become objects of ours, which the next run would find in its copy of our memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select

from guest import protocol

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/seccomp.h. The numbers of the two requests hold the sizes of the two structures.
SECCOMP_IOCTL_NOTIF_RECV, NOTIFICATION_BYTES = 0xC0502100, 80  # struct seccomp_notif
SECCOMP_IOCTL_NOTIF_SEND, ANSWER_BYTES = 0xC0182101, 24  # struct seccomp_notif_resp
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1

# Call and ABI of connect and sendto, as they stand in a notification, on x86_64 and on aarch64; and which argument
# points to the address. The number alone would be another call, and a forbidden one, in another ABI.
CONNECTIONS = (
    (b"\x2a\0\0\0\x3e\0\0\xc0", 1),
    (b"\x2c\0\0\0\x3e\0\0\xc0", 4),
    (b"\xcb\0\0\0\xb7\0\0\xc0", 1),
    (b"\xce\0\0\0\xb7\0\0\xc0", 4),
)

AF_INET, AF_INET6 = 2, 10
ADDRESS_BYTES = 28  # struct sockaddr_in6
DNS_PORT = 53

FORK_COUNTERS = ("/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")  # cgroup v2, v1

LAST_LOOKS = 64
"""How many calls are answered when a run is over. No more processes than that can wait."""

_libc = ctypes.CDLL(None)


class Watch:
    """Sees the flags of one run after another. `listener` is the seccomp filter's, None if it has none."""

    def __init__(self, listener: int | None) -> None:
        self.listener = listener
        self._calls = None if listener is None else _Calls(listener)
        self._fork_counter = _open_fork_counter()
        self._earlier_refused_forks = 0

    def begin(self) -> None:
        """Count anew: what comes is another run's. No process of an earlier one is left."""
        self._earlier_refused_forks = self._refused_forks()

    def look_at_forks(self) -> str | None:
        """Return a flag if a fork was refused in this run."""
        return protocol.FORK_STORM if self._refused_forks() > self._earlier_refused_forks else None

    def look_at_call(self) -> str | None:
        """Answer one call, now that the listener is readable; return the flag that it raises."""
        return None if self._calls is None else self._calls.answer_next()

    def look_at_waiting_calls(self) -> Iterator[str | None]:
        """Answer the calls that wait now, so that none is lost when its run is over; yield the flags seen."""
        if self.listener is None:
            return
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        for _ in range(LAST_LOOKS):
            if not poll.poll(0):
                return
            yield self.look_at_call()

    def _refused_forks(self) -> int:
        # Polled, for the kernel wakes nobody for this file under cgroup v1.
        return 0 if self._fork_counter is None else int(os.pread(self._fork_counter, 64, 0).split()[1])


class _Calls:
    """The calls that wait for our answer."""

    def __init__(self, listener: int) -> None:
        self._listener = listener
        notification, answer = bytearray(NOTIFICATION_BYTES), bytearray(ANSWER_BYTES)
        self._notification = (ctypes.c_ubyte * NOTIFICATION_BYTES).from_buffer(notification)
        self._answer = (ctypes.c_ubyte * ANSWER_BYTES).from_buffer(answer)
        self._address = (ctypes.c_ubyte * ADDRESS_BYTES)()
        # Views of single fields.
        self._id, self._answer_id = memoryview(notification)[:8], memoryview(answer)[:8]
        self._pid = ctypes.c_uint32.from_buffer(notification, 8)
        self._call = memoryview(notification)[16:24]
        self._pointers = [ctypes.c_uint64.from_buffer(notification, 32 + 8 * argument) for argument in range(6)]
        self._error = ctypes.c_int32.from_buffer(answer, 16)
        self._flags = ctypes.c_uint32.from_buffer(answer, 20)

    def answer_next(self) -> str | None:
        """Answer one call, and return the flag that it raises.

        Does not block once the listener was found ready, even if the caller has gone since.
        """
        if _libc.ioctl(self._listener, ctypes.c_ulong(SECCOMP_IOCTL_NOTIF_RECV), self._notification) != 0:
            return None  # the caller was killed, or interrupted: then it asks again
        self._error.value, self._flags.value = -errno.EPERM, 0
        seen: str | None = protocol.FORBIDDEN_CALL
        for call, argument in CONNECTIONS:
            if self._call == call:
                self._error.value, self._flags.value = 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE
                seen = protocol.NETWORK_ATTEMPT if self._leads_out(self._pointers[argument]) else None
        self._answer_id[:] = self._id
        # It can only fail because the caller has gone.
        _libc.ioctl(self._listener, ctypes.c_ulong(SECCOMP_IOCTL_NOTIF_SEND), self._answer)
        ctypes.memset(self._notification, 0, NOTIFICATION_BYTES)  # the kernel wants that, too
        ctypes.memset(self._address, 0, ADDRESS_BYTES)
        return seen

    def _leads_out(self, pointer: ctypes.c_uint64) -> bool:
        """Tell whether the caller's address is one of another host.

        A program can keep it from us, or change it meanwhile. Nothing but this flag depends on it. Whoever has got
        the number of a caller that is gone is of the same run: there is nobody else in here.
        """
        try:
            memory = os.open(f"/proc/{self._pid.value}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        size = _libc.pread(memory, self._address, ctypes.c_size_t(ADDRESS_BYTES), pointer)
        os.close(memory)
        return size > 0 and leads_out(self._address)


def leads_out(address: ctypes.Array[ctypes.c_ubyte]) -> bool:
    """Tell whether a struct sockaddr is of the internet's kind and another host's, or any name server's."""
    if address[1] != 0 or address[0] not in (AF_INET, AF_INET6):
        return False
    if address[2] == 0 and address[3] == DNS_PORT:
        return True
    if address[0] == AF_INET:
        return _is_elsewhere(address, 4)
    if _any(address, 8, 18):
        return True
    if address[18] == address[19] == 0xFF:  # an IPv4 address as one of IPv6
        return _is_elsewhere(address, 20)
    return _any(address, 18, 23) or address[23] > 1  # :: and ::1


def _is_elsewhere(address: ctypes.Array[ctypes.c_ubyte], start: int) -> bool:
    """Tell whether the IPv4 address at `start` is neither in 127.0.0.0/8 nor 0.0.0.0, which connects to ourselves."""
    return address[start] != 127 and _any(address, start, start + 4)


def _any(address: ctypes.Array[ctypes.c_ubyte], start: int, end: int) -> bool:
    return any(address[place] for place in range(start, end))  # a slice would be a copy


def _open_fork_counter() -> int | None:
    for path in FORK_COUNTERS:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
    return None
