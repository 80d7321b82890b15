"""What sockets hold is charged to nobody under cgroup v1: their number and their buffers are limited instead."""

import pytest

from executions.sandbox.results import RunStatus, TestProgram
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

MB = 1024 * 1024

# Each process takes as many sockets as it may have, and fills them; it stops early where nothing else stops it.
MEASURE = f"""
import contextlib, os, socket, sys, time
def charged():
    for path in ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory.current"):
        if os.path.exists(path):
            return int(open(path).read())
def queued():
    lines = [line for name in ("tcp", "udp") for line in open(f"/proc/net/{{name}}").readlines()[1:]]
    return sum(int(size, 16) for line in lines for size in line.split()[4].split(":"))
def fill(sender):
    sender.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(8):
            sender.send(bytes(60_000))
def processes(number, take):
    before, ended = charged(), time.monotonic() + 5
    for _ in range(number):
        if queued() > {150 * MB} or time.monotonic() > ended:
            break
        reader, writer = os.pipe()
        if os.fork() == 0:
            kept = []
            with contextlib.suppress(OSError):
                take(kept)
            os.write(writer, b".")
            time.sleep(60)
        os.read(reader, 1)
        os.close(reader), os.close(writer)
    print(queued() - (charged() - before))
"""

DATAGRAMS = """
def take(kept):
    for _ in range(240):
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        kept[-1].bind(("127.0.0.1", 0))
        kept[-1].connect(kept[-1].getsockname())
        fill(kept[-1])
"""

STREAMS = """
def take(kept):
    server = socket.create_server(("127.0.0.1", 0))
    for _ in range(110):
        kept += [socket.create_connection(server.getsockname()), server.accept()[0]]
        fill(kept[-1]), fill(kept[-2])
"""


@pytest.mark.parametrize(
    ("take", "bound"),
    [
        pytest.param(DATAGRAMS, 40 * MB, marks=wall("socket_count"), id="datagrams"),
        pytest.param(STREAMS, 4 * MB, marks=wall("socket_buffers", "socket_count"), id="streams"),
    ],
)
def test_deny_holding_memory_in_sockets(run: Runner, take: str, bound: int) -> None:
    result = run(MEASURE + take + "processes(20, take)", timeout_seconds=10)
    assert result.status is RunStatus.SUCCESS, result.stderr
    assert int(result.stdout) < bound


@wall("socket_count")
def test_deny_many_sockets_to_threads_that_ask_at_once(run: Runner) -> None:
    """One of each thread may be counted late; the program has at most 63 threads."""
    code = """
import socket, threading
kept, start = [], threading.Barrier(40)
def take():
    start.wait()
    try:
        for _ in range(6): kept.append(socket.socket())
    except OSError as error:
        assert error.errno == 24
threads = [threading.Thread(target=take) for _ in range(40)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(kept))
"""
    result = run(code)
    assert result.status is RunStatus.SUCCESS, result.stderr
    assert 64 <= int(result.stdout) <= 64 + 40


def test_sockets_that_are_closed_do_not_count(run: Runner) -> None:
    code = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\nfor _ in range(200):\n"
    code += "    with socket.create_connection(server.getsockname()) as client:\n        client.sendall(b'x')\n"
    code += "        with server.accept()[0] as other: assert other.recv(1) == b'x'\nprint('ok')"
    result = run(code)
    assert (result.stdout, result.flags) == ("ok\n", frozenset()), result.stderr


def test_allow_a_server_with_thirty_clients(run: Runner) -> None:
    code = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def answer(connection):
    while data := connection.recv(1 << 16): connection.sendall(data.upper())
def serve():
    for _ in range(30): threading.Thread(target=answer, args=server.accept()[:1], daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
clients = [socket.create_connection(server.getsockname()) for _ in range(30)]
for client in clients: client.sendall(b"x" * 100_000)
print({sum(len(client.recv(1 << 16)) > 0 for _ in range(1)) for client in clients})
"""
    result = run(code)
    assert (result.stdout, result.flags) == ("{1}\n", frozenset()), result.stderr


@wall("no_time_wait")
def test_kernel_remembers_no_closed_connection_for_the_next_test(run: Runner) -> None:
    submission = """
import socket
def remembered():
    return [line.split()[1] for line in open("/proc/net/tcp").readlines()[1:]]
before = remembered()
with socket.create_server(("127.0.0.1", 1024)) as server:
    for number in range(20):
        with socket.socket() as client:
            client.bind((f"127.0.1.{1 + number}", 2000 + number))
            client.connect(("127.0.0.1", 1024))
            accepted = server.accept()[0]
        accepted.close()
"""
    outcome = run.tests(submission, TestProgram(code="print(before, remembered())"))
    assert outcome.main.status is RunStatus.SUCCESS, outcome.main.stderr
    assert outcome.tests[0].stdout == "[] []\n"
