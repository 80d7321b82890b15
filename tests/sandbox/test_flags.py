"""The supervisor flags attempts of a run: each attempt has its own flag, and lessons raise none."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.results import Flag, Run, RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner, telling_its_refusal
from tests.sandbox.test_isolation import CALL
from tests.sandbox.test_limits import LATE_SECONDS
from tests.sandbox.test_tests import SEARCH

pytestmark = pytest.mark.docker

NOTHING: frozenset[Flag] = frozenset()
NETWORK, FORBIDDEN, STORM = (frozenset({flag}) for flag in (Flag.NETWORK_ATTEMPT, Flag.FORBIDDEN_CALL, Flag.FORK_STORM))

FORBIDDEN_CALLS = [
    "ptrace(0, 0, 0, 0)",
    "syscall(425, 1, ctypes.create_string_buffer(120))",  # io_uring_setup
    "syscall(447, 0)",  # memfd_secret
    "syscall(0x40000000 + 39)",  # getpid of the x32 ABI
    "syscall(0x40000000 + 42, 0, 0, 0)",  # connect of the x32 ABI, which must not pass for ours
]

SOCKETS = [
    "socket.socket(38, socket.SOCK_SEQPACKET)",  # AF_ALG
    "socket.socket(16, socket.SOCK_RAW)",  # AF_NETLINK
    "socket.socket(40, socket.SOCK_STREAM)",  # AF_VSOCK
]

REFUSED_BY_DOCKER_FIRST = [
    "syscall(310, os.getpid(), 0, 0, 0, 0, 0)",  # process_vm_readv
    "syscall(250, 0, -3, 1)",  # keyctl
    "syscall(323, 0)",  # userfaultfd
    "syscall(321, 0, 0, 0)",  # bpf
    "syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)",  # perf_event_open
    "syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",  # clone with CLONE_NEWUSER
    "unshare(0x10000000)",
    "setns(0, 0)",
    "mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
]


Attempts = Callable[[str], Run]


@pytest.fixture(scope="module")
def attempts(sandbox: Sandbox) -> Iterator[Attempts]:
    """Return a function that runs a program in a container which others have run in. A flagged run costs the pool one.

    `test_each_run_has_its_own_flags` shows that it makes no difference.
    """
    with contextlib.closing(sandbox.launcher.launch()) as container:
        yield lambda code: container.run(code, "", None, 8)


@pytest.mark.parametrize("attempt", [*(CALL.format(call=call) for call in FORBIDDEN_CALLS), *SOCKETS])
def test_forbidden_call_is_refused_and_flagged(attempts: Attempts, attempt: str) -> None:
    result = attempts(telling_its_refusal(attempt))
    assert (result.stdout, result.flags) == ("EPERM\n", FORBIDDEN)


@contextlib.contextmanager
def container_without_dockers_profile(engine: Engine, *rules: dict[str, Any]) -> Iterator[Container]:
    """Return a container with only our filter and `rules` (in the engine's format)."""
    architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures, "syscalls": rules}
    options = container_options(engine.image_id(image_name()), "0-0-0@nowhere")
    options["HostConfig"]["SecurityOpt"].append(f"seccomp={json.dumps(profile)}")
    container = Container.launch(engine, f"{NAME_PREFIX}flags_{time.monotonic_ns()}", options, lambda _: Cause.OTHER)
    with contextlib.closing(container):
        yield container


@pytest.fixture(scope="module")
def without_dockers_profile(engine: Engine) -> Iterator[Container]:
    with container_without_dockers_profile(engine) as container:
        yield container


@pytest.fixture(scope="module")
def without_notifications(engine: Engine) -> Iterator[Container]:
    """As on an old kernel, or under gVisor: seccomp(2) refuses a listener."""
    with container_without_dockers_profile(
        engine, {"names": ["seccomp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22}
    ) as container:
        yield container


@pytest.mark.parametrize("call", [*FORBIDDEN_CALLS, *REFUSED_BY_DOCKER_FIRST])
def test_our_filter_refuses_and_flags_without_dockers(without_dockers_profile: Container, call: str) -> None:
    result = without_dockers_profile.run(telling_its_refusal(CALL.format(call=call)), "", None, 8)
    assert (result.stdout, result.flags) == ("EPERM\n", FORBIDDEN)


@pytest.mark.parametrize("call", [*FORBIDDEN_CALLS, *REFUSED_BY_DOCKER_FIRST])
def test_calls_are_refused_where_the_kernel_cannot_notify_us(without_notifications: Container, call: str) -> None:
    connect = "import socket\ntry: socket.create_connection(('8.8.8.8', 80))\nexcept OSError as e: print(e.errno)"
    refused = without_notifications.run(telling_its_refusal(CALL.format(call=call)), "", None, 8)
    unreachable = without_notifications.run(connect, "", None, 8)
    assert (refused.stdout, refused.flags) == ("EPERM\n", NOTHING)
    assert (unreachable.stdout, unreachable.flags) == ("101\n", NOTHING)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.17.0.1", "169.254.169.254", "2001:db8::1", "::ffff:8.8.8.8"])
def test_connection_to_another_host_is_flagged(attempts: Attempts, address: str) -> None:
    result = attempts(telling_its_refusal(f"socket.create_connection(('{address}', 80), timeout=5)"))
    assert (result.stdout, result.flags) == ("ENETUNREACH\n", NETWORK)


@pytest.mark.parametrize(("family", "address"), [("AF_INET", "10.0.0.1"), ("AF_INET6", "2001:db8::1")])
def test_datagram_to_another_host_is_flagged(attempts: Attempts, family: str, address: str) -> None:
    send = f"socket.socket(socket.{family}, socket.SOCK_DGRAM).sendto(b'x', ('{address}', 9))"
    result = attempts(telling_its_refusal(send))
    assert (result.stdout, result.flags) == ("ENETUNREACH\n", NETWORK)


def test_name_lookup_is_flagged(attempts: Attempts) -> None:
    result = attempts("import urllib.request\nurllib.request.urlopen('http://example.com')")
    assert (result.status, result.flags) == (RunStatus.ERROR, NETWORK)


def test_refused_forks_are_flagged(run: Runner) -> None:
    result = run("import os, time\nfor n in range(100):\n    if os.fork() == 0: time.sleep(60)\n")
    assert result.stderr.endswith("BlockingIOError: [Errno 11] Resource temporarily unavailable\n")
    assert result.flags == STORM


def test_fork_storm_is_flagged_although_the_supervisor_may_be_starved(run: Runner) -> None:
    """It has time for a look, since each process pauses after a refused fork."""
    code = "import os, time\ntry:\n    while True: os.fork()\nexcept OSError: time.sleep(1)\n"
    code += "while True:\n    try: os.fork()\n    except OSError: pass"
    result = run(code, timeout_seconds=4)
    assert (result.status, result.flags) == (RunStatus.TIMEOUT, STORM)


def test_call_of_a_grandchild_is_flagged(attempts: Attempts) -> None:
    code = "import os, socket\nif os.fork() == 0:\n    os.setsid()\n    if os.fork():\n        os._exit(0)\n"
    code += "    try: socket.socket(38, socket.SOCK_SEQPACKET)\n    except OSError as e: print(e.errno)\n"
    code += "    try: socket.create_connection(('8.8.8.8', 80))\n    except OSError as e: print(e.errno)\n"
    code += "else:\n    import time; time.sleep(1)"
    result = attempts(code)
    assert (result.stdout, result.flags) == ("1\n101\n", FORBIDDEN | NETWORK)


def test_call_of_another_program_is_flagged(attempts: Attempts) -> None:
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import socket; socket.socket(38, 5)'])"
    result = attempts(code)
    assert result.stderr.endswith("PermissionError: [Errno 1] Operation not permitted\n")
    assert result.flags == FORBIDDEN


SERVE = """
import socket, threading
server = socket.create_server(('{address}', 0){family})
def answer():
    connection = server.accept()[0]
    connection.sendall(connection.recv(10).upper())
threading.Thread(target=answer).start()
client = socket.create_connection(server.getsockname()[:2])
client.sendall(b'ok')
print(client.recv(10).decode())
"""


@pytest.mark.parametrize(
    "code",
    [
        SERVE.format(address="127.0.0.1", family=""),
        SERVE.format(address="127.1.2.3", family=""),
        SERVE.format(address="0.0.0.0", family=""),
        SERVE.format(address="::1", family=", family=socket.AF_INET6"),
        SERVE.format(address="::", family=", family=socket.AF_INET6"),
        "import socket\ns = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)\n"
        "c = socket.socket(socket.AF_INET6)\nc.connect(('::ffff:127.0.0.1', s.getsockname()[1]))\nprint('OK')",
        "import socket\nr = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nr.bind(('127.0.0.1', 0))\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'OK', r.getsockname())\nprint(r.recv(9).decode())",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/s')\ns.listen()\n"
        "c = socket.socket(socket.AF_UNIX)\nc.connect('/tmp/s')\nc.send(b'OK')\nprint(s.accept()[0].recv(9).decode())",
        "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    print('OK')\nasyncio.run(main())",
        "import asyncio\nasync def serve(reader, writer):\n    writer.write(await reader.read(9))\n    writer.close()\n"
        "async def main():\n    server = await asyncio.start_server(serve, '127.0.0.1', 0)\n"
        "    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
        "    writer.write(b'OK')\n    print((await reader.read(9)).decode())\nasyncio.run(main())",
        "import asyncio\nasync def main():\n    p = await asyncio.create_subprocess_exec('echo', 'OK')\n"
        "    await p.wait()\nasyncio.run(main())",
        "import multiprocessing\nwith multiprocessing.Pool(4) as pool: print(pool.map(str.upper, ['ok'])[0])",
        "import multiprocessing\nwith multiprocessing.Manager() as m: print(m.list(['OK'])[0])",
        "import concurrent.futures as f\nwith f.ThreadPoolExecutor(30) as e: print(list(e.map(str.upper, ['ok']))[0])",
        "import threading\nt = threading.Thread(target=print, args=('OK',))\nt.start(); t.join()",
        "import subprocess\nprint(subprocess.run(['echo', 'OK'], capture_output=True, text=True).stdout, end='')",
        "import os\nos.system('echo OK')",
        "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/f', 'w').write('OK')\nprint('OK')",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): print('OK')\nunittest.main()",
        "import sqlite3\nprint(sqlite3.connect(':memory:').execute(\"select 'OK'\").fetchone()[0])",
        "import getpass, os, platform, pwd, uuid\nos.path.expanduser('~nobody'); platform.platform(); uuid.uuid1()\n"
        "print('OK')",
        "import urllib.request, http.server, http.client, ssl, smtplib, ftplib, xmlrpc.client\nprint('OK')",
        "def f(n): return f(n + 1)\ntry: f(0)\nexcept RecursionError: print('OK')",
        "import os\npids = [os.fork() for _ in range(3)]\nif all(pids): os.wait(); print('OK')",
        "x = bytearray(60 << 20); print('OK')",
    ],
)
def test_support_lessons_raise_no_flag(run: Runner, code: str) -> None:
    result = run(code)
    assert (result.stdout, result.flags) == ("OK\n", NOTHING), result.stderr


def test_clone3_is_not_flagged_since_the_c_library_calls_it(run: Runner) -> None:
    result = run(telling_its_refusal(CALL.format(call="syscall(435, 0, 0)")))
    assert (result.stdout, result.flags) == ("ENOSYS\n", NOTHING)


def test_each_run_has_its_own_flags(run: Runner) -> None:
    code = "import os, socket, sys, time\nact = sys.stdin.read()\n"
    code += "try:\n    if act == 'network': socket.create_connection(('8.8.8.8', 80))\n"
    code += "    if act == 'call': socket.socket(38, socket.SOCK_SEQPACKET)\n"
    code += "    for _ in range(100 if act == 'fork' else 0):\n        if os.fork() == 0: time.sleep(60)\n"
    code += "except OSError: pass"
    acts = ("network", "", "fork", "", "call", "")
    outcome = run.tests(code, *(TestProgram(stdin=act) for act in acts))
    assert outcome.main.flags == NOTHING
    assert [test.flags for test in outcome.tests] == [NETWORK, NOTHING, STORM, NOTHING, FORBIDDEN, NOTHING]


def test_program_cannot_forge_flags(run: Runner) -> None:
    result = run(
        "import os\nos.write(1, b'\\x07\\0\\0\\0\\x0afork_storm')\nos.write(2, b'\\x07\\0\\0\\0\\x0afork_storm')"
    )
    assert (result.status, result.flags) == (RunStatus.SUCCESS, NOTHING)


@pytest.mark.parametrize(
    ("loop", "flags"),
    [
        ("while True: libc.ptrace(0, 0, 0, 0)", FORBIDDEN),
        ("s = socket.socket()\nwhile True: s.connect_ex(('8.8.8.8', 80))", NETWORK),
        ("s = socket.socket(socket.AF_UNIX)\nwhile True: s.connect_ex('/tmp/none')", NOTHING),
    ],
    ids=["forbidden", "network", "of no interest"],
)
def test_flood_of_calls_delays_nothing(run: Runner, loop: str, flags: frozenset[Flag]) -> None:
    code = "import ctypes, os, socket\nlibc = ctypes.CDLL(None)\nprint('so far', flush=True)\n"
    started = time.monotonic()
    outcome = run.tests(code + "for _ in range(30):\n    if os.fork() == 0: break\n" + loop, timeout_seconds=1)
    took_seconds = time.monotonic() - started - outcome.waited_seconds
    result = outcome.main
    assert (result.status, result.stdout, result.flags) == (RunStatus.TIMEOUT, "so far\n", flags)
    assert result.exit_code is None
    assert 1 <= result.wall_seconds <= took_seconds < 1 + LATE_SECONDS


def test_flood_of_calls_beside_a_flood_of_output_is_flagged(run: Runner) -> None:
    code = (
        "import ctypes, os, threading\nlibc = ctypes.CDLL(None)\ndef call():\n    while True: libc.ptrace(0, 0, 0, 0)\n"
    )
    code += "for _ in range(10): threading.Thread(target=call).start()\nwhile True: os.write(1, b'x' * 1000)"
    result = run(code)
    assert (result.status, result.flags) == (RunStatus.OUTPUT_LIMIT, FORBIDDEN)


def test_callers_killed_while_they_wait_delay_nothing(run: Runner) -> None:
    """The kernel withdraws their notifications; the supervisor must not wait for them."""
    code = """
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
for _ in range(10):
    pids = [os.fork() for _ in range(2)]
    if not all(pids):
        while True: libc.ptrace(0, 0, 0, 0)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(100): libc.ptrace(0, 0, 0, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
print('survived')
"""
    outcome = run.tests(code, TestProgram(stdin=""))
    assert [(each.stdout, each.flags) for each in (outcome.main, *outcome.tests)] == [("survived\n", FORBIDDEN)] * 2


@pytest.mark.parametrize("pointer", ["0", "1", "0xffffffffff600000", "-1", "2 ** 47 - 4096"])
def test_unreadable_address_is_an_error_only_for_the_caller(run: Runner, pointer: str) -> None:
    code = f"s = socket.socket()\nif libc.connect(s.fileno(), ctypes.c_void_p({pointer}), 16) == -1:\n"
    code += "    raise OSError(ctypes.get_errno(), '')"
    result = run(telling_its_refusal("libc = ctypes.CDLL(None, use_errno=True)\n" + code))
    assert (result.stdout in ("EFAULT\n", "EAFNOSUPPORT\n"), result.flags) == (True, NOTHING)


ALLOW_ALL = """
libc = ctypes.CDLL(None, use_errno=True)
allow = (ctypes.c_uint64 * 1)(0x7fff000000000006)  # return SECCOMP_RET_ALLOW
program = ctypes.create_string_buffer(16)
ctypes.c_ushort.from_buffer(program).value = 1
ctypes.c_void_p.from_buffer(program, 8).value = ctypes.addressof(allow)
if libc.{call} == -1: raise OSError(ctypes.get_errno(), '')
"""
"""Installs a seccomp filter that allows every call."""


@pytest.mark.parametrize(
    "call", ["syscall(317, 1, 8, program)", "syscall(317, 1, 0, program)", "prctl(22, 2, program)"]
)
def test_deny_adding_a_seccomp_filter(attempts: Attempts, call: str) -> None:
    """Neither one with a listener of its own, nor one for its memory."""
    result = attempts(telling_its_refusal(ALLOW_ALL.format(call=call)))
    assert (result.stdout, result.flags) == ("EPERM\n", FORBIDDEN)


def test_deny_finding_the_refused_calls_of_another_run(run: Runner) -> None:
    """The arguments of its calls leave nothing in the memory that the next run is forked from."""
    act = """
import ctypes, socket
text = "CANARY" * 4
argument = ctypes.c_uint64(int.from_bytes(text[:8].encode(), "little"))
libc = ctypes.CDLL(None)
for _ in range(20):
    libc.ptrace(*[argument] * 6)
    libc.syscall(0x40000000 | int.from_bytes(b"CAN", "little"), *[argument] * 6)
    for family, address in ((10, b"\\n\\0" + text[:22].encode()), (2, b"\\2\\0" + text[:14].encode())):
        s = socket.socket(family, socket.SOCK_DGRAM)
        libc.connect(s.fileno(), address.ljust(28, b"\\0"), 28)
        libc.sendto(s.fileno(), b"", 0, 0, address.ljust(28, b"\\0"), 28)
"""
    search = "print(find('C A N A R Y'))"
    outcome = run.tests(SEARCH, TestProgram(code=act + search), TestProgram(code=search))
    assert outcome.tests[0].flags == FORBIDDEN | NETWORK
    assert int(outcome.tests[0].stdout) > 0
    assert outcome.tests[1].stdout == "0\n"
