"""The list of system calls: what is not on it fails as on a kernel that lacks it."""

import pytest

from executions.sandbox.engine.engine import Engine
from executions.sandbox.results import RunStatus
from guest.supervisor.watch import MOST_LOCK_CALLS
from tests.sandbox.conftest import Runner, telling_its_refusal
from tests.sandbox.test_flags import NOTHING, container_without_dockers_profile
from tests.sandbox.test_isolation import CALL

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

BUFFER = "ctypes.create_string_buffer(4096)"


@wall("seccomp", "allow_list")
@pytest.mark.parametrize(
    "call",
    [
        "syscall(294, 0)",  # inotify_init1
        "syscall(240, b'queue', 0o102, 0o600, 0)",  # mq_open
        "syscall(319, b'program', 0)",  # memfd_create
        "syscall(322, 0, b'/usr/bin/true', 0, 0, 0)",  # execveat
        "syscall(27, 0, 0, 0)",  # mincore
        "syscall(187, 0, 0, 0)",  # readahead
        f"syscall(327, os.open('/etc/passwd', 0), {BUFFER}, 0, 0, 0, 8)",  # preadv2, RWF_NOWAIT
        "syscall(216, 0, 0, 0, 0, 0)",  # remap_file_pages
        "syscall(324, 1, 0, 0)",  # membarrier
        "syscall(149, 0, 0)",  # mlock
        f"syscall(222, 1, 0, {BUFFER})",  # timer_create
        "syscall(277, 0, 0, 0, 0)",  # sync_file_range
        "syscall(278, 1, 0, 0, 0)",  # vmsplice
        "syscall(129, os.getpid(), 0, 0)",  # rt_sigqueueinfo
        f"syscall(282, -1, {BUFFER}, 8)",  # signalfd
        # commands and options of calls that are many calls in one
        "fcntl(os.pipe()[1], 1031, 1 << 20)",  # F_SETPIPE_SZ
        "fcntl(os.pipe()[1], 8, os.getpid())",  # F_SETOWN
        f"fcntl(os.pipe()[1], 15, {BUFFER})",  # F_SETOWN_EX
        "fcntl(os.open('/tmp', 0), 1026, 0)",  # F_NOTIFY
        "fcntl(os.open('/etc/passwd', 0), 1024, 0)",  # F_SETLEASE
        f"fcntl(os.open('/etc/passwd', 0), 36, {BUFFER})",  # F_OFD_GETLK
        f"ioctl(os.open('/etc/passwd', 0), 0xc020660b, {BUFFER})",  # FS_IOC_FIEMAP
        f"ioctl(os.pipe()[1], 0x5452, {BUFFER})",  # FIOASYNC
        "ioctl(0, 0x5412, b'x')",  # TIOCSTI
        "madvise(0, 0, 21)",  # MADV_PAGEOUT
        "madvise(0, 0, 20)",  # MADV_COLD
        "madvise(0, 0, 22)",  # MADV_POPULATE_READ
        "madvise(0, 0, 25)",  # MADV_COLLAPSE
        "prctl(36, 1, 0, 0, 0)",  # PR_SET_CHILD_SUBREAPER
        "prctl(59, 0, 0, 0, 0)",  # PR_SET_SYSCALL_USER_DISPATCH
        "socket(2, 1, 262)",  # IPPROTO_MPTCP
    ],
)
def test_deny_calls_that_no_lesson_needs(run: Runner, call: str) -> None:
    result = run(telling_its_refusal(CALL.format(call=call)))
    assert (result.stdout, result.flags) == ("ENOSYS\n", NOTHING)


ATTACH = """
program = struct.pack("HBBI", 6, 0, 0, 0xFFFFFFFF)  # return everything
code = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).setsockopt(socket.SOL_SOCKET, {option}, filter)
"""


@wall("seccomp", "allow_list")
@pytest.mark.parametrize(
    "attempt",
    [
        ATTACH.format(option=26),  # SO_ATTACH_FILTER
        ATTACH.format(option=51),  # SO_ATTACH_REUSEPORT_CBPF
        "socket.socket().setsockopt(socket.SOL_SOCKET, 50, -1)",  # SO_ATTACH_BPF
        "socket.socket().setsockopt(socket.SOL_SOCKET, 52, -1)",  # SO_ATTACH_REUSEPORT_EBPF
        "socket.socket().setsockopt(socket.IPPROTO_TCP, 31, b'tls')",  # TCP_ULP
        "socket.socket().getsockopt(socket.SOL_SOCKET, 57, 8)",  # SO_COOKIE, counted for the whole host
        "socket.socket().getsockopt(socket.SOL_SOCKET, 55, 40)",  # SO_MEMINFO
        "socket.socket().getsockopt(socket.SOL_SOCKET, 49)",  # SO_INCOMING_CPU
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).setsockopt("
        "socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, 'ff02::1') + bytes(4))",
    ],
)
def test_deny_socket_options_that_no_lesson_needs(run: Runner, attempt: str) -> None:
    assert run.refusal(f"import struct\n{attempt}") == "ENOSYS"


@wall("seccomp", "allow_list")
def test_deny_calls_of_newer_kernels(engine: Engine) -> None:
    """Those of today's kernel that came after landlock. Docker's profile may know them, so it is off here."""
    code = "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    code += "for number in (444, 445, 446, *range(448, 452), *range(453, 480)):\n"
    code += "    libc.syscall(number, -1, -1, -1, -1, -1, -1)\n"
    code += "    if ctypes.get_errno() != errno.ENOSYS: print(number, ctypes.get_errno())\n"
    with container_without_dockers_profile(engine) as container:
        result = container.run(code, "", None, 8)
    assert (result.status, result.stdout, result.flags) == (RunStatus.SUCCESS, "", NOTHING)


@wall("seccomp", "direct_reads")
@pytest.mark.parametrize(
    "attempt",
    [
        "os.open('/usr/bin/true', os.O_RDONLY | os.O_DIRECT)",
        CALL.format(call="syscall(2, b'/usr/bin/true', os.O_DIRECT)"),  # open
        "fcntl.fcntl(os.open('/usr/bin/true', os.O_RDONLY), fcntl.F_SETFL, os.O_DIRECT)",
    ],
)
def test_deny_reading_past_the_page_cache(run: Runner, attempt: str) -> None:
    """With 24 threads, it read 500 MB a second, and the host's own writes took a hundred times as long."""
    assert run.refusal(f"import fcntl\n{attempt}") == "EINVAL"


def test_deny_openat2_whose_flags_cannot_be_seen(run: Runner) -> None:
    call = "syscall(437, -100, b'/usr/bin/true', struct.pack('QQQ', os.O_DIRECT, 0, 0), 24)"
    assert run.refusal("import struct\n" + CALL.format(call=call)) == "ENOSYS"


@wall("seccomp", "no_operations")
def test_deny_dropping_pages_that_containers_share(run: Runner) -> None:
    """Whether a page of the image is in memory would be one bit for another execution to read."""
    code = """
import importlib.util, mmap, os, resource
file = os.open(importlib.util.find_spec("_codecs_jp").origin, os.O_RDONLY)  # nobody has it loaded
size = len(os.read(file, 1 << 20))
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
pages = mmap.mmap(file, size, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)
before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
for start in range(0, size, mmap.PAGESIZE): pages[start]
print(resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before)
"""
    assert run(code).stdout == "0\n"


@wall("seccomp", "no_operations")
@pytest.mark.parametrize("call", ["fsync(-1)", "fdatasync(-1)", "syncfs(-1)", "msync(1, 1, 4)"])
def test_deny_making_the_host_write_to_its_disk(run: Runner, call: str) -> None:
    """/etc/hostname is a file of the host's disk. These calls do nothing: not even a bad argument is an error."""
    assert run.refusal(CALL.format(call=call)) == "allowed"


@wall("message_queues")
def test_deny_message_queues(run: Runner) -> None:
    """The kernel counts their bytes by user. Creating a file in their directory makes one, too."""
    assert run.refusal("open('/dev/mqueue/queue', 'w')") == "EMFILE"


@wall("seccomp", "own_buffers")
@pytest.mark.parametrize("option", ["SO_SNDBUF", "SO_RCVBUF"])
def test_deny_larger_socket_buffers(run: Runner, option: str) -> None:
    """Under cgroup v1 they are charged to nobody. The wish succeeds, as it does where the kernel cuts it short."""
    code = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    code += f"kind = socket.SOL_SOCKET, socket.{option}\n"
    code += "before = s.getsockopt(*kind)\ns.setsockopt(*kind, 1 << 20)\nprint(s.getsockopt(*kind) == before)"
    assert run(code).stdout == "True\n"


@wall("seccomp", "huge_pages")
def test_deny_the_hosts_huge_pages(run: Runner) -> None:
    """They are charged to nobody's memory. Without our rule, a length of 0 would be the error."""
    assert run.refusal(CALL.format(call="mmap(0, 0, 3, 0x40022, -1, 0)")) == "ENOMEM"


TAKE_LOCKS = """
import fcntl, time
file = open("/etc/passwd")
for n in range({number}): fcntl.lockf(file, fcntl.LOCK_SH, 1, 2 * n)
"""


@wall("file_locks")
def test_deny_endless_file_locks(run: Runner) -> None:
    """The kernel charges them to nobody. A thousand are more than any lesson needs."""
    result = run(TAKE_LOCKS.format(number=5000) + "time.sleep(5)")
    assert (result.status, result.stderr) == (RunStatus.MEMORY_LIMIT, "")


@wall("seccomp", "own_descriptors")
@pytest.mark.parametrize("flags", ["0x400", "0x600"])  # CLONE_FILES; and CLONE_FS
def test_deny_leaving_file_locks_to_another_process(run: Runner, flags: str) -> None:
    """A child that shares its parent's descriptors leaves its locks there, and the kernel's list has them no more."""
    assert run.refusal(CALL.format(call=f"syscall(56, {flags} | 17, 0, 0, 0, 0)")) == "EPERM"


def test_allow_some_file_locks(run: Runner) -> None:
    assert run(TAKE_LOCKS.format(number=500) + "time.sleep(0.2)\nprint('ok')").stdout == "ok\n"


LOCK_OPEN_FILES = """
import fcntl
file = open("/etc/passwd")
for _ in range({number}):
    fcntl.flock(file, fcntl.LOCK_SH)
    fcntl.flock(file, fcntl.LOCK_UN)
"""


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (MOST_LOCK_CALLS, "allowed"),
        pytest.param(MOST_LOCK_CALLS + 1, "ENOLCK", marks=wall("lock_calls")),
    ],
)
def test_deny_locking_open_files_for_ever(run: Runner, number: int, answer: str) -> None:
    """A process may lock one, leave it to another and end. Nobody can count such locks: only how many were taken."""
    result = run(telling_its_refusal(LOCK_OPEN_FILES.format(number=number)), timeout_seconds=30)
    assert (result.stdout, result.flags) == (f"{answer}\n", NOTHING)
