"""Each limit, reached on purpose: the right word for it, nothing lost, nothing left."""

import time

import pytest

from executions.sandbox.results import RunStatus, TestProgram
from guest.protocol import STREAM_KEPT_BYTES
from guest.supervisor import FLOOD_BYTES
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(100)",
        "import signal, time\n"
        "for number in signal.valid_signals() - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        "import os, time\nif os.fork(): time.sleep(100)\nos.setsid()\nwhile True: pass",
    ],
    ids=["busy", "sleeping", "ignoring signals", "in two sessions"],
)
def test_deny_more_time(run: Runner, code: str) -> None:
    started = time.monotonic()
    result = run("print('so far', end='')\n" + code, timeout_seconds=1)
    assert (result.status, result.stdout) == (RunStatus.TIMEOUT, "so far")
    assert result.exit_code is None
    assert 1 <= result.wall_seconds < 2
    assert time.monotonic() - started < 2 + 3  # with the wait for a container


def test_allow_all_of_the_time(run: Runner) -> None:
    assert run("import time; time.sleep(1.5); print('ok')", timeout_seconds=2).stdout == "ok\n"


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(300 * 1024 * 1024)",
        "x = []\nwhile True: x.append(bytearray(32 * 1024))",
        "import os\nos.fork()\nx = []\nwhile True: x.append(bytearray(1024 * 1024))",
        "import mmap\nm = mmap.mmap(-1, 300 << 20)\nfor i in range(0, 300 << 20, 4096): m[i] = 1",
        "import os\nwhile True:\n    fd = os.memfd_create('x')\n    for _ in range(15): os.write(fd, bytes(1 << 20))",
    ],
    ids=["at once", "in pieces", "in two processes", "mapped", "in memory files"],
)
def test_deny_more_memory(run: Runner, code: str) -> None:
    result = run("print('so far')\n" + code)
    assert (result.status, result.stdout) == (RunStatus.MEMORY_LIMIT, "so far\n")


def test_deny_more_memory_to_a_child_that_its_parent_survives(run: Runner) -> None:
    code = "import os, sys\nif os.fork() == 0:\n    x = bytearray(300 << 20)\nos.wait()\nprint('fine')\nsys.exit(0)"
    result = run(code)
    assert (result.status, result.exit_code) == (RunStatus.MEMORY_LIMIT, 0)


def test_allow_100_mb(run: Runner) -> None:
    result = run("x = bytearray(100 << 20); print('ok')")
    assert (result.status, result.stdout) == (RunStatus.SUCCESS, "ok\n")
    assert result.memory_peak_kb > 100 * 1024


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("piece", ["b'x' * 1023 + b'\\n'", "b'x' * 65536", "b'\\x00\\x1b\\xff' * 1000"])
def test_deny_a_flood(run: Runner, stream: int, piece: str) -> None:
    result = run(f"import os\nwhile True: os.write({stream}, {piece})")
    assert result.status is RunStatus.OUTPUT_LIMIT
    assert result.truncated
    kept = (result.stdout, result.stderr)[stream - 1]
    assert len(kept) <= STREAM_KEPT_BYTES
    assert len(kept.encode(errors="replace")) >= STREAM_KEPT_BYTES or "\ufffd" in kept


def test_allow_output_up_to_the_cap(run: Runner) -> None:
    result = run(f"print('x' * {STREAM_KEPT_BYTES - 1})")
    assert (result.status, result.truncated, len(result.stdout)) == (RunStatus.SUCCESS, False, STREAM_KEPT_BYTES)


def test_more_output_than_the_cap_keeps_its_head(run: Runner) -> None:
    result = run(f"print('x' * {STREAM_KEPT_BYTES})")
    assert (result.status, result.truncated, result.stdout) == (RunStatus.SUCCESS, True, "x" * STREAM_KEPT_BYTES)


def test_each_stream_has_its_own_cap(run: Runner) -> None:
    result = run(f"import sys\nprint('o' * {STREAM_KEPT_BYTES * 2})\nprint('e', file=sys.stderr)")
    assert (len(result.stdout), result.stderr) == (STREAM_KEPT_BYTES, "e\n")


def test_flood_bound_is_for_both_streams_together(run: Runner) -> None:
    half = FLOOD_BYTES // 2
    code = f"import os\nfor fd in (1, 2):\n    for _ in range({half // 1024}): os.write(fd, b'x' * 1024)\n"
    assert run(code).status is RunStatus.SUCCESS
    assert run(code + "os.write(1, b'x')\nimport time\ntime.sleep(5)").status is RunStatus.OUTPUT_LIMIT


def test_deny_a_fork_bomb(run: Runner) -> None:
    result = run("import os\nprint('begin')\nwhile True: os.fork()", timeout_seconds=3)
    assert result.status in (RunStatus.ERROR, RunStatus.TIMEOUT)
    assert result.stdout.startswith("begin\n")
    assert run("print('ok')").stdout == "ok\n"


def test_deny_more_processes_than_64(run: Runner) -> None:
    code = "import os, time\nfor n in range(100):\n    if os.fork() == 0: time.sleep(60)\n"
    result = run(code)
    assert result.stderr.endswith("BlockingIOError: [Errno 11] Resource temporarily unavailable\n")


def test_deny_more_descriptors_than_256(run: Runner) -> None:
    result = run("files = []\nwhile True: files.append(open('/dev/null'))")
    assert "OSError: [Errno 24] Too many open files" in result.stderr


@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_deny_a_full_disk(run: Runner, directory: str) -> None:
    big = f"n = 0\nwhile True:\n    open('{directory}/f%d' % n, 'wb').write(bytes(1 << 20)); n += 1"
    many = f"n = 0\nwhile True:\n    open('{directory}/f%d' % n, 'w').close(); n += 1"
    for code in (big, many):
        assert "OSError: [Errno 28] No space left on device" in run(code).stderr


def test_deny_higher_limits(run: Runner) -> None:
    code = "import resource, os\nfor limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):\n"
    code += (
        "    try: resource.setrlimit(limit, (10**9, 10**9)); print('raised')\n    except ValueError as e: print(e)\n"
    )
    assert run(code).stdout == "not allowed to raise maximum limit\n" * 3
    assert run.refusal("os.nice(-5)") == "EPERM"


def test_no_survivor_reaches_the_next_run(run: Runner) -> None:
    """A double fork in a session of its own is gone before the tests of the same submission run."""
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
    assert (first.stdout, second.stdout) == ("3\n", "3\n")  # ourselves, the supervisor, our own fork


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfor _ in range(900):\n    os.mkdir('d'); os.chdir('d')",
        "import os\nfor n in range(400):\n    os.mkdir(b'\\xff' * 251 + b'%04d' % n)",
        "import os\nos.mkdir('locked')\nopen('locked/file', 'w')\nos.chmod('locked', 0)",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/socket')",
        "with open('sparse', 'wb') as f: f.truncate(16 << 20)",
        "import os\nos.symlink('/proc', 'link')\nos.link('main.py', 'hard')",
    ],
    ids=["deep", "long names", "locked", "socket", "sparse", "links"],
)
def test_whatever_a_run_leaves_does_not_stop_the_next(run: Runner, code: str) -> None:
    submission = "import sys\nif sys.stdin.read() == 'make':\n" + "".join(f"    {line}\n" for line in code.splitlines())
    outcome = run.tests(submission + "print('ok')", TestProgram(stdin="make"), TestProgram(stdin=""))
    assert [test.stdout for test in outcome.tests] == ["ok\n"] * 2, outcome.tests


def test_scratch_files_do_not_reach_the_next_run(run: Runner) -> None:
    code = "import os\nprint(sorted(os.listdir('/tmp')), os.listdir('/dev/shm'))\n"
    code += "os.makedirs('a/b')\nopen('a/b/c', 'w')\nopen('/dev/shm/d', 'w')\nos.symlink('/etc', 'e')\nos.mkfifo('f')"
    outcome = run.tests(code, TestProgram(stdin=""), TestProgram(stdin=""))
    assert [each.stdout for each in (outcome.main, *outcome.tests)] == ["['main.py'] []\n"] * 3
