"""Programs exceed each limit: the status is right, no output is lost, and nothing is left over."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from executions.sandbox.container.transcript import CPU_SHARE
from executions.sandbox.results import RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import is_gvisor
from guest.protocol import STREAM_KEPT_BYTES
from tests.sandbox.conftest import READY_SECONDS, RUNTIME, Launch, Runner
from tests.sandbox.watching import Watched

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

LATE_SECONDS = 3
"""How late a busy machine may be to end a run."""


@wall("deadline")
@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(100)",
        "import signal, time\n"
        "for number in signal.valid_signals() - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        "import os, time\nif os.fork(): time.sleep(100)\nos.setsid()\nwhile True: pass",
        "import re; re.match('(a+)+$', 'a' * 40 + 'b')",
        "9**9**9",
        "with open('/dev/zero', 'rb') as f:\n    while f.read(4096): pass",
    ],
    ids=["busy", "sleeping", "ignoring signals", "in two sessions", "regex", "power", "endless file"],
)
def test_deny_more_time(run: Runner, code: str) -> None:
    started = time.monotonic()
    outcome = run.tests("print('so far', end='')\n" + code, timeout_seconds=1)
    took_seconds = time.monotonic() - started - outcome.waited_seconds
    result = outcome.main
    assert (result.status, result.stdout) == (RunStatus.TIMEOUT, "so far")
    assert result.exit_code is None
    assert 1 <= result.wall_seconds <= took_seconds < 1 + LATE_SECONDS


def test_waiting_for_a_container_does_not_count_as_program_time(launch_sandbox: Launch) -> None:
    sandbox = launch_sandbox(pool_size=1, max_concurrent=1, queue_seconds=20)
    assert sandbox.wait_until_ready(READY_SECONDS)
    long = Submission("import time\ntime.sleep(2.5)\nprint('ok')", "", (), timeout_seconds=5)
    with ThreadPoolExecutor(3) as executor:
        outcomes = list(executor.map(sandbox.execute, [long] * 3))
    assert [outcome.main.stdout for outcome in outcomes] == ["ok\n"] * 3
    assert max(outcome.waited_seconds for outcome in outcomes) > 2.5  # with its own 2.5 s, more than its time limit


def test_allow_all_of_the_time(run: Runner) -> None:
    assert run("import time; time.sleep(2.5); print('ok')", timeout_seconds=5).stdout == "ok\n"


@wall("memory")
@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(300 << 20)",
        "x = [bytearray(32 << 10) for _ in range(300 << 5)]",
        "import os\nos.fork()\nx = [bytearray(1 << 20) for _ in range(150)]\nimport time; time.sleep(2)",
        "import mmap\nm = mmap.mmap(-1, 300 << 20)\nfor i in range(0, 300 << 20, 4096): m[i] = 1",
        "import mmap\nmaps = [mmap.mmap(-1, 15 << 20) for _ in range(20)]\nfor m in maps: m.write(bytes(15 << 20))",
        "x = 'a' * (300 << 20)",
        "with open('/dev/zero', 'rb') as f: x = f.read(300 << 20)",
    ],
    ids=["at once", "in pieces", "in two processes", "mapped", "in shared maps", "a text", "of an endless file"],
)
def test_deny_more_memory(run: Runner, code: str) -> None:
    result = run("print('so far')\n" + code)
    assert (result.status, result.stdout) == (RunStatus.MEMORY_LIMIT, "so far\n")


@wall("memory")
def test_deny_more_memory_to_a_child_that_its_parent_survives(run: Runner) -> None:
    code = "import os, sys\nif os.fork() == 0:\n    x = bytearray(300 << 20)\nos.wait()\nprint('fine')\nsys.exit(0)"
    result = run(code)
    assert (result.status, result.exit_code) == (RunStatus.MEMORY_LIMIT, 0)


def test_lowered_oom_score_ends_its_own_run(run: Runner) -> None:
    """The kernel may then kill the supervisor for memory. That is the end of this container, and of nothing else."""
    code = """
import os, time
print("so far", flush=True)
score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
for value in range(900, -1, -100):
    try: os.write(score, b"%d" % value)
    except PermissionError: break
try:
    while True:
        if os.fork() == 0:
            x = bytearray(8 << 20)
            time.sleep(60)
except BlockingIOError: time.sleep(60)  # the memory that they will fill is not taken yet
"""
    result = run(code)
    assert (result.status, result.stdout) == (RunStatus.MEMORY_LIMIT, "so far\n")
    assert run("print('ok')").stdout == "ok\n"


@wall("memory")
def test_scratch_files_count_as_memory(run: Runner) -> None:
    fill = "for path, mb in ('/tmp/full', 15), ('/dev/shm/full', 3):\n"
    fill += "    with open(path, 'wb') as file:\n        for _ in range(mb): file.write(bytes(1 << 20))\n"
    large = f"x = bytearray({120 if is_gvisor(RUNTIME) else 104} << 20)\nprint('all')"  # gVisor's kernel brings memory
    assert run(large).stdout == run(fill + "print('all')").stdout == "all\n"
    assert run(fill + large).status is RunStatus.MEMORY_LIMIT


@wall("memory")
def test_kernel_memory_counts(run: Runner) -> None:
    """Full sockets, whose buffers are in no process's own memory."""
    code = "import os, socket\nfor _ in range(3): os.fork()\npairs = []\nfor _ in range(100):\n"
    code += "    pairs.append(socket.socketpair())\n    for end in pairs[-1]:\n        end.setblocking(False)\n"
    code += "        try:\n            while True: end.send(bytes(60_000))\n        except BlockingIOError: pass\n"
    code += "print('all')\ntry:\n    while True: os.wait()\nexcept ChildProcessError: pass"
    result = run(code)
    assert result.status is RunStatus.MEMORY_LIMIT
    assert result.stdout.count("all") < 8  # the death of some may leave enough for another


@wall("memory")
def test_full_pipes_count_as_memory(run: Runner) -> None:
    """They reduce the memory of the program. None can be larger than 64 KiB."""
    code = """
import os, time
reader, writer = os.pipe()
for _ in range(6):
    if os.fork() == 0:
        for _ in range(110):
            end = os.pipe()[1]
            os.set_blocking(end, False)
            os.write(end, bytes(1 << 16))
        os.write(writer, b"x")
        time.sleep(60)
for _ in range(6): os.read(reader, 1)
x = bytearray(100 << 20)
print("all")
"""
    result = run(code)
    assert (result.status, result.stdout) == (RunStatus.MEMORY_LIMIT, "")


@wall("swap", "memory")
def test_deny_swap(run: Runner) -> None:
    """Read from the cgroup, because a machine without swap would hide that swap is allowed."""
    code = """
import os
bounds = {"/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": str(128 << 20), "/sys/fs/cgroup/memory.swap.max": "0"}
print([open(path).read().strip() == bound for path, bound in bounds.items() if os.path.exists(path)])
"""
    assert run(code).stdout == "[True]\n"


@wall("cpu")
def test_kernel_grants_a_quarter_of_a_cpu(run: Runner) -> None:
    """Read from the cgroup, because on a busy machine no container gets more, whatever its quota."""
    code = """
import os
paths = [f"/sys/fs/cgroup/{name}" for name in ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpu.max")]
print(" ".join(open(path).read().strip() for path in paths if os.path.exists(path)))
"""
    quota, period = map(int, run(code).stdout.split())
    assert quota / period == 0.25


@wall("cpu")
def test_deny_more_processor_time(run: Runner) -> None:
    """Four processes that never pause get a quarter of one CPU together."""
    code = "import os\nfor _ in range(2): os.fork()\nwhile True: pass"
    result = run(code, timeout_seconds=2)
    assert result.status is RunStatus.TIMEOUT
    assert result.cpu_seconds < 0.4 * result.wall_seconds


@wall("all_cpu")
def test_processor_time_counts_if_nobody_waits_for_a_process(run: Runner) -> None:
    """The kernel reaps the children of a process that ignores SIGCHLD, and tells nobody what they have used."""
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(2):
    if os.fork() == 0:
        while time.process_time() < 0.1: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
"""
    assert 0.2 <= run(code, timeout_seconds=30).cpu_seconds < 1


@wall("all_cpu", "supervisors_cpu")
@pytest.mark.parametrize("attempt", ["libc.connect(-1, 0, 0)", "libc.ptrace(0, 0, 0, 0)"])
def test_processor_time_counts_if_the_supervisor_uses_it(run: Runner, attempt: str) -> None:
    """The kernel asks it about these calls, and it has priority over the program."""
    code = f"""
import ctypes, os, time
libc = ctypes.CDLL(None)
def counted():
    if os.path.exists("/sys/fs/cgroup/cpu.stat"):
        return int(open("/sys/fs/cgroup/cpu.stat").read().split()[1]) * 1e-6
    return int(open("/sys/fs/cgroup/cpuacct/cpuacct.usage").read()) * 1e-9
before, end = counted(), time.monotonic() + 2
for _ in range(8):
    if os.fork() == 0:
        while True: {attempt}
while time.monotonic() < end: pass
print(counted() - before)
"""
    result = run(code)
    assert result.status is RunStatus.SUCCESS, result.stderr
    assert result.cpu_seconds > 0.8 * float(result.stdout) > 0


@pytest.mark.parametrize("work", ["pass", "libc.connect(-1, 0, 0)"])
def test_deny_more_processor_time_while_a_program_waits_for_input(sandbox: Sandbox, work: str) -> None:
    """Its processes use the whole share of a period at once, and are stopped for the rest of it."""
    code = f"""
import ctypes, os
libc = ctypes.CDLL(None)
for _ in range(8):
    if os.fork() == 0:
        while True: {work}
input()
"""
    result = Watched(sandbox, code, timeout_seconds=2).finish().main
    assert result.status is RunStatus.TIMEOUT
    assert result.cpu_seconds < 2 * 2 * CPU_SHARE


@wall("cpu")
def test_deny_other_processors_by_affinity(run: Runner) -> None:
    """A program may choose its CPUs, but gets no more time."""
    code = "import os\nos.sched_setaffinity(0, {0})\nprint(len(os.sched_getaffinity(0)))\nwhile True: pass"
    result = run(code, timeout_seconds=2)
    assert result.stdout == "1\n"
    assert result.cpu_seconds < 0.4 * result.wall_seconds


def test_allow_100_mb(run: Runner) -> None:
    result = run("x = bytearray(100 << 20); print('ok')")
    assert (result.status, result.stdout) == (RunStatus.SUCCESS, "ok\n")
    assert result.memory_peak_kb > 100 * 1024


@wall("flood", "kept_output")
@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize(
    "piece", ["b'x' * 1023 + b'\\n'", "b'x' * 65536", "b'\\x00\\x1b\\xff' * 1000", "'\u202e\u0301'.encode() * 1000"]
)
def test_deny_a_flood(run: Runner, stream: int, piece: str) -> None:
    result = run(f"import os\npiece = {piece}\nfor _ in range((4 << 20) // len(piece)): os.write({stream}, piece)")
    assert result.status is RunStatus.OUTPUT_LIMIT
    assert result.truncated
    kept = (result.stdout, result.stderr)[stream - 1]
    assert len(kept) <= STREAM_KEPT_BYTES
    assert len(kept.encode(errors="replace")) >= STREAM_KEPT_BYTES - 4 or "\ufffd" in kept


@wall("flood", "kept_output")
def test_deny_a_flood_that_never_ends(run: Runner) -> None:
    result = run("while True: print('x' * 1000)", timeout_seconds=4)
    assert (result.status, len(result.stdout)) == (RunStatus.OUTPUT_LIMIT, STREAM_KEPT_BYTES)


def test_allow_output_up_to_the_cap(run: Runner) -> None:
    result = run(f"print('x' * {STREAM_KEPT_BYTES - 1})")
    assert (result.status, result.truncated, len(result.stdout)) == (RunStatus.SUCCESS, False, STREAM_KEPT_BYTES)


@wall("kept_output")
def test_output_over_the_cap_is_cut_to_its_head(run: Runner) -> None:
    result = run(f"print('x' * {STREAM_KEPT_BYTES})")
    assert (result.status, result.truncated, result.stdout) == (RunStatus.SUCCESS, True, "x" * STREAM_KEPT_BYTES)


@wall("kept_output")
def test_echoed_output_is_exact_up_to_the_cap(run: Runner) -> None:
    text = "".join(map(chr, [*range(1, 0xD800), *range(0x10000, 0x10400)]))
    result = run("import shutil, sys\nshutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)", stdin=text)
    kept = text.encode()[:STREAM_KEPT_BYTES].decode(errors="replace")
    assert (result.status, result.truncated, result.stdout) == (RunStatus.SUCCESS, True, kept)


@wall("kept_output")
def test_each_stream_has_its_own_cap(run: Runner) -> None:
    result = run(f"import sys\nprint('o' * {STREAM_KEPT_BYTES * 2})\nprint('e', file=sys.stderr)")
    assert (len(result.stdout), result.stderr) == (STREAM_KEPT_BYTES, "e\n")


@wall("flood")
def test_flood_bound_applies_to_both_streams_together(run: Runner) -> None:
    half = 512 * 1024
    code = f"import os\nfor fd in (1, 2):\n    for _ in range({half // 1024}): os.write(fd, b'x' * 1024)\n"
    assert run(code).status is RunStatus.SUCCESS
    assert run(code + "os.write(1, b'x')\nimport time\ntime.sleep(1)").status is RunStatus.OUTPUT_LIMIT


@wall("processes")
def test_deny_a_fork_bomb(run: Runner) -> None:
    code = "import os, time\nfirst = os.getpid()\nprint('begin', flush=True)\ntry:\n    while True: os.fork()\n"
    code += "except BlockingIOError:\n    if os.getpid() == first: print('refused', flush=True)\n    time.sleep(9)"
    result = run(code, timeout_seconds=3)
    assert (result.status, result.stdout) == (RunStatus.TIMEOUT, "begin\nrefused\n")
    assert run("print('ok')").stdout == "ok\n"


@wall("processes")
def test_deny_more_processes_than_64(run: Runner) -> None:
    code = "import os, time\nfor n in range(100):\n    if os.fork() == 0: time.sleep(60)\n"
    result = run(code)
    assert result.stderr.endswith("BlockingIOError: [Errno 11] Resource temporarily unavailable\n")


@wall("processes")
def test_deny_more_threads_than_64(run: Runner) -> None:
    code = "import threading, time\nfor _ in range(100):\n"
    code += "    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    assert run(code).stderr.endswith("RuntimeError: can't start new thread\n")


@wall("descriptors")
def test_deny_more_descriptors_than_256(run: Runner) -> None:
    result = run("files = []\nfor _ in range(300): files.append(open('/dev/null'))")
    assert "OSError: [Errno 24] Too many open files" in result.stderr


@wall("file_size")
def test_deny_a_larger_file_than_16_mb(run: Runner) -> None:
    """The file has a hole, so a full disk cannot be the reason."""
    create = "file = os.open('/tmp/big', os.O_RDWR | os.O_CREAT)\n"
    assert run.refusal(create + "os.pwrite(file, b'x', (16 << 20) - 1)") == "allowed"
    assert run.refusal(create + "os.pwrite(file, b'x', 16 << 20)") == "EFBIG"
    assert run.refusal(create + "os.truncate(file, 1 << 50)") == "EFBIG"


@wall("core_files")
def test_deny_core_files(run: Runner) -> None:
    assert run("import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))").stdout == "(0, 0)\n"


@wall("scratch_size")
@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_deny_a_full_disk(run: Runner, directory: str) -> None:
    attempt = f"for n in range(20): open('{directory}/f%d' % n, 'wb').write(bytes(1 << 20))"
    assert run.refusal(attempt) == "ENOSPC"


@wall("scratch_inodes")
@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_deny_a_disk_full_of_empty_files(run: Runner, directory: str) -> None:
    assert run.refusal(f"for n in range(1100): open('{directory}/f%d' % n, 'w').close()") == "ENOSPC"


def test_deny_higher_limits(run: Runner) -> None:
    code = "import resource, os\nfor limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):\n"
    code += (
        "    try: resource.setrlimit(limit, (10**9, 10**9)); print('raised')\n    except ValueError as e: print(e)\n"
    )
    assert run(code).stdout == "not allowed to raise maximum limit\n" * 3
    assert run.refusal("os.nice(-5)") == "EPERM"


@pytest.mark.parametrize(
    ("code", "last_line"),
    [
        ("'a' * 10**13", "MemoryError"),
        ("int('9' * 10**7)", "ValueError: Exceeds the limit (4300 digits) for integer string conversion: value has"),
        ("(" * 300 + ")" * 300, "SyntaxError: too many nested parentheses"),
        ("x = " + "-" * 60_000 + "1", "MemoryError: Parser stack overflowed"),
        ("f'{" * 200 + "1" + "}'" * 200, "SyntaxError: too many nested f-strings"),
        ("if True:\n\tx = 1\n        y = 2", "TabError: inconsistent use of tabs and spaces in indentation"),
    ],
    ids=["huge text", "huge number", "brackets", "minus signs", "f-strings", "tabs"],
)
def test_deny_crashing_the_interpreter(run: Runner, code: str, last_line: str) -> None:
    result = run(code)
    assert (result.status, result.exit_code) == (RunStatus.ERROR, 1), result
    assert last_line in result.stderr.rstrip().splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", "SIG35"),
    ],
)
def test_crash_is_an_error_with_the_name_of_the_signal(run: Runner, code: str, signal: str) -> None:
    result = run("print('so far', flush=True)\n" + code)
    assert (result.status, result.signal, result.exit_code) == (RunStatus.ERROR, signal, None)
    assert result.stdout == "so far\n"


def test_endless_recursion_is_the_programs_own_error(run: Runner) -> None:
    result = run("import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()")
    assert result.status in (RunStatus.ERROR, RunStatus.MEMORY_LIMIT)
    assert run("print('ok')").stdout == "ok\n"


@wall("no_survivors")
def test_no_survivor_reaches_the_next_run(run: Runner) -> None:
    """A double fork in its own session is dead before the tests of the submission run."""
    code = """
import os, time
if __name__ == "__main__" and not os.path.exists("/dev/mqueue/x"):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    os.wait()
def processes():
    return len([name for name in os.listdir("/proc") if name.isdigit()])
"""
    first, second = run.tests(
        code, TestProgram(code="print(processes())"), TestProgram(code="print(processes())")
    ).tests
    assert (first.stdout, second.stdout) == ("3\n", "3\n")  # the program, the supervisor and the program's fork


PRINT_SCRATCH = """
found = [path for path in ("/tmp", "/dev/shm", "/dev/mqueue") if os.path.exists(path)]
print([os.path.join(path, name) for path in found for name in os.listdir(path)])
"""  # gVisor has no message queues


@wall("sweep")
@pytest.mark.parametrize(
    "code",
    [
        "for _ in range(900):\n    os.mkdir('d'); os.chdir('d')",
        "for n in range(400):\n    os.mkdir(b'\\xff' * 251 + b'%04d' % n)",
        "os.mkdir('locked')\nopen('locked/file', 'w')\nos.chmod('locked', 0)",
        "os.makedirs('/dev/shm/a/b/c')\nopen('/dev/shm/a/b/c/file', 'w')\n"
        "for path in ('/dev/shm/a/b/c', '/dev/shm/a/b', '/dev/shm/a'): os.chmod(path, 0)",
        "try: os.mkdir('blind', 0o300); open('blind/file', 'w')\nexcept PermissionError: pass  # under gVisor",
        "try: os.umask(0o477); os.mkdir('masked'); open('masked/file', 'w')\nexcept PermissionError: pass",
        "os.unlink('main.py')\nos.mkdir('main.py')\nopen('main.py/file', 'w')\nos.chmod('main.py', 0)",
        "for n in range(30):\n    os.makedirs(f'd{n}/' + 'e/' * 30)\n    os.chmod(f'd{n}', 0)",
        "s = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/socket')",
        "with open('sparse', 'wb') as f: f.truncate(16 << 20)",
        "os.symlink('/proc', 'link')\nos.link('main.py', 'hard')\nos.mkdir('d')\nos.symlink('/etc', 'd/link')",
        "for n in range(1000):\n    try: open('/dev/shm/%d' % n, 'w').close(); open('%d' % n, 'w').close()\n"
        "    except OSError: pass",
    ],
    ids=[
        "deep",
        "long names",
        "locked",
        "locked within locked",
        "blind",
        "masked",
        "main.py",
        "wide and deep",
        "socket",
        "sparse",
        "links",
        "as many as there can be",
    ],
)
def test_leftovers_of_a_run_do_not_stop_the_next(run: Runner, code: str) -> None:
    """The next run finds none of them."""
    submission = "import os, socket, sys\n" + PRINT_SCRATCH
    submission += "if sys.stdin.read() == 'make':\n" + "".join(f"    {line}\n" for line in code.splitlines())
    outcome = run.tests(submission, TestProgram(stdin="make"), TestProgram(stdin=""))
    assert [test.status for test in outcome.tests] == [RunStatus.SUCCESS] * 2, outcome.tests
    assert [test.stdout for test in outcome.tests] == ["['/tmp/main.py']\n"] * 2


@wall("sweep")
def test_scratch_files_do_not_reach_the_next_run(run: Runner) -> None:
    code = "import os\n" + PRINT_SCRATCH + "os.makedirs('a/b')\nopen('a/b/c', 'w')\nopen('/dev/shm/d', 'w')\n"
    code += "os.symlink('/etc', 'e')\nos.mkfifo('f')"
    outcome = run.tests(code, TestProgram(stdin=""), TestProgram(stdin=""))
    assert [each.stdout for each in (outcome.main, *outcome.tests)] == ["['/tmp/main.py']\n"] * 3
