"""What the supervisor's inspection notices: here the process that it belongs to changes itself or its surroundings.

In a container most of this is refused in the first place; see test_reuse.py.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
wall = pytest.mark.wall

INSPECTED = """
import ctypes, fcntl, os, resource, signal, socket, struct, sys, time
from guest.supervisor import scratch

class Cgroup:
    charged, is_full, killed = 10_000_000, False, 0
    def memory_bytes(self): return self.charged
    def has_met_memory_limit(self): return self.is_full
    def oom_kills(self): return self.killed

os.statvfs = lambda path: os.statvfs_result(range(10))  # others use the host's disk
scratch.DIRECTORIES, scratch.MESSAGE_QUEUES = (sys.argv[2],), "/nowhere"
from guest.supervisor.inspection import Inspection
cgroup, libc = Cgroup(), ctypes.CDLL(None)
inspection = Inspection(cgroup)
exec(sys.argv[1])
print(*inspection.differences())
"""


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return a directory like those of a container: in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


def differences_after(change: str, directory: Path) -> set[str]:
    """Return what differs after the statements in `change`. The whole host lives beside that process."""
    command = [sys.executable, "-c", INSPECTED, change, str(directory)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


NEIGHBOURS = {"processes", "sockets", "traffic"}
"""What other processes of the host may change at any time."""


def test_nothing_differs_in_a_process_that_has_changed_nothing(scratch: Path) -> None:
    assert differences_after("", scratch) <= NEIGHBOURS


@pytest.mark.parametrize(
    ("difference", "change"),
    [
        pytest.param("processes", "", marks=wall("new_processes")),
        pytest.param("files", "open(f'{sys.argv[2]}/a', 'w')", marks=wall("new_files")),
        pytest.param("files", "os.mkdir(f'{sys.argv[2]}/a')", marks=wall("new_files")),
        pytest.param("files", "os.chmod(sys.argv[2], 0o711)", marks=wall("new_files")),
        pytest.param("limits", "resource.setrlimit(resource.RLIMIT_CPU, (99, 99))", marks=wall("new_limits")),
        pytest.param(
            "limits", "resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 30))", marks=wall("new_limits")
        ),
        pytest.param("scheduling", "os.nice(1)", marks=wall("new_scheduling")),
        pytest.param(
            "scheduling",
            "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
            marks=wall("new_scheduling"),
        ),
        pytest.param(
            "scheduling", "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", marks=wall("new_scheduling")
        ),
        pytest.param("scheduling", "libc.prctl(29, 1_000_000, 0, 0, 0)", marks=wall("new_scheduling")),  # TIMERSLACK
        pytest.param("scheduling", "libc.syscall(251, 1, 0, 3 << 13)", marks=wall("new_scheduling")),  # ioprio_set
        pytest.param("signals", "signal.signal(signal.SIGUSR1, signal.SIG_IGN)", marks=wall("new_signals")),
        pytest.param("signals", "signal.pthread_sigmask(signal.SIG_BLOCK, {64})", marks=wall("new_signals")),
        pytest.param("descriptors", "os.open('/', os.O_RDONLY)", marks=wall("new_descriptors")),
        pytest.param("descriptors", "os.dup2(1, 0)", marks=wall("new_descriptors")),
        pytest.param("descriptors", "os.close(0)", marks=wall("new_descriptors")),
        pytest.param("attributes", "os.umask(0o77)", marks=wall("new_attributes")),
        pytest.param("attributes", "os.chdir('/')", marks=wall("new_attributes")),
        pytest.param("attributes", "libc.prctl(4, 0, 0, 0, 0)", marks=wall("new_attributes")),  # DUMPABLE
        pytest.param("attributes", "libc.personality(0x40000)", marks=wall("new_attributes")),  # without ASLR
        pytest.param("oom_score", "open('/proc/self/oom_score_adj', 'w').write('999')", marks=wall("new_oom_score")),
        pytest.param("oom_score", "open('/proc/self/coredump_filter', 'w').write('7')", marks=wall("new_oom_score")),
        pytest.param("sockets", "kept = socket.socket()", marks=wall("new_sockets")),
        pytest.param("sockets", "kept = socket.socketpair()", marks=wall("new_sockets")),
        pytest.param("memory_limit", "cgroup.is_full = True", marks=wall("new_memory_limit")),
        pytest.param("memory_limit", "cgroup.killed += 1", marks=wall("new_memory_limit")),
        pytest.param("memory", "cgroup.charged += 5_000_000 + os.cpu_count() * 2**18", marks=wall("new_memory")),
    ],
)
def test_inspection_notices_a_change(difference: str, change: str, scratch: Path) -> None:
    assert difference in differences_after(change, scratch)


@wall("new_traffic")
def test_inspection_notices_traffic(scratch: Path) -> None:
    change = "kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nkept.sendto(b'x', ('127.0.0.1', 9))"
    assert "traffic" in differences_after(change, scratch)


@wall("new_ipc")
def test_inspection_notices_shared_memory(scratch: Path) -> None:
    change = (
        "kept = libc.shmget(0, 4096, 0o600)\nlost = inspection.differences()\nlibc.shmctl(kept, 0, None)\nprint(*lost)"
    )
    assert "ipc" in differences_after(change, scratch)


@pytest.mark.parametrize(
    "change",
    [
        "cgroup.charged += 4_000_000",
        "cgroup.charged -= 4_000_000",
        "inspection.expect_more_memory(50_000_000)\ncgroup.charged += 52_000_000",
        "os.close(os.open('/', os.O_RDONLY))",
        "open(f'{sys.argv[2]}/a', 'w').close()\nos.remove(f'{sys.argv[2]}/a')",
    ],
)
def test_inspection_allows_what_is_undone_or_too_small_to_matter(change: str, scratch: Path) -> None:
    assert differences_after(change, scratch) <= NEIGHBOURS


def test_what_cannot_be_read_counts_as_changed(scratch: Path) -> None:
    """As under gVisor: the host then learns at the start that this container serves one submission."""
    change = "import guest.supervisor.inspection as module\nmodule.TRAFFIC = ('/proc/missing',)\ncgroup.charged = 0\n"
    change += "inspection = Inspection(cgroup)"
    assert differences_after(change, scratch) >= {"traffic", "memory"}


def test_what_the_kernel_writes_does_not_stay_in_memory(scratch: Path) -> None:
    """The next program starts with a copy of it."""
    change = "assert not any(inspection._buffer)\ninspection.differences()\nassert not any(inspection._buffer)"
    assert differences_after(change, scratch) <= NEIGHBOURS
