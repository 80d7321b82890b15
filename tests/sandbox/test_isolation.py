"""What a program must not reach. A refusal is asserted by its own error, so that a slip in a program cannot pass."""

import json

import pytest

from executions.sandbox.results import RunStatus
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("socket.socket(38, socket.SOCK_SEQPACKET)", "EPERM"),
        ("socket.socket(16, socket.SOCK_RAW)", "EPERM"),
        ("socket.socket(40, socket.SOCK_STREAM)", "EPERM"),
        ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "EPERM"),
        ("os.unshare(os.CLONE_NEWUSER)", "EPERM"),
        ("os.setns(os.open('/proc/self/ns/net', 0))", "EPERM"),
        ("os.setuid(0)", "EPERM"),
        ("os.setgroups([0])", "EPERM"),
        ("os.chroot('/tmp')", "EPERM"),
        ("os.mknod('/tmp/null', 0o20666, os.makedev(1, 3))", "EPERM"),
        ("os.kill(1, 0) or os.listdir('/proc/1/fd')", "EACCES"),
        ("open('/proc/1/mem', 'rb')", "EACCES"),
        ("open('/proc/1/environ', 'rb')", "EACCES"),
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
        "ptrace(0, 0, 0, 0)",
        "syscall(310, os.getpid(), 0, 0, 0, 0, 0)",  # process_vm_readv
        "syscall(250, 0, -3, 1)",  # keyctl
        "syscall(248, b'user', b'a', b'b', 1, -4)",  # add_key
        "syscall(425, 1, ctypes.create_string_buffer(120))",  # io_uring_setup
        "syscall(323, 0)",  # userfaultfd
        "syscall(321, 0, 0, 0)",  # bpf
        "syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)",  # perf_event_open
        "syscall(447, 0)",  # memfd_secret
        "syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",  # clone with CLONE_NEWUSER
        "mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "umount2(b'/tmp', 0)",
        "syscall(155, b'/', b'/')",  # pivot_root
        "syscall(304, -100, 0, 0)",  # open_by_handle_at
        "syscall(0x40000000 + 39)",  # getpid of the x32 ABI
    ],
)
def test_deny_kernel_interfaces(run: Runner, call: str) -> None:
    assert run.refusal(CALL.format(call=call)) == "EPERM"


def test_deny_the_32_bit_abi(run: Runner) -> None:
    """`int 0x80` from 64-bit code enters another table of calls, which a filter of numbers alone would miss."""
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


def test_a_process_is_nobody(run: Runner) -> None:
    code = "import json\n"
    code += "print(json.dumps(dict(l.rstrip().split(':\\t', 1) for l in open('/proc/self/status') if ':\\t' in l)))"
    status = json.loads(run(code).stdout)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["Seccomp_filters"]) >= 2) == ("1", "2", True)
    assert status["Uid"].split() == status["Gid"].split() == ["64321"] * 4
    assert status["Groups"].split() in ([], ["64321"])


@pytest.mark.parametrize("directory", "/ /etc /usr /usr/bin /var /run /opt /opt/sandbox /dev /proc /sys".split())
def test_deny_writing(run: Runner, directory: str) -> None:
    assert run.refusal(f"open('{directory}/written', 'w')") in ("EROFS", "EACCES", "ENOENT")


@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_deny_programs_of_ones_own(run: Runner, directory: str) -> None:
    path = f"{directory}/program"
    attempt = f"import shutil\nshutil.copy(os.path.realpath('/usr/bin/true'), '{path}')\nos.chmod('{path}', 0o755)\n"
    assert run.refusal(attempt + f"os.execv('{path}', ['true'])") == "EACCES"


def test_image_has_no_special_modes(run: Runner) -> None:
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


@pytest.mark.parametrize("address", ["172.17.0.1", "169.254.169.254", "8.8.8.8", "10.0.0.1"])
def test_deny_network(run: Runner, address: str) -> None:
    assert run.refusal(f"socket.create_connection(('{address}', 80), timeout=5)") == "ENETUNREACH"
    assert (
        run.refusal(f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{address}', 53))")
        == "ENETUNREACH"
    )


def test_deny_name_look_ups(run: Runner) -> None:
    result = run("import urllib.request\nurllib.request.urlopen('http://example.com')", timeout_seconds=5)
    assert result.status is RunStatus.ERROR
    assert "socket.gaierror" in result.stderr or "URLError" in result.stderr


def test_allow_sockets_within_a_program_but_not_between_programs(run: Runner) -> None:
    serve = "import socket\ns = socket.create_server(('127.0.0.1', 8000))\n"
    serve += "c = socket.create_connection(('127.0.0.1', 8000))\n"
    assert run(serve + "c.sendall(b'ok')\nprint(s.accept()[0].recv(2))").stdout == "b'ok'\n"
    assert run.refusal("socket.create_connection(('127.0.0.1', 8000))") == "ECONNREFUSED"


def test_sees_its_own_environment_only(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK_CANARY", "canary")
    result = run("import os\nprint(sorted(os.environ))")
    names = ["HOME", "HOSTNAME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"]
    assert result.stdout == f"{names}\n"


def test_has_three_descriptors(run: Runner) -> None:
    code = "import os\nfor fd in range(256):\n    try: os.fstat(fd); print(fd)\n    except OSError: pass"
    assert run(code).stdout == "0\n1\n2\n"


def test_sees_its_own_processes_only(run: Runner) -> None:
    code = "import os\nprint(len([n for n in os.listdir('/proc') if n.isdigit()]), os.getppid())\n"
    code += "print(open('/proc/1/cmdline').read(), end='')"
    assert run(code).stdout == "2 1\npython3\ufffd-I\ufffd-u\ufffd/opt/sandbox\ufffd"


def test_finds_nothing_of_the_service(run: Runner) -> None:
    code = """
import os
wanted = {"manage.py", ".env", ".git", "docker.sock", "containerd.sock", "id_rsa", "settings.py"}
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys")]
    for name in wanted.intersection(names + files):
        print(os.path.join(directory, name))
print(sorted(os.listdir("/opt/sandbox/guest")))
"""
    result = run(code, timeout_seconds=10)
    guest = [
        "__init__.py",
        "__pycache__",
        "confinement.py",
        "program.py",
        "protocol.py",
        "seccomp.bpf",
        "seccomp_notify.bpf",
        "supervisor.py",
        "watch.py",
    ]
    assert result.stdout == f"{guest}\n"


def test_nothing_passes_from_one_run_to_another(run: Runner) -> None:
    leave = "import os\nfor d in ('/tmp', '/dev/shm'):\n    open(d + '/left', 'w').close()\nprint('left')"
    look = "import os\nprint([d for d in ('/tmp', '/dev/shm', '/dev/mqueue') if os.path.exists(d + '/left')])"
    assert run(leave).stdout == "left\n"
    assert run(look).stdout == "[]\n"


@pytest.mark.parametrize("target", ["1", "-1", "0"])
def test_deny_killing_the_supervisor(run: Runner, target: str) -> None:
    code = "import os\nprint('before')\nfor number in (1, 2, 3, 9, 10, 15, 17):\n"
    code += f"    try: os.kill({target}, number)\n"
    result = run(code + "    except OSError: pass\nprint('after')")
    assert result.status in (RunStatus.SUCCESS, RunStatus.ERROR)
    assert result.stdout.startswith("before\n")
    assert result.exit_code is not None or result.signal is not None


def test_deny_speaking_for_the_supervisor(run: Runner) -> None:
    """What a program prints is output, whatever it looks like."""
    code = "import os, json\nbody = json.dumps({'status': 'success', 'exit_code': 0}).encode()\n"
    code += "os.write(1, b'\\x06' + len(body).to_bytes(4, 'big') + body)\nos.write(1, b'\\x05\\0\\0\\0\\0')\n"
    code += "raise SystemExit(7)"
    result = run(code)
    assert (result.status, result.exit_code, result.tested) == (RunStatus.ERROR, 7, False)
    assert result.stdout.startswith("\x06")


def test_exit_137_is_no_memory_kill(run: Runner) -> None:
    result = run("import os\nos._exit(137)")
    assert (result.status, result.exit_code) == (RunStatus.ERROR, 137)
    result = run("import os\nos.kill(os.getpid(), 9)")
    assert (result.status, result.signal) == (RunStatus.ERROR, "SIGKILL")
