"""What a program must not reach. Each refusal is asserted by its own error, so that a broken program cannot pass."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from executions.sandbox.console import Printed
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import GUEST_DIRECTORY
from executions.sandbox.engine.masked import MASKED
from executions.sandbox.engine.options import ENVIRONMENT, USERS
from executions.sandbox.results import RunStatus
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import Reuse, is_gvisor
from tests.sandbox.conftest import RUNTIME, Launch, Runner, demand_ready, telling_its_refusal
from tests.sandbox.watching import Watched
from tests.walls import SABOTAGE_GATEWAY

pytestmark = pytest.mark.docker
wall = pytest.mark.wall


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        pytest.param("socket.socket(38, socket.SOCK_SEQPACKET)", "EPERM", marks=wall("seccomp")),  # AF_ALG
        pytest.param("socket.socket(16, socket.SOCK_RAW)", "EPERM", marks=wall("seccomp")),  # AF_NETLINK
        pytest.param("socket.socket(40, socket.SOCK_STREAM)", "EPERM", marks=wall("seccomp")),  # AF_VSOCK
        ("socket.socketpair(socket.AF_PACKET)", "EPERM"),
        ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "EPERM"),
        ("os.unshare(os.CLONE_NEWUSER)", "EPERM"),
        ("os.unshare(os.CLONE_NEWNET)", "EPERM"),
        ("os.unshare(os.CLONE_NEWNS)", "EPERM"),
        ("os.setns(os.open('/proc/self/ns/net', 0))", "EPERM"),
        pytest.param("os.setuid(0)", "EPERM", marks=wall("user")),
        pytest.param("os.setresgid(0, 0, 0)", "EPERM", marks=wall("user")),
        ("os.setgroups([0])", "EPERM"),
        ("os.chroot('/tmp')", "EPERM"),
        ("os.mknod('/tmp/null', 0o20666, os.makedev(1, 3))", "EPERM"),
        pytest.param("os.kill(1, 0) or os.listdir('/proc/1/fd')", "EACCES", marks=wall("undumpable", "user")),
        pytest.param("open('/proc/1/mem', 'rb')", "EACCES", marks=wall("undumpable")),
        pytest.param("open('/proc/1/environ', 'rb')", "EACCES", marks=wall("undumpable")),
        ("open('/proc/sys/kernel/core_pattern', 'w')", "EROFS"),
        ("open('/sys/fs/cgroup/memory/memory.limit_in_bytes', 'w')", "EROFS"),
        ("os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000')", "EACCES"),
    ],
)
def test_deny_privileges(run: Runner, attempt: str, error: str) -> None:
    assert run.refusal(attempt) == error


CALL = "libc = ctypes.CDLL(None, use_errno=True)\nif libc.{call} == -1: raise OSError(ctypes.get_errno(), '')"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("ptrace(0, 0, 0, 0)", marks=wall("seccomp")),
        "syscall(310, os.getpid(), 0, 0, 0, 0, 0)",  # process_vm_readv
        "syscall(438, 0, 0, 0)",  # pidfd_getfd
        "syscall(250, 0, -3, 1)",  # keyctl
        "syscall(248, b'user', b'a', b'b', 1, -4)",  # add_key
        "syscall(249, b'user', b'a', 0, -4)",  # request_key
        pytest.param("syscall(29, 1, 4096, 0o1666)", marks=wall("seccomp")),  # shmget
        pytest.param("syscall(68, 1, 0o1666)", marks=wall("seccomp")),  # msgget
        pytest.param("syscall(64, 1, 1, 0o1666)", marks=wall("seccomp")),  # semget
        pytest.param("syscall(425, 1, ctypes.create_string_buffer(120))", marks=wall("seccomp")),  # io_uring_setup
        "syscall(323, 0)",  # userfaultfd
        "syscall(321, 0, 0, 0)",  # bpf
        "syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)",  # perf_event_open
        pytest.param("syscall(447, 0)", marks=wall("seccomp")),  # memfd_secret
        "syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",  # clone with CLONE_NEWUSER
        pytest.param("syscall(206, 1, ctypes.create_string_buffer(8))", marks=wall("seccomp")),  # io_setup
        pytest.param("syscall(251, 1, 0, 7 << 13)", marks=wall("seccomp")),  # ioprio_set
        "mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "umount2(b'/tmp', 0)",
        "syscall(155, b'/', b'/')",  # pivot_root
        "syscall(304, -100, 0, 0)",  # open_by_handle_at
        "syscall(246, 0, 0, 0, 0)",  # kexec_load
        "syscall(103, 3, 0, 0)",  # syslog
        "syscall(227, 0, ctypes.create_string_buffer(16))",  # clock_settime
        "syscall(167, b'/tmp/swap', 0)",  # swapon
        pytest.param("syscall(0x40000000 + 39)", marks=wall("seccomp")),  # getpid of the x32 ABI
    ],
)
def test_deny_kernel_interfaces(run: Runner, call: str) -> None:
    assert run.refusal(CALL.format(call=call)) == "EPERM"


@wall("seccomp")
def test_program_that_asks_to_be_traced_continues(run: Runner) -> None:
    """If it were traced, it would stop for ever at its next exec, and the output would be lost."""
    code = "import ctypes, os\nprint(ctypes.CDLL(None).ptrace(0, 0, 0, 0), flush=True)\n"
    code += "if os.fork() == 0: os.execv('/usr/bin/echo', ['echo', 'ok'])\nos.wait()"
    result = run(code)
    assert (result.status, result.stdout, result.exit_code) == (RunStatus.SUCCESS, "-1\nok\n", 0)


@wall("dockers_seccomp")
def test_deny_what_dockers_own_profile_refuses(run: Runner) -> None:
    """Our filter would raise a flag. None is raised: this shows that the engine's profile refuses the call, too."""
    result = run(telling_its_refusal("os.unshare(os.CLONE_NEWUSER)"))
    assert (result.stdout, result.flags) == ("EPERM\n", frozenset())


@wall("seccomp")
def test_deny_the_32_bit_abi(run: Runner) -> None:
    """`int 0x80` from 64-bit code uses another table of calls, which a filter by number alone would miss."""
    machine_code = bytes.fromhex("b814000000cd80c3")  # mov eax, 20 (getpid); int 0x80; ret
    result = run(
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        f"page.write({machine_code!r})\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "print(ctypes.CFUNCTYPE(ctypes.c_int)(address)())\n"
    )
    assert result.stdout == "-1\n"  # -EPERM


def test_deny_clone3_so_that_flags_cannot_hide(run: Runner) -> None:
    assert run.refusal(CALL.format(call="syscall(435, 0, 0)")) == "ENOSYS"


def status_of_a_process(run: Runner) -> dict[str, str]:
    code = "import json\n"
    code += "print(json.dumps(dict(l.rstrip().split(':\\t', 1) for l in open('/proc/self/status') if ':\\t' in l)))"
    status: dict[str, str] = json.loads(run(code).stdout)
    return status


@wall("user", "own_user")
def test_process_runs_as_an_unprivileged_user(run: Runner) -> None:
    status = status_of_a_process(run)
    user = status["Uid"].split()[0]
    assert status["Uid"].split() == status["Gid"].split() == [user] * 4
    assert status["Groups"].split() in ([], [user])
    assert int(user) in USERS


@wall("capabilities")
def test_deny_capabilities(run: Runner) -> None:
    status = status_of_a_process(run)
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}


@wall("no_new_privileges")
def test_deny_new_privileges(run: Runner) -> None:
    assert status_of_a_process(run)["NoNewPrivs"] == "1"


@wall("seccomp", "dockers_seccomp")
def test_process_is_under_two_seccomp_filters(run: Runner) -> None:
    status = status_of_a_process(run)
    assert (status["Seccomp"], status["Seccomp_filters"]) == ("2", "2")


BY_MODE = {"EACCES"} if is_gvisor(RUNTIME) else set()
"""gVisor checks the mode of a directory before it checks for a read-only file system."""


@wall("read_only")
@pytest.mark.parametrize(
    "directory", "/ /etc /usr /usr/bin /usr/local/bin /var /var/tmp /run /run/lock /opt /opt/sandbox/guest".split()
)
def test_deny_writing(run: Runner, directory: str) -> None:
    assert run.refusal(f"open('{directory}/written', 'w')") in {"EROFS", *BY_MODE}


@pytest.mark.parametrize(
    ("directory", "error"),
    [
        pytest.param("/dev", "EACCES", marks=wall("user")),
        ("/sys/fs/cgroup", "EACCES"),
        ("/sys", "EROFS"),
        ("/proc", "ENOENT"),
        ("/proc/sys", "ENOENT"),
        ("/home", "ENOENT"),  # does not exist
        ("/root", "ENOENT"),
    ],
)
def test_deny_writing_in_the_kernels_file_systems(run: Runner, directory: str, error: str) -> None:
    assert run.refusal(f"open('{directory}/written', 'w')") in {error, *BY_MODE}


@wall("scratch_noexec")
@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_deny_running_own_executables(run: Runner, directory: str) -> None:
    path = f"{directory}/program"
    attempt = f"import shutil\nshutil.copy(os.path.realpath('/usr/bin/true'), '{path}')\nos.chmod('{path}', 0o755)\n"
    assert run.refusal(attempt + f"os.execv('{path}', ['true'])") == "EACCES"


def test_image_has_no_setuid_files(run: Runner) -> None:
    code = """
import os, stat
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys")]
    for name in files:
        path = os.path.join(directory, name)
        if os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
            print(path)
"""
    result = run(code, timeout_seconds=10)
    assert (result.status, result.stdout) == (RunStatus.SUCCESS, "")


UNREACHABLE = {"EHOSTUNREACH"} if is_gvisor(RUNTIME) else set()
"""The error of gVisor's kernel."""


@pytest.mark.parametrize(
    "address",
    [
        "172.17.0.1",  # the engine's usual gateway
        "169.254.169.254",  # a cloud's metadata
        "192.168.65.7",  # the engine of a desktop
        "8.8.8.8",
        "2001:4860:4860::8888",
        SABOTAGE_GATEWAY,
    ],
)
@wall("network")
def test_deny_network(run: Runner, address: str) -> None:
    """It fails at once: the time limit is shorter than the wait for a lost packet."""
    family = "socket.AF_INET6" if ":" in address else "socket.AF_INET"
    for attempt in (
        f"socket.create_connection(('{address}', 80), timeout=1)",
        f"socket.socket({family}, socket.SOCK_DGRAM).sendto(b'x', ('{address}', 53))",
    ):
        assert run.refusal(attempt) in {"ENETUNREACH", *UNREACHABLE}


@wall("network")
def test_deny_any_interface_but_loopback(run: Runner) -> None:
    code = "devices = [line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]\n"
    code += "print(devices, len(open('/proc/net/route').readlines()))\n"
    assert run(code).stdout == "['lo'] 1\n"  # only the line of headings


@wall("network")
def test_deny_name_lookups(run: Runner) -> None:
    code = "import socket, time, urllib.request\nbegun = time.monotonic()\n"
    code += "try: socket.getaddrinfo('example.com', 80)\nexcept socket.gaierror as error: print(error.errno)\n"
    code += "print(time.monotonic() - begun < 3)\nurllib.request.urlopen('http://example.com')"
    result = run(code, timeout_seconds=8)
    assert (result.status, result.stdout) == (RunStatus.ERROR, "-3\nTrue\n")  # EAI_AGAIN
    assert "socket.gaierror" in result.stderr


@contextlib.contextmanager
def that_goes_on(sandbox: Sandbox, code: str, printed: str) -> Iterator[None]:
    """Run a program during the block, once it has printed exactly `printed`."""
    watched = Watched(sandbox, code + "\nimport time\ntime.sleep(60)", timeout_seconds=60, is_interactive=False)
    try:
        while not watched.printed.endswith("\n"):
            watched.until(Printed)
        assert watched.printed == printed
        yield
        assert not watched.console.is_over
    finally:
        watched.console.stop()
        watched.finish()


def test_allow_sockets_within_a_program_but_not_between_programs(run: Runner, sandbox: Sandbox) -> None:
    serve = "import socket\ns = socket.create_server(('127.0.0.1', 8000))\n"
    serve += "c = socket.create_connection(('127.0.0.1', 8000))\n"
    with that_goes_on(sandbox, serve + "c.sendall(b'ok')\nprint(s.accept()[0].recv(2))", "b'ok'\n"):
        assert run.refusal("socket.create_connection(('127.0.0.1', 8000))") == "ECONNREFUSED"


@wall("environment")
def test_program_sees_only_its_own_environment(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK_CANARY", "canary")
    result = run("import os\nprint(sorted(os.environ))")
    names = sorted(entry.partition("=")[0] for entry in ENVIRONMENT)
    assert result.stdout == f"{names}\n"


@wall("three_descriptors")
def test_program_has_three_descriptors(run: Runner) -> None:
    code = "import os\nfor fd in range(256):\n    try: os.fstat(fd); print(fd)\n    except OSError: pass"
    assert run(code).stdout == "0\n1\n2\n"


def test_program_sees_only_its_own_processes(run: Runner) -> None:
    code = "import os\nprint(len([n for n in os.listdir('/proc') if n.isdigit()]), os.getppid())\n"
    code += "print(open('/proc/1/cmdline').read(), end='')"
    assert run(code).stdout == "2 1\npython3\ufffd-s\ufffd-P\ufffd-u\ufffd/opt/sandbox/main.pyc\ufffdplain\ufffd"


@wall("binds")
def test_program_finds_nothing_of_the_service(run: Runner) -> None:
    code = """
import os, stat
wanted = {"manage.py", ".env", ".git", "docker.sock", "containerd.sock", "id_rsa", "settings.py"}
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys")]
    for name in names + files:
        path = os.path.join(directory, name)
        if name in wanted or stat.S_ISSOCK(os.lstat(path).st_mode):
            print(path)
for directory, _, files in os.walk("/opt/sandbox/guest"):
    if not directory.endswith("__pycache__"):
        for name in files:
            print(os.path.join(directory, name).removeprefix("/opt/sandbox/guest/"))
"""
    own = {str(path.relative_to(GUEST_DIRECTORY)) for path in GUEST_DIRECTORY.rglob("*.py")}
    # The entry point is /opt/sandbox/main.py in the image (guest/Dockerfile).
    expected = {path for path in own if not path.startswith("build/")} - {"entrypoint.py"}
    expected |= {f"supervisor/{name}" for name in ("seccomp.bpf", "seccomp_gvisor.bpf", "seccomp_notify.bpf")}
    assert sorted(run(code, timeout_seconds=10).stdout.splitlines()) == sorted(expected)


def test_files_do_not_pass_from_one_request_to_another(run: Runner) -> None:
    code = "import os\nscratch = ('/tmp', '/dev/shm')\n"
    leave = code + "for d in scratch: open(d + '/left', 'w').close()\nprint('left')"
    look = code + "print(all(map(os.path.exists, scratch)), [d for d in scratch if os.path.exists(d + '/left')])"
    assert run(leave).stdout == "left\n"
    assert run(look).stdout == "True []\n"


@wall("ipc")
def test_deny_ipc_between_two_requests(sandbox: Sandbox) -> None:
    """A message that one container leaves in the kernel's queues is invisible to the other."""
    with sandbox.pool.container() as one, sandbox.pool.container() as other:
        spaces = [each.run("import os\nprint(os.readlink('/proc/self/ns/ipc'))", "", None, 5) for each in (one, other)]
    assert spaces[0].stdout.startswith("ipc:[")
    assert spaces[0].stdout != spaces[1].stdout


@wall("one_container_each")
def test_deny_a_second_request_in_one_container(launch_sandbox: Launch) -> None:
    """With SANDBOX_REUSE=never. Each has a writable layer of its own, with its own name, although mounted read-only."""
    sandbox = launch_sandbox(reuse=Reuse.NEVER, queue_seconds=20)
    demand_ready(sandbox)
    run = Runner(sandbox)
    code = "print([line for line in open('/proc/self/mountinfo') if ' / / ' in line])"
    one, other = run(code).stdout, run(code).stdout
    assert "upperdir=" in one
    assert one != other


def test_deny_a_lock_as_a_channel_between_two_requests(run: Runner, sandbox: Sandbox) -> None:
    """Containers share the files of the image; a lock on one of them must not be seen by the other."""
    lock = "import fcntl, sys\nfile = open('/etc/passwd')\n"
    lock += "try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB); print('locked', flush=True)\n"
    lock += "except OSError: print('busy', flush=True)\n"
    with that_goes_on(sandbox, lock, "locked\n"):
        assert run(lock).stdout == "locked\n"


@wall("no_log")
def test_deny_writing_to_the_hosts_disk_by_printing(sandbox: Sandbox, engine: Engine) -> None:
    with sandbox.pool.container() as container:
        container.run("print('x' * 500_000)", "", None, 5)
        assert engine.inspect(container.id)["LogPath"] == ""


def test_program_sees_no_name_of_the_host(run: Runner) -> None:
    """SECURITY.md describes this under "What remains"."""
    code = "import platform, socket\nprint(socket.gethostname(), platform.node(), open('/etc/hostname').read().strip())"
    assert run(code).stdout == "sandbox sandbox sandbox\n"


@wall("masked")
@pytest.mark.parametrize(
    "path",
    [
        "/proc/cmdline",
        "/proc/interrupts",
        "/proc/diskstats",
        "/proc/stat",
        "/proc/sys/kernel/random/boot_id",
        "/proc/sys/fs/file-nr",
    ],
)
def test_deny_reading_the_hosts_identity_and_counters(run: Runner, path: str) -> None:
    assert run(f"import os\nprint(open({path!r}).read() if os.path.isfile({path!r}) else '')").stdout == "\n"


@wall("masked")
def test_program_sees_nothing_of_the_hosts_hardware(run: Runner) -> None:
    code = "import os\nprint([path for path, _, files in os.walk('/sys') if files and 'cgroup' not in path])"
    assert run(code).stdout == "[]\n"


@wall("masked")
def test_every_masked_path_is_empty(run: Runner) -> None:
    code = f"""
import os
def shown(path):
    return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read()
print([path for path in {MASKED} if os.path.exists(path) and shown(path)])
"""
    assert run(code).stdout == "[]\n"


@wall("cgroup_namespace")
def test_program_sees_no_cgroup_of_the_host(run: Runner) -> None:
    code = "print({line.rstrip().rpartition(':')[2] for line in open('/proc/self/cgroup')})"
    assert run(code).stdout == "{'/'}\n"


@wall("no_terminals")
@pytest.mark.parametrize("attempt", ["os.openpty()", "os.open('/dev/ptmx', os.O_RDWR)", "os.open('/dev/pts/ptmx', 2)"])
def test_deny_terminals(run: Runner, attempt: str) -> None:
    """All containers would take them from one number for the whole host."""
    assert run.refusal(attempt) == "ENOENT"


@pytest.mark.parametrize("target", ["1", "-1", "0"])
def test_deny_killing_the_supervisor(run: Runner, target: str) -> None:
    code = "import os\nprint('before')\nfor number in (1, 2, 3, 9, 10, 15, 17):\n"
    code += f"    try: os.kill({target}, number)\n"
    result = run(code + "    except OSError: pass\nprint('after')")
    assert result.status in (RunStatus.SUCCESS, RunStatus.ERROR)
    assert result.stdout.startswith("before\n")
    assert result.exit_code is not None or result.signal is not None


def test_deny_impersonating_the_supervisor(run: Runner) -> None:
    """Printed bytes count as output, whatever they look like."""
    code = "import os, json\nbody = json.dumps({'status': 'success', 'exit_code': 0}).encode()\n"
    code += "os.write(1, b'\\x06' + len(body).to_bytes(4, 'big') + body)\nos.write(1, b'\\x05\\0\\0\\0\\0')\n"
    code += "raise SystemExit(7)"
    result = run(code)
    assert (result.status, result.exit_code, result.tested) == (RunStatus.ERROR, 7, False)
    assert result.stdout.startswith("\x06")


def test_exit_code_137_is_not_a_memory_kill(run: Runner) -> None:
    result = run("import os\nos._exit(137)")
    assert (result.status, result.exit_code) == (RunStatus.ERROR, 137)
    result = run("import os\nos.kill(os.getpid(), 9)")
    assert (result.status, result.signal) == (RunStatus.ERROR, "SIGKILL")
