"""What the submission before could leave in a container.

Each attack runs in a container that a harmless program then runs in. Either the container fails the check and is never
used again, or that program finds nothing. See docs/decisions/0029-reuse.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from executions.sandbox.container.container import Container
from executions.sandbox.engine.options import CPU_QUOTA_MICROSECONDS
from executions.sandbox.profiles import Profile
from executions.sandbox.results import Run, RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import is_gvisor
from tests.sandbox.conftest import RUNTIME
from tests.sandbox.test_tests import SEARCH

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(is_gvisor(RUNTIME), reason="cannot be inspected under gVisor, and is never used twice"),
]
wall = pytest.mark.wall

CHECK_SECONDS = 5.0


@dataclass
class Used:
    """A container that runs one submission after another."""

    container: Container

    def run(self, code: str, stdin: str = "", test: TestProgram | None = None, seconds: float = 8) -> Run:
        """Run a submission of one program, which must end by itself with 0."""
        self.container.begin()
        run = self.container.run(code, stdin, test, seconds)
        assert (run.status, run.stderr) == (RunStatus.SUCCESS, ""), run
        return run

    def is_clean(self) -> bool:
        return self.container.check_clean(CHECK_SECONDS)

    def then(self, code: str, stdin: str = "") -> str:
        """Return the output of the next submission, for which the container must have passed the check."""
        assert self.is_clean(), self.container.differences
        return self.run(code, stdin).stdout


@pytest.fixture
def launch(sandbox: Sandbox) -> Iterator[Callable[..., Used]]:
    launched = []

    def launch(profile: Profile = Profile.PLAIN) -> Used:
        container = sandbox.launcher.launch(profile)
        launched.append(container)
        return Used(container)

    yield launch
    for container in launched:
        container.close()


@pytest.fixture
def used(launch: Callable[..., Used]) -> Used:
    return launch()


def test_container_that_was_asked_which_inputs_are_calls_may_serve_again(used: Used) -> None:
    used.container.begin()
    _, are_calls = used.container.find_calls(["add([1], 2)", "(1, 2)"], CHECK_SECONDS)
    assert are_calls == [True, False]
    assert used.then("print('next')") == "next\n"


def test_container_that_has_sent_files_serves_again_and_has_nothing_of_them(used: Used) -> None:
    used.container.begin()
    names = ("CANARY1" * 14, "CANARY2" * 14)
    code = f"open({names[0]!r}, 'w').write('CANARY' * 100_000)"
    run = used.container.run(code, "", None, 8, collect=names)
    assert [len(file.content) for file in run.collected] == [600_000]
    assert used.then(SEARCH + "import os\nprint(os.listdir(), find('C A N A R Y'))") == "['main.py'] 0\n"


def test_container_that_has_traced_a_program_serves_again(used: Used) -> None:
    used.container.begin()
    assert used.container.trace("x = 1", "", 2, None, ()).status is RunStatus.SUCCESS
    assert used.then("print('next')") == "next\n"


# What lives on

DAEMON = """
import os, signal, sys, time
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {preparation}
        os.write(writer, b"x")
        while True:
            {deed}
    os._exit(0)
os.read(reader, 1)
os._exit(0)
"""


@wall("no_survivors")
@pytest.mark.parametrize(
    "preparation",
    [
        "pass",
        "[signal.signal(each, signal.SIG_IGN) for each in (1, 2, 3, 10, 12, 13, 14, 15, 20, 21, 22)]",
        "os.close(0), os.close(1), os.close(2)",
        "[os.fork() for _ in range(4)]",
        "os.execv('/bin/sleep', ['sleep', '60'])",
    ],
)
def test_no_survivor_of_a_submission_reaches_the_next(used: Used, preparation: str) -> None:
    """It has left its session and its parent, as a daemon does."""
    if "execv" in preparation:
        preparation = f"os.write(writer, b'x'); {preparation}"
    used.run(DAEMON.format(preparation=preparation, deed="open('/tmp/planted', 'w').close(); time.sleep(0.001)"))
    look = (
        "import os, time\ntime.sleep(0.1)\nprint(os.listdir('/tmp'), [p for p in os.listdir('/proc') if p.isdigit()])"
    )
    output = used.then(f"{look}\nprint(os.getpid())").splitlines()
    assert output[0] == f"['main.py'] ['1', '{output[1]}']"


def test_stopped_processes_do_not_live_on(used: Used) -> None:
    used.run("import os, signal\nfor _ in range(9):\n    if os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)")
    assert used.then("import os\nprint(sum(p.isdigit() for p in os.listdir('/proc')))") == "2\n"


# Files

LOOK_AT_FILES = """
import os
for directory in ("/tmp", "/dev/shm", "/dev/mqueue"):
    print(sorted(os.listdir(directory)), oct(os.stat(directory).st_mode), os.stat(directory).st_nlink)
    try: print(os.listxattr(directory))
    except OSError: print([])
space = os.statvfs("/tmp")
print(space.f_blocks - space.f_bfree, space.f_files - space.f_ffree)
"""
NO_FILES = """\
['main.py'] 0o41777 2
[]
[] 0o41777 2
[]
[] 0o41777 2
[]
1 2
"""


@wall("sweep")
@pytest.mark.parametrize(
    "planted",
    [
        "for directory in ('/tmp', '/dev/shm'):\n    open(f'{directory}/\\x80 planted', 'w').write('data')",
        "for _ in range(400):\n    os.mkdir('d'); os.chdir('d')",
        "os.mkdir('d', 0)",
        "os.mkdir('d'); open('d/f', 'w').close(); os.chmod('d/f', 0); os.chmod('d', 0)",
        "os.mkfifo('fifo'); os.symlink('/', 'link'); os.link('main.py', 'main2.py')",
        "socket.socket(socket.AF_UNIX).bind('s')",
        "os.rename('main.py', '-rf')",
        "open('f', 'w').close()\ntry: os.setxattr('f', 'user.planted', b'data')\nexcept OSError: pass",
        "[open(f'{n}', 'w').close() for n in range(1000)]",
        "open('f', 'wb').write(bytes(15_000_000))",
        "from multiprocessing import shared_memory as s; s.SharedMemory('planted', True, 9, track=False)",
        "os.makedirs('.shown/planted')",
        "libc.mq_open(b'/planted', os.O_CREAT | os.O_RDWR, 0o600, None)",
    ],
)
def test_no_file_reaches_the_next_submission(used: Used, planted: str) -> None:
    used.run(f"import ctypes, os, socket\nlibc = ctypes.CDLL(None)\nos.chdir('/tmp')\n{planted}")
    assert used.then(LOOK_AT_FILES) == NO_FILES


def test_roots_of_the_scratch_directories_cannot_be_changed(used: Used) -> None:
    used.run(
        "import os\n"
        "for directory in ('/tmp', '/dev/shm', '/dev/mqueue'):\n"
        "    for change in (\n"
        "        lambda: os.chmod(directory, 0o700), lambda: os.chown(directory, -1, os.getgid()),\n"
        "        lambda: os.setxattr(directory, 'user.a', b'x'), lambda: os.utime(directory, (1, 1)),\n"
        "    ):\n"
        "        try: change()\n"
        "        except OSError: pass\n"
        "        else: raise SystemExit(directory)\n"
    )
    assert used.then(LOOK_AT_FILES) == NO_FILES


@wall("new_times")
def test_time_of_a_directory_is_not_when_the_last_submission_used_it(used: Used) -> None:
    """It holds a billion values in each second, which a program could choose from."""
    leave = "import os, time\nos.close(os.open('/dev/shm/a', os.O_CREAT))\nos.remove('/dev/shm/a')\n"
    pause = "time.sleep(0.05)"  # the kernel's times lag by some milliseconds
    left = used.run(f"{leave}{pause}\nprint(time.time_ns())\n{pause}")
    stat = used.then("import os\nfound = os.stat('/dev/shm')\nprint(found.st_mtime_ns, found.st_ctime_ns)")
    assert all(int(time) > int(left.stdout) for time in stat.split())


def test_all_of_the_disk_is_free_for_the_next_submission(used: Used) -> None:
    """A deleted file counts as long as something holds it open."""
    used.run("import os\nheld = open('/tmp/a', 'wb')\nheld.write(bytes(15_000_000))\nos.remove('/tmp/a')\nos.fork()")
    assert used.then("print(open('/tmp/b', 'wb').write(bytes(15_000_000)))") == "15000000\n"
    used.run("n = [open(f'/tmp/{n}', 'w').close() for n in range(1000)]")
    assert used.then("print(len([open(f'/tmp/x{n}', 'w').close() for n in range(1000)]))") == "1000\n"


def test_file_in_flight_between_sockets_does_not_live_on(used: Used) -> None:
    """Two sockets that carry each other are collected only after their processes have ended."""
    used.run(
        "import os, socket\n"
        "held = open('/tmp/held', 'wb')\nheld.write(bytes(10_000_000))\nheld.flush()\nos.remove('/tmp/held')\n"
        "a, b = socket.socketpair()\n"
        "for _ in range(20): socket.send_fds(a, [b'x'], [a.fileno(), b.fileno(), held.fileno()])"
    )
    if used.is_clean():
        assert used.then(LOOK_AT_FILES) == NO_FILES
    else:
        assert used.container.differences <= {"files", "sockets", "memory"}


def test_lock_on_a_file_of_the_image_is_released(used: Used) -> None:
    lock = "import fcntl\nfile = open('/usr/local/bin/python3')\nfcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    used.run(f"{lock}\nimport os\nos.fork()")
    assert used.then(f"{lock}\nprint('free')") == "free\n"


@pytest.mark.parametrize(
    "path",
    [
        "/opt/sandbox/guest/program/task.py",
        "/opt/sandbox/sitecustomize.py",
        "{stdlib}/random.py",
        "{stdlib}/__pycache__/x.pyc",
    ],
)
def test_deny_changing_modules_for_the_next_submission(used: Used, path: str) -> None:
    code = "import os, random\nstdlib = os.path.dirname(random.__file__)\n"
    code += f"try: open(f'{path}', 'ab')\nexcept OSError: print('refused')"
    assert used.run(code).stdout == "refused\n"
    assert used.then("import random\nprint(random.randint(1, 1))") == "1\n"


# The memory that the next process starts with


CHANGE_ONESELF = """
import builtins, os, random, resource, sys
os.environ["PLANTED"] = "1"
os.umask(0o777)
resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))
random.choice = sys.modules["json"] = builtins.len = None
sys.path.insert(0, "/planted")
sys.setrecursionlimit(50)
"""

LOOK_AT_ONESELF = """
import json, os, random, resource, sys
print(len(random.choice("a")), os.environ.get("PLANTED"), os.getcwd(), sys.path[0], sys.getrecursionlimit())
print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_NOFILE), os.getpriority(os.PRIO_PROCESS, 0))
print(open("/proc/self/oom_score_adj").read().strip())
"""


def test_nothing_that_a_program_changed_in_its_process_reaches_the_next_submission(used: Used) -> None:
    used.run(CHANGE_ONESELF)
    assert used.then(LOOK_AT_ONESELF) == "1 None /tmp /tmp 1000\n0o22 (256, 256) 19\n1000\n"


@wall("unread_program")
def test_deny_finding_the_program_and_input_of_the_last_submission(used: Used) -> None:
    used.run(f"text = '{'CANARYCANARY' * 200}'\nprint(text[:1200])\ninput()", stdin="KANARIKANARI" * 200)
    search = "print(find('C A N A R Y C A N A R Y') > 0, find('K A N A R I K A N A R I') > 0)"
    assert used.then(f"{SEARCH}\n{search}") == "False False\n"
    assert used.then(f"{SEARCH}\nown = 'CANARYCANARY'\n{search}") == "True False\n"


FIND_MAILBOX = """
import ctypes
for line in open("/proc/self/maps"):
    if "rw-s" in line and "/dev/zero" in line:
        mailbox, inode = int(line.split("-")[0], 16), line.split()[4]
"""


@wall("wiped_mailbox")
def test_mailbox_of_the_last_submission_is_replaced(used: Used) -> None:
    """Its bytes are wiped by that. But a hole in it, or a policy for its memory (mbind), would be a mark as well."""
    left = used.run(f"{FIND_MAILBOX}\nctypes.memset(mailbox, 65, 8192)\nprint(inode)")
    found = used.then(f"{FIND_MAILBOX}\nprint(inode, any(ctypes.string_at(mailbox, 8192)))").split()
    assert found[0] != left.stdout.strip()
    assert found[1] == "False"


@pytest.mark.parametrize(
    "draw",
    [
        "import random; print([random.random() for _ in range(9)])",
        "import uuid; print(uuid.uuid4(), uuid.uuid1().clock_seq, uuid.getnode())",
        "import tempfile; print(tempfile.mktemp())",
        "import secrets; print(secrets.token_hex())",
        "import os; print(os.urandom(9))",
        "from random import SystemRandom, Random; print(SystemRandom().random(), Random().random())",
    ],
)
def test_random_state_is_fresh_for_each_submission(used: Used, draw: str) -> None:
    assert used.run(draw).stdout != used.then(draw)


@pytest.mark.parametrize(
    "draw",
    ["numpy.random.random(9)", "numpy.random.default_rng().random(9)", "pandas.Series(range(99)).sample(9).tolist()"],
)
def test_random_state_of_numpy_is_fresh_for_each_submission(launch: Callable[..., Used], draw: str) -> None:
    used = launch(Profile.SCIENCE)
    draw = f"import numpy, pandas; print({draw})"
    assert used.run(draw).stdout != used.then(draw)


def test_hash_seed_is_the_same_in_all_containers(launch: Callable[..., Used]) -> None:
    """So that a submission gets one verdict (docs/decisions/0026-verdicts.md): it tells nothing about a container."""
    first, other, draw = launch(), launch(), "print(hash('a'))"
    drawn = first.run(draw).stdout
    assert first.then(draw) == drawn
    assert other.run(draw).stdout == drawn


def test_address_space_layout_is_that_of_the_container(launch: Callable[..., Used]) -> None:
    """A program learns the layout of the supervisor, which it cannot reach, and of programs that it never meets."""
    first, other, look = (
        launch(),
        launch(),
        "print([line.split('-')[0] for line in open('/proc/self/maps')][:2], id(len))",
    )
    found = first.run(look).stdout
    assert first.then(look) == found
    assert other.run(look).stdout != found


def test_unread_input_does_not_reach_the_next_submission(used: Used) -> None:
    used.run("pass", stdin="left\n" * 40_000)
    assert (
        used.then("print(repr(input()))\nimport sys\nprint(repr(sys.stdin.read()))", stdin="mine\n") == "'mine'\n''\n"
    )


def test_output_of_a_survivor_does_not_reach_the_next_submission(used: Used) -> None:
    used.run(DAEMON.format(preparation="pass", deed="os.write(1, b'left')"), seconds=5)
    if used.is_clean():
        assert used.then("print('mine')") == "mine\n"


def test_images_of_the_last_submission_take_no_room(launch: Callable[..., Used]) -> None:
    plot = "from PIL import Image\nfor _ in range(5): Image.new('RGB', (9, 9)).show()"
    used = launch(Profile.SCIENCE)
    assert len(used.run(plot).images) == 5
    assert used.is_clean()
    assert len(used.run(plot).images) == 5


# IPC and the network


@wall("seccomp")
def test_deny_system_v_ipc(used: Used) -> None:
    """It would outlive its process. The attempt burns the container."""
    attempt = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    attempt += "print(libc.shmget(1, 4096, 0o1666), libc.semget(1, 1, 0o1666), libc.msgget(1, 0o1666))"
    assert used.run(attempt).stdout == "-1 -1 -1\n"
    assert not used.is_clean()


@pytest.mark.parametrize(
    ("socket", "free"),
    [
        ("s = socket.socket(); s.bind(('127.0.0.1', 8000)); s.listen()", True),
        ("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 8000))", True),
        ("s = socket.socket(socket.AF_UNIX); s.bind('\\0planted'); s.listen()", True),
        ("s = socket.socketpair()", True),
    ],
)
def test_no_open_socket_reaches_the_next_submission(used: Used, socket: str, free: bool) -> None:
    used.run(f"import os, socket\n{socket}\nos.fork()")
    look = "print(open('/proc/net/unix').read().count('\\n'), len(open('/proc/net/tcp').readlines()))"
    assert used.then(f"import socket\n{look}\n{socket}\nprint('free')") == "1 1\nfree\n"


@pytest.mark.parametrize(
    "traffic",
    [
        "c = socket.create_connection(server.getsockname()); d, _ = server.accept(); c.close(); d.close()",  # TIME_WAIT
        "c = socket.create_connection(server.getsockname()); c.sendall(bytes(1000))",
        "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.sendto(b'x', ('127.0.0.1', 9))",
        "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.bind(('', 9)); c.sendto(b'x', ('127.0.0.1', 9))",
    ],
)
@wall("new_traffic", "verdict")
def test_container_that_had_traffic_is_not_clean(used: Used, traffic: str) -> None:
    """The next program could read the kernel's counters, and find ports in TIME_WAIT."""
    used.run(f"import socket\nserver = socket.socket()\nserver.bind(('127.0.0.1', 0))\nserver.listen()\n{traffic}")
    assert not used.is_clean()
    assert used.container.differences == {"traffic"}


def test_network_attempt_burns_the_container(used: Used) -> None:
    used.run("import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass")
    assert not used.is_clean()


# The supervisor itself


@wall("seccomp")
@pytest.mark.parametrize(
    "attempt",
    [
        "resource.prlimit(1, resource.RLIMIT_NOFILE, (9, 9))",
        "os.setpriority(os.PRIO_PROCESS, 1, 19)",
        "os.sched_setaffinity(1, {0})",
        "os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))",
        "call(251, 1, 1, 3 << 13)",  # ioprio_set
        "call(101, 16, 1, 0, 0)",  # ptrace, PTRACE_ATTACH
    ],
)
def test_deny_changing_the_supervisor(used: Used, attempt: str) -> None:
    """Each attempt is refused, and burns the container."""
    call = "import ctypes, os, resource\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    call += "def call(*arguments):\n    if libc.syscall(*arguments): raise OSError(ctypes.get_errno())\n"
    assert used.run(f"{call}try: {attempt}\nexcept OSError: print('refused')").stdout == "refused\n"
    assert not used.container.ran_cleanly
    assert not used.is_clean()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("oom_score_adj", "1000", marks=wall("undumpable", "user")),
        pytest.param("coredump_filter", "7f", marks=wall("undumpable", "user")),
        pytest.param("clear_refs", "1", marks=wall("undumpable", "user")),
        pytest.param("mem", "x", marks=wall("undumpable")),
        pytest.param("fd/1", "x", marks=wall("undumpable")),
        ("timerslack_ns", "100000000"),  # needs a capability in any case
    ],
)
def test_deny_writing_to_the_supervisors_files_in_proc(used: Used, name: str, data: str) -> None:
    write = f"import os\ntry: os.write(os.open('/proc/1/{name}', os.O_WRONLY), b'{data}')\n"
    assert used.run(f"{write}except PermissionError: print('refused')").stdout == "refused\n"
    assert used.then("print(1)") == "1\n"


SEND_SIGNALS = """
import fcntl, os, socket
for number in range(1, 65):
    try: os.kill(1, number)
    except OSError: pass
a, b = socket.socketpair()
for number in (9, 19, 34):
    try:
        fcntl.fcntl(a, fcntl.F_SETOWN, 1)
        fcntl.fcntl(a, fcntl.F_SETSIG, number)
        fcntl.fcntl(a, fcntl.F_SETFL, fcntl.FASYNC)
    except OSError: pass
    b.send(b"x")
"""


def test_signals_to_the_supervisor_change_nothing(used: Used) -> None:
    used.run(SEND_SIGNALS)
    assert used.then("print(1)") == "1\n"


SPEND = """
import time

def throttled():
    for path in ("cpu/cpu.stat", "cpu.stat"):
        try: return int(open(f"/sys/fs/cgroup/{path}").read().split("nr_throttled")[1].split()[0])
        except FileNotFoundError: pass

def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass

before = throttled()
"""


@pytest.mark.alone
@wall("whole_share", "cpu")
def test_next_submission_has_its_whole_share_of_the_cpu(used: Used) -> None:
    """The last one has used up its own, and then most of the next period's."""
    share_seconds = CPU_QUOTA_MICROSECONDS * 1e-6
    used.run(f"{SPEND}while throttled() == before: spend(0.002)\nspend({share_seconds * 0.75})")
    assert used.then(f"{SPEND}spend({share_seconds * 0.4})\nprint(throttled() - before)") == "0\n"


def test_pid_tells_the_next_submission_how_many_processes_came_before(used: Used) -> None:
    """It cannot be hidden without privileges, and helps nobody: no process is left to use it."""
    pid = int(used.run("import os\nprint(os.getpid())").stdout)
    assert int(used.then("import os\nprint(os.getpid())")) == pid + 1


def test_survivor_that_guesses_the_next_pid_is_dead_by_then(used: Used) -> None:
    used.run(
        DAEMON.format(
            preparation="pid = os.getpid() + 1",
            deed="""
            for guess in range(pid, pid + 9):
                try:
                    os.kill(guess, 9)
                    open(f'/proc/{guess}/mem', 'wb')
                except OSError: pass""".lstrip(),
        )
    )
    assert used.then("import time\ntime.sleep(0.2)\nprint('alive')") == "alive\n"


# Memory


@wall("new_memory", "verdict")
def test_leak_in_the_kernel_retires_the_container(used: Used) -> None:
    """It remembers names that do not exist: marks for a program that knows them, and memory that is gone."""
    used.run("import os\nfor n in range(45_000): os.access(f'/opt/sandbox/{n}', 0)", seconds=10)
    assert not used.is_clean()
    assert used.container.differences == {"memory"}


@wall("new_memory_limit", "verdict", "memory")
def test_container_that_has_met_its_memory_limit_is_not_clean(used: Used) -> None:
    """Without a kill: the kernel could reclaim what the program had given back lazily."""
    lazily_freed = "a = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
    lazily_freed += "for _ in range(64): a.write(bytes(1 << 20))\na.madvise(mmap.MADV_FREE)\n"
    used.run(f"import mmap\n{lazily_freed}b = b'x' * (80 << 20)", seconds=20)
    assert not used.is_clean()
    assert used.container.differences == {"memory_limit"}


def test_memory_of_a_program_is_free_for_the_next_submission(used: Used) -> None:
    for _ in range(3):
        assert used.run("print(len(bytearray(90_000_000)))").stdout == "90000000\n"
        assert used.is_clean()


# What burns a container


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: pass", id="timeout", marks=wall("spotless")),
        pytest.param("import os\nos.kill(os.getpid(), 9)", id="signal", marks=wall("spotless")),
        pytest.param("while True: print('x' * 10_000)", id="flood", marks=wall("spotless")),
        pytest.param("print('x' * 70_000)", id="truncated", marks=wall("spotless")),
        pytest.param("x = bytearray(b'x') * (300 << 20)", id="memory"),
        pytest.param("import os, time\nfor _ in range(99):\n    if os.fork() == 0: time.sleep(9)", id="fork storm"),
    ],
)
def test_unusual_end_burns_the_container(used: Used, code: str) -> None:
    used.container.begin()
    used.container.run(code, "", None, 2)
    assert not used.is_clean()


def test_failed_program_burns_nothing(used: Used) -> None:
    used.container.begin()
    assert used.container.run("1 / 0", "", None, 5).status is RunStatus.ERROR
    assert used.then("print(1)") == "1\n"
