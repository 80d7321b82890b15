"""Attacks that must fail in a sound container, each a probe with its expected result: see `probes`."""

import re
from dataclasses import dataclass

from executions.sandbox.engine.gvisor import KERNEL
from executions.sandbox.engine.masked import MASKED
from executions.sandbox.engine.options import ENVIRONMENT, FILE_BYTES, PIDS
from executions.sandbox.results import Run, RunStatus
from executions.sandbox.settings import is_gvisor

UNCHARGED_BYTES = 24 * 1024 * 1024
"""What sockets may hold besides the container's memory: 64 receive queues of Linux's default size are 13 MB."""

UNWAITED_SECONDS = 0.1
"""The CPU time of a process that the kernel reaps by itself. Only the kernel's counter for the container has it."""

# Part of every probe: returns how the kernel refused something.
PREAMBLE = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def refusal(attempt, *arguments):
    ctypes.set_errno(0)
    try:
        code = ctypes.get_errno() if attempt(*arguments) == -1 else 0
    except OSError as error:
        code = error.errno
    return errno.errorcode.get(code, "allowed")
"""


@dataclass(frozen=True, slots=True)
class UnderGvisor:
    """The expected result of a probe under gVisor: one of `statuses`, and a stdout that matches `pattern`."""

    pattern: str
    statuses: tuple[RunStatus, ...] = (RunStatus.SUCCESS,)
    least_cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A program and its expected result: `status`, exactly `stdout`, and a charge of at least `least_cpu_seconds`.

    `is_last` means that no other probe may run in its container afterwards.
    """

    name: str
    code: str
    stdout: str
    status: RunStatus = RunStatus.SUCCESS
    timeout_seconds: float = 8
    under_gvisor: UnderGvisor | None = None
    is_last: bool = False
    least_cpu_seconds: float = 0.0

    def failure(self, run: Run, runtime: str | None) -> str | None:
        """Return what is wrong with `run` under `runtime`, None if nothing is."""
        wanted = UnderGvisor(re.escape(self.stdout), (self.status,), self.least_cpu_seconds)
        if self.under_gvisor is not None and is_gvisor(runtime):
            wanted = self.under_gvisor
        if run.status not in wanted.statuses:
            return f"ended with {run.status}, not {' or '.join(wanted.statuses)}: {run.stderr[-300:]}"
        if re.fullmatch(wanted.pattern, run.stdout) is None:
            return f"printed {run.stdout[:300]!r}, not {wanted.pattern!r}"
        if run.cpu_seconds < wanted.least_cpu_seconds:
            return f"was charged {run.cpu_seconds:.3f} s of CPU time, not {wanted.least_cpu_seconds} or more"
        return None


OWN_ENVIRONMENT = str(sorted(tuple(entry.split("=", 1)) for entry in ENVIRONMENT))

# A page of the image that only the disk has would tell a program whether an earlier one, in any container, has read it.
# So all are read before any program runs, and again whenever the canary comes round.
READ_IMAGE = """
paths = []
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys", "dev", "tmp")]
    paths += [os.path.join(directory, name) for name in files]
read = 0
for path in sorted(paths)[{part}::{parts}]:
    if os.path.isfile(path) and not os.path.islink(path):
        with open(path, "rb", buffering=0) as file:
            while size := len(file.read(1 << 20)):
                read += size
print(read > 0)
"""
PARTS = 4
"""What a container reads from the disk counts towards its memory, which would not hold the whole image."""


def reading_probe(part: int) -> Probe:
    """Return a probe that reads a part of the image into the host's memory.

    It is the last in its container: others fill the memory, and the kernel would drop what was read.
    """
    code = READ_IMAGE.format(part=part, parts=PARTS)
    return Probe(f"can read part {part + 1} of {PARTS} of the image", code, "True\n", timeout_seconds=30, is_last=True)


PROBES = (
    Probe(
        "runs as nobody, without capabilities, under no_new_privs and seccomp",
        """
status = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(os.getuid() >= 1000, os.getgid() == os.getuid(), os.getgroups() in ([], [os.getgid()]))
sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
print({status[name].strip("0") for name in sets if name in status}, [name for name in sets if name not in status])
PR_GET_NO_NEW_PRIVS = 39
print(libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), status["Seccomp"])
""",
        "True True True\n{''} []\n1 2\n",
        # gVisor has no ambient capabilities.
        under_gvisor=UnderGvisor(r"True True True\n\{''\} \[('CapAmb')?\]\n1 2\n"),
    ),
    Probe(
        "refuses kernel interfaces that no lesson needs",
        """
# Call numbers differ; on a machine not listed here the probe fails, so that no program runs there.
keyctl, userfaultfd, bpf = {"x86_64": (250, 323, 321), "aarch64": (219, 282, 280)}[os.uname().machine]
attempts = {
    "AF_ALG": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    "AF_NETLINK": lambda: socket.socket(16, socket.SOCK_RAW),
    "AF_VSOCK": lambda: socket.socket(40, socket.SOCK_STREAM),
    "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
    "keyctl": lambda: libc.syscall(keyctl, 0, -3, 1),
    "io_uring_setup": lambda: libc.syscall(425, 1, ctypes.create_string_buffer(120)),
    "userfaultfd": lambda: libc.syscall(userfaultfd, 0),
    "bpf": lambda: libc.syscall(bpf, 0, 0, 0),
    "user namespace": lambda: libc.unshare(0x10000000),
    "setns": lambda: libc.setns(0, 0),
    "limits of the supervisor": lambda: libc.prlimit(1, 7, 0, 0),
    "priority of the supervisor": lambda: libc.setpriority(0, 1, 19),
    "processors of the supervisor": lambda: libc.sched_setaffinity(1, 8, b"\\1\\0\\0\\0\\0\\0\\0\\0"),
}
results = {name: refusal(attempt) for name, attempt in attempts.items()}
print({name: result for name, result in results.items() if result != "EPERM"})
print(refusal(os.memfd_create, "program"), refusal(libc.inotify_init1, 0))
""",
        "{}\nENOSYS ENOSYS\n",
    ),
    Probe(
        "has no network",
        """
print(sorted(line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]))
for address in ("169.254.169.254", "172.17.0.1", "8.8.8.8"):
    print(refusal(socket.socket().connect, (address, 80)))
""",
        "['lo']\n" + "ENETUNREACH\n" * 3,
        under_gvisor=UnderGvisor(r"\['lo'\]\n(E(NET|HOST)UNREACH\n){3}"),
    ),
    Probe(
        "writes nowhere but in its scratch directories",
        """
directories = "/ /etc /usr /var /var/tmp /run /home /root /opt /opt/sandbox /dev /sys /proc /proc/sys /sys/fs/cgroup"
for directory in directories.split():
    if refusal(os.open, directory + "/written", os.O_CREAT | os.O_WRONLY) not in ("EROFS", "EACCES", "ENOENT", "EPERM"):
        print("can write in", directory)
for directory in ("/tmp", "/dev/shm"):
    program = directory + "/program"
    with open(os.open(program, os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
        file.write("#!/bin/sh")
    print(refusal(os.execv, program, [program]))
""",
        "EACCES\nEACCES\n",
    ),
    Probe(
        "fills no disk",
        f"""
def fill(size):
    with open("/tmp/full", "wb", buffering=0) as file:
        for _ in range(64):
            file.write(b"x" * size)
def crowd():
    for number in range(5000):
        open(f"/tmp/{{number}}", "w").close()
print(refusal(fill, {FILE_BYTES // 16}) in ("ENOSPC", "EFBIG"))
os.unlink("/tmp/full")
print(refusal(crowd))
""",
        "True\nENOSPC\n",
        # gVisor counts no inodes. Their memory is the container's, and so bounded.
        under_gvisor=UnderGvisor(r"True\n(ENOSPC|allowed)\n"),
    ),
    Probe(
        "shows nothing but its own environment and processes, and little of the host",
        f"""
print(sorted(os.environ.items()))
print(refusal(open, "/proc/1/environ"), refusal(os.listdir, "/proc/1/fd"))
for number in range(3):
    channel = "/proc/1/fd/%d" % number
    refusal(os.chmod, channel, 0o666)
    print(refusal(os.open, channel, os.O_RDWR | os.O_NONBLOCK), refusal(os.open, channel, os.O_RDONLY | os.O_NONBLOCK))
print(len([name for name in os.listdir("/proc") if name.isdigit()]))
print(sorted(os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")))
print([path for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd") if os.path.exists(path)])
def shown(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read()
    except FileNotFoundError:
        return None
print([path for path in {MASKED} if shown(path)])
print([line for line in open("/proc/self/cgroup") if not line.endswith(":/\\n")])
print(refusal(os.open, "/dev/ptmx", os.O_RDWR))
""",
        OWN_ENVIRONMENT + "\n" + "EACCES EACCES\n" * 4 + "2\n['0', '1', '2'] 4\n[]\n[]\n[]\nENOENT\n",
        # Under gVisor, PID 1 can be inspected. It has the same environment; its descriptors are closed to others.
        # gVisor has its own files in place of the masked ones, and its own terminals.
        under_gvisor=UnderGvisor(
            rf"{re.escape(OWN_ENVIRONMENT)}\n(EACCES|allowed) (EACCES|allowed)\n(EACCES EACCES\n){{3}}"
            r"2\n\['0', '1', '2'\] 4\n\[\]\n\[.*\]\n\[\]\nE\w+\n"
        ),
    ),
    Probe(
        "holds little in sockets that is not charged to it",
        f"""
def charged():
    for path in ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory.current"):
        if os.path.exists(path):
            return int(open(path).read())
    return 0
def queued():
    lines = [line for name in ("tcp", "udp") for line in open(f"/proc/net/{{name}}").readlines()[1:]]
    return sum(int(size, 16) for line in lines for size in line.split()[4].split(":"))
def fill(*senders):
    for sender in senders:
        sender.setblocking(False)
        for _ in range(8):
            refusal(sender.send, bytes(60_000))
kept = []
def take():
    while len(kept) < 250:
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
refusal(take)
count = len(kept)
def datagrams():
    for receiver in kept[:4]:
        receiver.bind(("127.0.0.1", 0))
        receiver.connect(receiver.getsockname())
        fill(receiver)
def streams():
    del kept[:]
    kept.append(socket.create_server(("127.0.0.1", 0)))
    for _ in range(2):
        kept.extend((socket.create_connection(kept[0].getsockname()), kept[0].accept()[0]))
        fill(*kept[-2:])
for attempt in (datagrams, streams):
    before = charged()
    attempt()
    print(count * (queued() - (charged() - before)) // 4 < {UNCHARGED_BYTES})
""",
        "True\nTrue\n",
        timeout_seconds=20,
        # gVisor's own kernel holds it, in the container's memory.
        under_gvisor=UnderGvisor(r"(True\n){0,2}", (RunStatus.SUCCESS, RunStatus.MEMORY_LIMIT, RunStatus.ERROR)),
    ),
    Probe(
        "ends endless file locks",
        """
import fcntl, time
with open("/etc/passwd") as file:
    for number in range(5000):
        fcntl.lockf(file, fcntl.LOCK_SH, 1, 2 * number)
    time.sleep(2)
""",
        "",
        RunStatus.MEMORY_LIMIT,
        # There they are in the container's memory.
        under_gvisor=UnderGvisor("", (RunStatus.SUCCESS,)),
    ),
    Probe(
        "charges the CPU time of processes that nobody waits for",
        f"""
import signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    while time.process_time() < {UNWAITED_SECONDS}: pass
    os._exit(0)
try: os.wait()
except ChildProcessError: print("gone")
""",
        "gone\n",
        least_cpu_seconds=UNWAITED_SECONDS,
        # gVisor has no counter of the container's CPU time.
        under_gvisor=UnderGvisor("gone\n"),
    ),
    Probe("ends at 128 MB", "data = bytearray(300 * 1024 * 1024)", "", RunStatus.MEMORY_LIMIT),
    Probe(
        "starts few processes",
        f"""
import time
count = 0
def bomb():
    global count
    while count < 1000:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        count += 1
print(refusal(bomb), 0 < count < {PIDS})
""",
        "EAGAIN True\n",
        # gVisor's kernel ends with all processes if the host gives it no more threads or memory.
        under_gvisor=UnderGvisor("", (RunStatus.ERROR, RunStatus.MEMORY_LIMIT)),
    ),
    Probe(
        "ends at the deadline", "print('so far')\nwhile True: pass", "so far\n", RunStatus.TIMEOUT, timeout_seconds=1
    ),
    Probe(
        "ends a flood of output",
        "import os\nwhile True: os.write(2, b'x' * 65536)",
        "",
        RunStatus.OUTPUT_LIMIT,
    ),
    *map(reading_probe, range(PARTS)),
)


GVISOR_PROBES = (
    # A runtime can have any name, and any program can be behind that name.
    Probe("runs on gVisor's kernel", "print(os.uname().release, os.uname().version)", " ".join(KERNEL) + "\n"),
    Probe(
        "lets no signal reach the supervisor",
        """
import fcntl
reader, writer = os.pipe()
fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
print(refusal(os.kill, 1, 9), refusal(libc.tgkill, 1, 1, 9), refusal(libc.syscall, 200, 1, 9))
print(refusal(fcntl.fcntl, reader, 8, 1), refusal(fcntl.ioctl, reader, 0x8901, b"\\1\\0\\0\\0"))
""",
        "EPERM EPERM EPERM\nENOSYS ENOSYS\n",
    ),
)


def probes_for(runtime: str | None) -> tuple[Probe, ...]:
    """Return the probes that must pass under `runtime`."""
    return (*GVISOR_PROBES, *PROBES) if is_gvisor(runtime) else PROBES
