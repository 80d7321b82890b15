"""The whole standard library is there; what it asks of the kernel is allowed, and raises no flag."""

import ast

import pytest

from executions.sandbox.results import RunStatus
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker

PROGRAMS = {
    "a database of two processes, which wait for each other's locks": """
import os, sqlite3
sqlite3.connect("a.db").execute("create table t (n int)")
for _ in range(2):
    if os.fork() == 0:
        with sqlite3.connect("a.db", timeout=5) as database:
            for n in range(20):
                database.execute("insert into t values (?)", (n,))
                database.commit()
        os._exit(0)
os.wait(); os.wait()
assert sqlite3.connect("a.db").execute("select count(*) from t").fetchone() == (40,)
""",
    "a database with a write-ahead log": """
import sqlite3
database = sqlite3.connect("a.db")
for statement in ("pragma journal_mode=wal", "create table t (n int)", "insert into t values (1)"):
    database.execute(statement)
database.commit()
database.execute("vacuum")
database.backup(sqlite3.connect("b.db"))
""",
    "shared memory": """
from multiprocessing import Lock, Process, Queue, Value, shared_memory
def work(name, lock, queue):
    memory = shared_memory.SharedMemory(name)
    with lock: memory.buf[0] = 7
    memory.close()
    queue.put(7)
memory, queue = shared_memory.SharedMemory(create=True, size=10), Queue()
process = Process(target=work, args=(memory.name, Lock(), queue))
process.start()
assert queue.get() == memory.buf[0]
process.join()
memory.close()
memory.unlink()
""",
    "processes that are not forks": """
import multiprocessing
if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=len, args=("",))
        process.start()
        process.join()
        assert process.exitcode == 0
""",
    "a pool, a manager and an executor": """
import concurrent.futures, multiprocessing
with multiprocessing.Pool(2) as pool: pool.map(str, range(9))
with multiprocessing.Manager() as manager: manager.dict()["a"] = 1
with concurrent.futures.ProcessPoolExecutor(2) as executor: list(executor.map(str, range(9)))
""",
    "mapped memory": """
import mmap
with open("f", "wb+") as file:
    file.write(b"x" * 9)
    file.flush()
    memory = mmap.mmap(file.fileno(), 9)
    memory[:2] = b"ab"
    memory.flush()
    memory.madvise(mmap.MADV_DONTNEED)
    assert memory[:2] == b"ab"
""",
    "copies": """
import os, shutil
open("f", "w").write("x")
shutil.copy2("f", "g")
shutil.copytree(".", "t")
shutil.move("g", "h")
""",
    "files that are synced": """
import os
with open("f", "w+b") as file:
    file.write(b"x")
    file.flush()
    os.fsync(file)
    os.fdatasync(file)
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    os.posix_fallocate(file.fileno(), 0, 9)
os.sync()
""",
    "kinds of files": """
import os, stat
os.mkfifo("p"); os.symlink("p", "l"); os.link("p", "q"); os.rename("q", "r")
os.makedirs("a/b/c"); os.removedirs("a/b/c")
os.utime("p"); os.chmod("p", 0o600); os.chown("p", -1, -1); os.access("p", os.R_OK); os.statvfs("/")
open("f", "w").close(); os.truncate("f", 5); os.replace("f", "g")
assert stat.S_ISFIFO(os.stat("l").st_mode)
""",
    "locks": """
import fcntl, os
with open("f", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX)
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(file, fcntl.F_GETFL))
""",
    "descriptors": """
import os
reader, writer = os.pipe()
os.set_blocking(reader, False); os.set_inheritable(reader, True); os.dup2(reader, 20); os.isatty(reader)
os.sendfile(writer, os.open("/etc/passwd", os.O_RDONLY), 0, 9); os.readv(reader, [bytearray(9)])
""",
    "newer calls": """
import os
os.eventfd(0); os.timerfd_create(1); os.pidfd_open(os.getpid())
os.splice(os.open("/etc/passwd", os.O_RDONLY), os.pipe()[1], 9)
os.copy_file_range(os.open("main.py", os.O_RDONLY), os.open("copy", os.O_WRONLY | os.O_CREAT), 9)
""",
    "selectors": """
import selectors, socket
one, other = socket.socketpair()
for kind in ("Select", "Poll", "Epoll"):
    with getattr(selectors, f"{kind}Selector")() as selector:
        selector.register(one, selectors.EVENT_READ)
        other.send(b"x")
        assert selector.select(1)
        one.recv(1)
""",
    "signals": """
import signal
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.pause()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
signal.raise_signal(signal.SIGUSR1)
assert (seen, signal.sigwait({signal.SIGUSR1}), signal.sigtimedwait([10], 0)) == ([1], signal.SIGUSR1, None)
""",
    "a web server": """
import http.server, socketserver, threading, urllib.request
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.handle_request).start()
    urllib.request.urlopen("http://127.0.0.1:%d" % server.server_address[1]).read()
""",
    "options of sockets": """
import socket
with socket.socket() as one:
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT, socket.SO_KEEPALIVE, socket.SO_RCVBUF, socket.SO_SNDBUF):
        one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.getsockopt(socket.SOL_SOCKET, option)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)
    one.settimeout(1)
socket.create_server(("::1", 0), family=socket.AF_INET6).close()
""",
    "descriptors sent to another process": """
import array, os, socket
one, other = socket.socketpair()
if os.fork() == 0:
    socket.send_fds(one, [b"x"], [0])
    os._exit(0)
assert len(socket.recv_fds(other, 9, 1)[1]) == 1
os.wait()
""",
    "asyncio": """
import asyncio, os, signal
async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    loop.remove_signal_handler(signal.SIGUSR1)
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    assert (await process.communicate(b"x"))[0] == b"x"
    assert await asyncio.to_thread(len, "xx") == 2
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), "/tmp/s")
    reader, _ = await asyncio.open_unix_connection("/tmp/s")
    await reader.read()
asyncio.run(main())
""",
    "programs": """
import os, subprocess, sys
subprocess.run("ls | cat; sleep 0.01; true", shell=True, check=True, stdout=-1, start_new_session=True, timeout=5)
subprocess.run([sys.executable, "-c", "import os; os.nice(1)"], check=True, preexec_fn=os.getpid, close_fds=False)
os.waitpid(os.posix_spawn("/usr/bin/true", ["true"], {}), 0)
assert os.waitstatus_to_exitcode(os.system("false")) == 1
""",
    "threads": """
import faulthandler, resource, threading
faulthandler.enable()
faulthandler.dump_traceback_later(9)
faulthandler.cancel_dump_traceback_later()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
barrier, local = threading.Barrier(3), threading.local()
for _ in range(2): threading.Thread(target=barrier.wait).start()
barrier.wait()
threading.Timer(0.01, len, [""]).start()
""",
    "archives and logs": """
import gzip, logging.handlers, shelve, tarfile, tempfile, zipfile
with shelve.open("s") as shelf: shelf["a"] = 1
with zipfile.ZipFile("z", "w") as archive: archive.writestr("a", "b")
with tarfile.open("t", "w") as archive: archive.add("z")
with gzip.open("g", "w") as file: file.write(b"x")
logger = logging.getLogger("a")
logger.addHandler(logging.handlers.RotatingFileHandler("l", maxBytes=9, backupCount=2))
for _ in range(3): logger.warning("text")
with tempfile.NamedTemporaryFile() as file: file.write(b"x")
""",
    "callbacks from C": """
import ctypes
double = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: 2 * n)
assert double(3) == 6
""",
    "questions about the machine": """
import getpass, os, platform, resource, shutil, socket, time, uuid
shutil.get_terminal_size(); platform.platform(); os.cpu_count(); os.getloadavg(); os.sched_getaffinity(0); os.times()
shutil.disk_usage("/"); socket.gethostname(); time.process_time(); time.thread_time(); uuid.uuid1(); os.sysconf(30)
resource.getrusage(resource.RUSAGE_CHILDREN); os.getgroups(); os.getresuid(); os.getsid(0); os.get_inheritable(0)
os.nice(1); os.getpriority(os.PRIO_PROCESS, 0); os.sched_yield(); os.getrandom(9); os.umask(0o22)
""",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_support_what_the_standard_library_does(run: Runner, program: str) -> None:
    result = run(PROGRAMS[program])
    assert (result.status, result.stderr, result.flags) == (RunStatus.SUCCESS, "", frozenset())


ABSENT = {
    *("idlelib", "tkinter", "turtledemo"),  # need a screen
    *("ensurepip", "test"),  # install pip, which has no network here, and test Python itself
    *("msvcrt", "nt", "winreg", "winsound"),  # Windows
    *("asyncio.windows_events", "asyncio.windows_utils", "multiprocessing.popen_spawn_win32"),
    *("encodings.mbcs", "encodings.oem"),
    "dbm.gnu",  # on Debian a package of its own
}

IMPORT_ALL = """
import contextlib, io, pkgutil, sys
missing = {}
def load(name):
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # `this` and `__hello__` print
            exec(f"from {name} import *", {})
    except Exception as error:
        missing[name] = repr(error)
        return
    for _, each, _ in pkgutil.iter_modules(getattr(sys.modules[name], "__path__", [])):
        if each[0] != "_":
            load(f"{name}.{each}")
for name in sorted(sys.stdlib_module_names):
    if name[0] != "_":
        load(name)
print(len(sys.modules), missing)
"""


def test_support_every_public_module_of_the_standard_library(run: Runner) -> None:
    result = run(IMPORT_ALL, timeout_seconds=60)
    assert (result.status, result.flags) == (RunStatus.SUCCESS, frozenset()), result.stderr
    loaded, _, missing = result.stdout.partition(" ")
    assert int(loaded) > 500
    assert {name: error for name, error in ast.literal_eval(missing).items() if name not in ABSENT} == {}
