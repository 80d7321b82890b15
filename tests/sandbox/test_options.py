"""The container options, word for word, and those of a live container."""

import pytest

from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.masked import MASKED
from executions.sandbox.engine.options import LABEL, NAME_PREFIX, OWNER_LABEL, USERS, container_options
from executions.sandbox.profiles import Profile
from executions.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.docker

GOLDEN = {
    "Image": "sha256:guest",
    "Cmd": ["plain"],
    "User": "1879048192:1879048192",
    "Hostname": "sandbox",
    "Env": [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "HOME=/tmp",
        "HOSTNAME=sandbox",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
        "PYTHONHASHSEED=0",
        "MPLBACKEND=module://guest.program.figures",
        "OPENBLAS_NUM_THREADS=1",
        "OMP_NUM_THREADS=1",
    ],
    "WorkingDir": "/tmp",
    "Labels": {
        "net.pylearn.codeexec": "run",
        "net.pylearn.codeexec.owner": "1-2-3@host",
        "net.pylearn.codeexec.sandbox": "",
    },
    "NetworkDisabled": True,
    "Tty": False,
    "StopSignal": "SIGKILL",
    "OpenStdin": True,
    "StdinOnce": True,
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
    "HostConfig": {
        "AutoRemove": True,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "Memory": 134217728,
        "MemorySwap": 134217728,
        "CpuPeriod": 400_000,
        "CpuQuota": 100_000,
        "PidsLimit": 64,
        "OomScoreAdj": 500,
        "Ulimits": [
            {"Name": "nofile", "Soft": 256, "Hard": 256},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": 16777216, "Hard": 16777216},
        ],
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "CapDrop": ["ALL"],
        "Privileged": False,
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        "Tmpfs": {
            "/tmp": "rw,noexec,nosuid,nodev,size=16m,nr_inodes=1024,mode=1777",
            "/dev/shm": "rw,noexec,nosuid,nodev,size=4m,nr_inodes=128,mode=1777",
            "/dev/pts": "ro,noexec,nosuid,nodev,size=4k,nr_inodes=1,mode=555",
        },
        "Sysctls": {
            "net.ipv4.tcp_rmem": "4096 16384 32768",
            "net.ipv4.tcp_wmem": "4096 16384 32768",
            "net.ipv4.tcp_max_tw_buckets": "0",
            "net.ipv4.tcp_no_metrics_save": "1",
            "net.ipv4.tcp_fastopen": "0",
        },
        "MaskedPaths": list(MASKED),
        "Binds": [],
        "LogConfig": {"Type": "none", "Config": {}},
    },
}


def test_options_are_exactly_these() -> None:
    assert container_options("sha256:guest", "1-2-3@host") == GOLDEN


def test_profile_changes_only_the_supervisors_argument() -> None:
    options = container_options("sha256:guest", "1-2-3@host", profile=Profile.SCIENCE)
    assert options == {**GOLDEN, "Cmd": ["science"]}


def test_user_changes_only_itself() -> None:
    assert container_options("sha256:guest", "1-2-3@host", user=1234) == {**GOLDEN, "User": "1234:1234"}


def test_engines_own_masks_stay_hidden(engine: Engine) -> None:
    """A list of masked paths replaces the engine's: whatever this engine hides by itself, we hide, too."""
    made = engine.create(
        f"{NAME_PREFIX}masks",
        {"Image": engine.image_id(image_name()), "Labels": {LABEL: "run", OWNER_LABEL: "0-0-0@nowhere"}},
    )
    try:
        defaults = engine.inspect(made)["HostConfig"]["MaskedPaths"]
    finally:
        engine.remove(made)
    assert "/proc/kcore" in defaults
    assert [path for path in defaults if not any(f"{path}/".startswith(f"{masked}/") for masked in MASKED)] == []


def test_runtime_changes_only_itself_and_gvisors_memory_and_processes() -> None:
    options = container_options("sha256:guest", "1-2-3@host", runtime="runsc")
    assert options["HostConfig"].pop("Runtime") == "runsc"
    # gVisor's kernel needs memory and processes for itself.
    host_config = {**GOLDEN["HostConfig"], "Memory": 167772160, "MemorySwap": 167772160, "PidsLimit": 256}  # type: ignore[dict-item]
    assert options == {**GOLDEN, "HostConfig": host_config}
    options = container_options("sha256:guest", "1-2-3@host", runtime="runsc", profile=Profile.SCIENCE)
    assert options["HostConfig"]["Memory"] == options["HostConfig"]["MemorySwap"] == 218103808


def test_live_container_has_these_options(sandbox: Sandbox, engine: Engine) -> None:
    with sandbox.pool.container() as container:
        live = engine.inspect(container.id)
    for name, value in GOLDEN["HostConfig"].items():  # type: ignore[attr-defined]
        assert (live["HostConfig"][name] or None) == (value or None), name
    assert int(live["Config"]["User"].partition(":")[0]) in USERS
    for name in ("Hostname", "WorkingDir", "Tty", "OpenStdin", "StdinOnce"):
        assert live["Config"][name] == GOLDEN[name], name
    assert sorted(live["Config"]["Env"]) == sorted(GOLDEN["Env"])  # type: ignore[call-overload]
    assert live["Name"].startswith("/code_exec_")
    assert live["Mounts"] == []
    assert not live["HostConfig"]["Devices"]
    assert live["HostConfig"]["CapAdd"] is None
    assert live["HostConfig"]["PidMode"] == ""
    assert live["HostConfig"]["UTSMode"] == ""
    assert live["State"]["Running"] is True
