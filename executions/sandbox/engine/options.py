"""What a container may do: the options that it is created with. One pure function; it gets nothing from a request."""

from typing import Any

from executions.sandbox.engine import gvisor
from executions.sandbox.engine.masked import MASKED
from executions.sandbox.profiles import Profile
from executions.sandbox.settings import MEMORY_BYTES, is_gvisor

NAME_PREFIX = "code_exec_"
LABEL = "net.pylearn.codeexec"
OWNER_LABEL = f"{LABEL}.owner"
SANDBOX_LABEL = f"{LABEL}.sandbox"
"""A process may have several sandboxes; each removes only its own containers."""

# A quarter of a CPU, in one piece: most programs end within 100 ms, and so are never stopped.
CPU_PERIOD_MICROSECONDS = 400_000
CPU_QUOTA_MICROSECONDS = 100_000
PIDS = 64
OPEN_FILES = 256
FILE_BYTES = 16 * 1024 * 1024

USERS = range(0x7000_0000, 0x8000_0000)
"""The user and group IDs of containers, which nobody else has: above those that systemd hands out, up to the engine's
last. A container has one for itself, because the kernel counts pipes, watches, queues, keys and signals by user."""
MAPPED_USERS = range(1000, 65_534)
"""The IDs that a container may have if the engine maps them to others of the host: rootless, or with userns-remap."""

# Without a limit on inodes, 16 MB hold tens of thousands of empty files, which take up the kernel's memory.
TMPFS = {
    "/tmp": "rw,noexec,nosuid,nodev,size=16m,nr_inodes=1024,mode=1777",  # noqa: S108
    "/dev/shm": "rw,noexec,nosuid,nodev,size=4m,nr_inodes=128,mode=1777",  # noqa: S108
    # Replaces the directory of terminals, whose number is limited for the whole host. /dev/ptmx leads there.
    "/dev/pts": "ro,noexec,nosuid,nodev,size=4k,nr_inodes=1,mode=555",
}

# Of the container's own network namespace.
SYSCTLS = {
    # What TCP queues is not charged to a container under cgroup v1. See `guest.supervisor.watch` for their number.
    "net.ipv4.tcp_rmem": "4096 16384 32768",
    "net.ipv4.tcp_wmem": "4096 16384 32768",
    # What a test of a submission could leave to the next: ports, and what the kernel knows about an address.
    "net.ipv4.tcp_max_tw_buckets": "0",
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.tcp_fastopen": "0",
}

ENVIRONMENT = (
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "HOME=/tmp",
    "HOSTNAME=sandbox",  # otherwise the engine adds its own
    "LANG=C.UTF-8",
    "PYTHONDONTWRITEBYTECODE=1",
    "PYTHONUNBUFFERED=1",
    "PYTHONHASHSEED=0",  # so that a set of strings has one order, and a test that prints it one verdict
    # Where figures go, in every process of a program.
    "MPLBACKEND=module://guest.program.figures",
    # Linear algebra in one thread: there is a quarter of a CPU, and a supervisor with threads could not fork.
    "OPENBLAS_NUM_THREADS=1",
    "OMP_NUM_THREADS=1",
)


def container_options(
    image_id: str,
    owner: str,
    runtime: str | None = None,
    profile: Profile = Profile.PLAIN,
    sandbox_id: str = "",
    user: int = USERS[0],
) -> dict[str, Any]:
    """Return the body of the engine's `POST /containers/create`, as Engine API v1.41 names its fields.

    `user` must be that of no other container.
    """
    memory_bytes, pids = MEMORY_BYTES, PIDS
    if is_gvisor(runtime):
        memory_bytes, pids = memory_bytes + gvisor.KERNEL_BYTES, gvisor.PIDS_WITH_KERNEL
        if profile is Profile.SCIENCE:
            memory_bytes += gvisor.PACKAGES_BYTES
    host_config: dict[str, Any] = {
        # A container that has lost its owner ends by itself and leaves nothing.
        "AutoRemove": True,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "Memory": memory_bytes,
        "MemorySwap": memory_bytes,  # memory and swap together: no swap
        "CpuPeriod": CPU_PERIOD_MICROSECONDS,
        "CpuQuota": CPU_QUOTA_MICROSECONDS,
        "PidsLimit": pids,
        "OomScoreAdj": 500,  # if the host runs out of memory, a container dies before the service
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": FILE_BYTES, "Hard": FILE_BYTES},
        ],
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",  # otherwise /proc/self/cgroup names the container under cgroup v1
        "CapDrop": ["ALL"],
        "Privileged": False,
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        "Tmpfs": dict(TMPFS),
        "Sysctls": dict(SYSCTLS),
        "MaskedPaths": list(MASKED),
        "Binds": [],
        # The output of a program must never reach the host's disk.
        "LogConfig": {"Type": "none", "Config": {}},
    }
    if runtime is not None:
        host_config["Runtime"] = runtime
    return {
        "Image": image_id,
        "Cmd": [str(profile)],
        "User": f"{user}:{user}",
        "Hostname": "sandbox",
        "Env": list(ENVIRONMENT),
        "WorkingDir": "/tmp",  # noqa: S108
        "Labels": {LABEL: "run", OWNER_LABEL: owner, SANDBOX_LABEL: sandbox_id},
        "NetworkDisabled": True,
        "Tty": False,
        # PID 1 ignores SIGTERM; an engine that stops or restarts would wait ten seconds for it.
        "StopSignal": "SIGKILL",
        # If the attached owner dies, for whatever reason, the supervisor reads the end of its stdin.
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host_config,
    }
