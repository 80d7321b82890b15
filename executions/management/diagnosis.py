"""What an operator can get wrong, and how it is mended: a pure function for each, which returns None if all is well.

`manage.py doctor` gathers the facts.
"""

import ipaddress
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from executions.sandbox.engine.options import MEMORY_BYTES

IMAGE_DATA = "/data/"
"""Where the service's own image keeps its data (Dockerfile)."""
OLDEST_API = (1, 41)
SERVICE_BYTES = 128 * 1024**2
"""What the service itself takes, with room for a busy hour."""
WARM_BYTES = 12 * 1024**2
SCIENCE_WARM_BYTES = 81 * 1024**2
"""What a container of either profile takes while it waits, as docs/settings.md says."""
LARGEST_DRIFT_SECONDS = 5
FEWEST_ADDRESSES = 20
"""Executions from which something may be told about the addresses on record."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what to do about it. A warning is for the operator to weigh."""

    what: str
    remedy: str
    is_warning: bool = False


def check_socket(path: str, mode: int | None, group: int, groups: Collection[int], may_use: bool) -> Fault | None:
    """Look at the engine's socket: its mode, None when nothing is there, and its group beside ours."""
    if mode is None:
        return Fault(f"{path} is not there", f"Start Docker; in a container add the volume {path}:{path}")
    if not stat.S_ISSOCK(mode):
        return Fault(
            f"{path} is no socket: Docker was not running when the container was made, and made a directory",
            f"Remove {path} on the host, start Docker there and redeploy",
        )
    if not may_use:
        return Fault(
            f"we may not use {path}: its group is {group}, ours are {sorted(groups)}",
            f"Start the container as root, which then takes the group and gives root up, or with --group-add {group}",
        )
    return None


def check_engine(error: str, api_version: str) -> Fault | None:
    """Look at whether the engine answers, and how old it is."""
    if error:
        return Fault(f"the engine does not answer: {error}", "systemctl status docker; journalctl -u docker")
    if tuple(int(part) for part in api_version.split(".")) < OLDEST_API:
        return Fault(f"the engine speaks API {api_version}", "Install Docker Engine 20.10 or newer")
    return None


def check_cgroups(info: Mapping[str, Any]) -> Fault | None:
    """Look at whether the kernel lets the engine cap memory, swap, CPU and processes."""
    caps = {"MemoryLimit": "memory", "SwapLimit": "swap", "CpuCfsQuota": "CPU time", "PidsLimit": "processes"}
    missing = [name for key, name in caps.items() if not info.get(key)]
    if not missing:
        return None
    return Fault(
        f"the kernel caps no {', '.join(missing)}",
        "Boot the host with cgroup_enable=memory swapaccount=1, and enable the controllers for Docker",
    )


def check_seccomp(options: Collection[str]) -> Fault | None:
    """Look at whether the engine filters system calls."""
    if any("seccomp" in option and "unconfined" not in option for option in options):
        return None
    return Fault("the engine runs containers without seccomp", "Use a kernel with CONFIG_SECCOMP and Docker's profile")


def check_runtime(wanted: str, known: Collection[str]) -> Fault | None:
    """Look at whether the engine knows the runtime of the settings."""
    if not wanted or wanted in known:
        return None
    return Fault(
        f"the engine knows no runtime {wanted!r}, only {', '.join(sorted(known))}",
        "Add it to /etc/docker/daemon.json and restart Docker, or take SANDBOX_RUNTIME out",
    )


def check_image(name: str, is_there: bool) -> Fault | None:
    """Look at whether the engine has the guest image of this version."""
    return None if is_there else Fault(f"the engine has no image {name}", "Run: manage build_image")


def check_memory(
    total_bytes: int, *, pool_size: int, science_pool_size: int, max_concurrent: int, max_interactive: int
) -> Fault | None:
    """Look at whether the host has room for as many programs as may run, or wait for a person meanwhile."""
    warm = pool_size * WARM_BYTES + science_pool_size * SCIENCE_WARM_BYTES
    needed = SERVICE_BYTES + warm + (max_concurrent + max_interactive) * MEMORY_BYTES
    if needed <= total_bytes:
        return None
    return Fault(
        f"the host has {megabytes(total_bytes)}; the service, {pool_size + science_pool_size} warm containers, "
        f"{max_concurrent} programs that run and {max_interactive} that wait for a person may take "
        f"{megabytes(needed)} together",
        "Lower SANDBOX_MAX_INTERACTIVE, SANDBOX_SCIENCE_POOL_SIZE, SANDBOX_MAX_CONCURRENT or SANDBOX_POOL_SIZE, or "
        "take a larger server",
        is_warning=True,
    )


def check_database(error: str, pending: Collection[str]) -> Fault | None:
    """Look at whether the database answers, and has all its tables."""
    if error:
        return Fault(f"the database does not answer: {error}", "Look at DATABASE_URL and at the database's own log")
    if pending:
        return Fault(f"migrations are missing: {', '.join(sorted(pending))}", "Run: manage migrate")
    return None


def check_cache(error: str) -> Fault | None:
    """Look at whether rates can be counted."""
    if not error:
        return None
    return Fault(f"the cache does not answer: {error}", "Look at REDIS_URL and Redis, or take REDIS_URL out")


def check_proxies(count: int, addresses: Collection[str | None]) -> Fault | None:
    """Look at whether the addresses of the last executions are those of people."""
    if len(addresses) < FEWEST_ADDRESSES:
        return None
    distinct = set(addresses)
    if None in distinct:
        return Fault("some executions have no address", "Lower TRUSTED_PROXY_COUNT to the number of your proxies")
    if len(distinct) > 1 or not ipaddress.ip_address(min(map(str, distinct))).is_private:
        return None
    return Fault(
        f"the last {len(addresses)} executions all came from {min(map(str, distinct))}, with "
        f"TRUSTED_PROXY_COUNT={count}: that is a proxy, and all learners share the rate of one",
        "Set TRUSTED_PROXY_COUNT to the number of your proxies: 1 behind Coolify, 2 with a CDN before it",
        is_warning=True,
    )


def check_disk(shortage: str | None) -> Fault | None:
    """Look at whether a disk has so little room that nothing is run."""
    if shortage is None:
        return None
    return Fault(
        f"{shortage}, and nothing is run",
        "docker builder prune; docker image prune; look for what else fills it: docker system df, df -h, df -i; then a "
        "larger disk, or a lower LEAST_FREE_DISK_PERCENT",
    )


def check_volume(database_file: str, is_volume: bool) -> Fault | None:
    """Look at whether what our image writes outlives its container. `database_file` is "" for a server's."""
    if is_volume or not database_file.startswith(IMAGE_DATA):
        return None
    return Fault(
        f"{database_file} is in the container: records, keys and accounts end with it",
        "Add a volume for /data (Coolify: Persistent Storage), or set DATABASE_URL and SECRET_KEY",
        is_warning=True,
    )


def check_clock(whose: str, drift_seconds: float) -> Fault | None:
    """Look at our clock beside another: learner tokens and quotas end by it."""
    if abs(drift_seconds) <= LARGEST_DRIFT_SECONDS:
        return None
    return Fault(
        f"our clock and that of the {whose} differ by {abs(drift_seconds):.0f} s",
        "timedatectl set-ntp true, on both hosts",
    )


def check_secrets(secret_key: str, api_key: str, env_file: str, env_mode: int | None) -> Fault | None:
    """Look at whether secrets are secret. `env_mode` is None where there is no file."""
    if api_key and api_key in secret_key:
        return Fault(
            "API_KEY and SECRET_KEY are the same, and API_KEY stands in a page that everybody can read",
            "Set another SECRET_KEY: openssl rand -hex 32",
        )
    if env_mode is not None and env_mode & 0o077:
        return Fault(f"others than its owner may read {env_file}", f"chmod 600 {env_file}")
    return None


def megabytes(size_bytes: int) -> str:
    """Return a size in words."""
    return f"{size_bytes / 1024**2:.0f} MB"
