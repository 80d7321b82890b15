"""What an operator can get wrong, and how to fix it: one pure function for each, which returns None if all is well.

`manage.py doctor` gathers the facts.
"""

import ipaddress
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from executions.sandbox.settings import MEMORY_BYTES

IMAGE_DATA = "/data/"
"""Where the service's own image keeps its data (Dockerfile)."""
OLDEST_API = (1, 41)
SERVICE_BYTES = 128 * 1024**2
"""The memory of the service itself, with room for a busy hour."""
WARM_BYTES = 12 * 1024**2
SCIENCE_WARM_BYTES = 81 * 1024**2
"""The memory of a waiting container of either profile, as in docs/settings.md."""
LARGEST_DRIFT_SECONDS = 5
RESERVED_CONNECTIONS = 10
"""Of PostgreSQL, for backups, management commands and whoever looks at the database: docs/operations.md."""
FULL = 0.8
"""The share of Redis's memory from which an operator should know."""
FEWEST_ADDRESSES = 20
"""How many recorded addresses it takes to draw conclusions from them."""
NAMED_MIGRATIONS = 3
"""An empty database lacks some sixty."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and how to fix it. A warning is for the operator to judge."""

    what: str
    remedy: str
    is_warning: bool = False


def check_socket(path: str, mode: int | None, group: int, groups: Collection[int], may_use: bool) -> Fault | None:
    """Check the engine's socket: its mode (None if there is no file) and its group against ours."""
    if mode is None:
        return Fault(f"{path} does not exist", f"Start Docker; in a container add the volume {path}:{path}")
    if not stat.S_ISSOCK(mode):
        return Fault(
            f"{path} is not a socket: Docker was not running when the container was created, and created a directory",
            f"Remove {path} on the host, start Docker there and redeploy",
        )
    if not may_use:
        return Fault(
            f"no permission to use {path}: its group is {group}, ours are {sorted(groups)}",
            f"Start the container as root (it joins the group and drops root) or with --group-add {group}",
        )
    return None


def check_engine(error: str, api_version: str) -> Fault | None:
    """Check that the engine answers and is recent enough."""
    if error:
        return Fault(f"the engine does not answer: {error}", "systemctl status docker; journalctl -u docker")
    if tuple(int(part) for part in api_version.split(".")) < OLDEST_API:
        return Fault(f"the engine is too old: it has API {api_version}", "Install Docker Engine 20.10 or newer")
    return None


def check_cgroups(info: Mapping[str, Any]) -> Fault | None:
    """Check that the kernel lets the engine limit memory, swap, CPU time and processes."""
    limits = {"MemoryLimit": "memory", "SwapLimit": "swap", "CpuCfsQuota": "CPU time", "PidsLimit": "processes"}
    missing = [name for key, name in limits.items() if not info.get(key)]
    if not missing:
        return None
    return Fault(
        f"the kernel cannot limit {', '.join(missing)}",
        "Boot the host with cgroup_enable=memory swapaccount=1, and enable the controllers for Docker",
    )


def check_seccomp(options: Collection[str]) -> Fault | None:
    """Check that the engine filters system calls."""
    if any("seccomp" in option and "unconfined" not in option for option in options):
        return None
    return Fault("the engine runs containers without seccomp", "Use a kernel with CONFIG_SECCOMP and Docker's profile")


def check_runtime(wanted: str, known: Collection[str]) -> Fault | None:
    """Check that the engine has the runtime of the settings."""
    if not wanted or wanted in known:
        return None
    return Fault(
        f"the engine has no runtime {wanted!r}, only {', '.join(sorted(known))}",
        "Add it to /etc/docker/daemon.json and restart Docker, or remove SANDBOX_RUNTIME",
    )


def check_image(name: str, is_there: bool) -> Fault | None:
    """Check that the engine has the guest image of this version."""
    return None if is_there else Fault(f"the engine has no image {name}", "Run: manage build_image")


def check_memory(
    total_bytes: int, *, pool_size: int, science_pool_size: int, max_concurrent: int, max_interactive: int
) -> Fault | None:
    """Check that the host has memory for all programs that may run, or wait for input, at once."""
    warm = pool_size * WARM_BYTES + science_pool_size * SCIENCE_WARM_BYTES
    needed = SERVICE_BYTES + warm + (max_concurrent + max_interactive) * MEMORY_BYTES
    if needed <= total_bytes:
        return None
    return Fault(
        f"the host has {megabytes(total_bytes)}, but the service, {pool_size + science_pool_size} warm containers, "
        f"{max_concurrent} running programs and {max_interactive} waiting for input may need "
        f"{megabytes(needed)} together",
        "Lower SANDBOX_MAX_INTERACTIVE, SANDBOX_SCIENCE_POOL_SIZE, SANDBOX_MAX_CONCURRENT or SANDBOX_POOL_SIZE, or "
        "use a larger server",
        is_warning=True,
    )


def check_database(error: str, pending: Collection[str]) -> Fault | None:
    """Check that the database answers and has all migrations."""
    if error:
        return Fault(f"the database does not answer: {error}", "Check DATABASE_URL and the database's own log")
    if pending:
        more = f" and {len(pending) - NAMED_MIGRATIONS} more" if len(pending) > NAMED_MIGRATIONS else ""
        names = ", ".join(sorted(pending)[:NAMED_MIGRATIONS])
        return Fault(f"migrations are missing: {names}{more}", "Run: manage migrate")
    return None


def check_keys(count: int) -> Fault | None:
    """Check that there is a key that somebody could use."""
    if count:
        return None
    return Fault(
        "there is no key in use, so every request is refused",
        "Set API_KEY, or run: manage create_key NAME --kind publishable --origin URL",
        is_warning=True,
    )


def check_limits(given: Mapping[str, str | int], key: Mapping[str, Any]) -> Fault | None:
    """Check that the limits in the settings, as far as they are `given`, are those of the key of API_KEY."""
    differing = {name: value for name, value in given.items() if key[field_of(name)] != value}
    if not differing:
        return None
    return Fault(
        ", ".join(f"{name} is {value}, but API_KEY has {key[field_of(name)]}" for name, value in differing.items()),
        "These settings are for new keys only: change the limits of an existing key in the admin",
        is_warning=True,
    )


def field_of(setting: str) -> str:
    """Return the field of a key that a setting such as DEFAULT_RATE is the default of."""
    return setting.removeprefix("DEFAULT_").lower()


def check_connections(pool_size: int, services: int, accepted: int) -> Fault | None:
    """Check that PostgreSQL accepts the connections of all services, of one more during an update, and a reserve."""
    needed = (services + 1) * pool_size + RESERVED_CONNECTIONS
    if needed <= accepted:
        return None
    return Fault(
        f"PostgreSQL accepts {accepted} connections; {services} services, one more during an update, and a reserve for "
        f"backups and commands may need {needed}",
        "Raise max_connections of PostgreSQL, or lower DATABASE_CONNECTIONS",
        is_warning=True,
    )


def check_secret_keys(own: str, others: Mapping[str, str]) -> Fault | None:
    """Check that all services of the database have one SECRET_KEY. `others` has its fingerprints, by owner."""
    different = sorted(owner for owner, fingerprint in others.items() if fingerprint != own)
    if not different:
        return None
    return Fault(
        f"other services of this database have another SECRET_KEY: {', '.join(different)}",
        "Give all services one SECRET_KEY: logins and learner tokens of one are not valid at the others",
    )


def check_cache(error: str) -> Fault | None:
    """Check that rates can be counted."""
    if not error:
        return None
    return Fault(f"the cache does not answer: {error}", "Check REDIS_URL and Redis, or remove REDIS_URL")


def check_shared_counts(services: int, has_redis: bool) -> Fault | None:
    """Check that the services of one database count rates together. After an update, two may seem alive for a while."""
    if services < 2 or has_redis:
        return None
    return Fault(
        f"{services} services use this database, and each counts rates in its own memory: callers get {services} times"
        " their limits",
        "Set REDIS_URL to one Redis server for all of them; if there is only one, run doctor again in a minute",
        is_warning=True,
    )


def check_redis(error: str) -> Fault | None:
    """Check that Redis answers."""
    if not error:
        return None
    return Fault(f"Redis does not answer: {error}", "Check REDIS_URL, Redis's own log, and the network between them")


def check_redis_memory(policy: str, used_bytes: int, most_bytes: int) -> Fault | None:
    """Check that Redis keeps what it is given. `most_bytes` is its limit, 0 for none."""
    if policy != "noeviction":
        return Fault(
            f"Redis evicts keys when its memory is full ({policy}): programs on their way would be lost",
            "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in its configuration",
        )
    if not most_bytes or used_bytes <= most_bytes * FULL:
        return None
    return Fault(
        f"Redis uses {megabytes(used_bytes)} of {megabytes(most_bytes)}; when they are full, no program runs",
        "Raise maxmemory, and look for what else fills this Redis: redis-cli --bigkeys",
        is_warning=True,
    )


def check_broker(error: str) -> Fault | None:
    """Check that the broker answers."""
    if not error:
        return None
    return Fault(f"the broker does not answer: {error}", "Check CELERY_BROKER_URL and the broker's own log")


def check_workers(alive: int, of_other_versions: int) -> Fault | None:
    """Check that a worker is alive, and that all of them understand us. `alive` counts those that do."""
    if of_other_versions:
        return Fault(
            f"{of_other_versions} of {alive + of_other_versions} workers speak another version of our messages",
            "Restart all web processes and workers with one release",
        )
    if not alive:
        return Fault("no worker is alive, so no program runs", "Start one, as docs/scale.md says, or read its log")
    return None


def check_worker(host: str, status: str, reason: str, image: str, own_image: str) -> Fault | None:
    """Check that a worker runs programs, and in the image of our version."""
    if status == "unready":
        return Fault(
            f"it runs no programs: {reason}",
            f"Read the worker's log, and on {host}: systemctl status docker; journalctl -u docker",
        )
    if image != own_image:
        return Fault(
            f"it runs programs in the image {image}, but ours is {own_image}",
            f"Restart the worker on {host} with the release of the web processes",
        )
    if status == "leaving":
        return Fault("it is about to end", f"If it should not, start a worker on {host} again", is_warning=True)
    return None


def check_threads(services: int, threads: int, slots: int) -> Fault | None:
    """Check that web processes can wait for as many programs as workers can run. `threads` are those of each."""
    if services * threads >= slots:
        return None
    return Fault(
        f"{services} web processes with {threads} threads each cannot keep {slots} slots of the workers busy",
        "Raise SANDBOX_MAX_CONCURRENT of the web processes, or start more of them",
        is_warning=True,
    )


def check_proxies(count: int, addresses: Collection[str | None]) -> Fault | None:
    """Check that the addresses of the last executions are those of clients, not of a proxy."""
    if len(addresses) < FEWEST_ADDRESSES:
        return None
    distinct = set(addresses)
    if None in distinct:
        return Fault("some executions have no address", "Lower TRUSTED_PROXY_COUNT to the number of your proxies")
    if len(distinct) > 1 or not ipaddress.ip_address(min(map(str, distinct))).is_private:
        return None
    return Fault(
        f"the last {len(addresses)} executions all came from {min(map(str, distinct))}, with "
        f"TRUSTED_PROXY_COUNT={count}: that is a proxy, and all learners share one rate",
        "Set TRUSTED_PROXY_COUNT to the number of your proxies: 1 behind Coolify, 2 with a CDN in front of it",
        is_warning=True,
    )


def check_disk(shortage: str | None) -> Fault | None:
    """Check that no disk is so full that programs are refused."""
    if shortage is None:
        return None
    return Fault(
        f"{shortage}, so no program runs",
        "docker builder prune; docker image prune; find what else fills it: docker system df, df -h, df -i; then a "
        "larger disk, or a lower LEAST_FREE_DISK_PERCENT",
    )


def check_volume(database_file: str, is_volume: bool) -> Fault | None:
    """Check that our image's data outlives its container. `database_file` is "" with a database server."""
    if is_volume or not database_file.startswith(IMAGE_DATA):
        return None
    return Fault(
        f"{database_file} is in the container: records, keys and accounts are lost with it",
        "Add a volume for /data (Coolify: Persistent Storage), or set DATABASE_URL and SECRET_KEY",
        is_warning=True,
    )


def check_clock(whose: str, drift_seconds: float) -> Fault | None:
    """Compare our clock with another: learner tokens and quotas depend on it."""
    if abs(drift_seconds) <= LARGEST_DRIFT_SECONDS:
        return None
    return Fault(
        f"our clock and that of the {whose} differ by {abs(drift_seconds):.0f} s",
        "timedatectl set-ntp true, on both hosts",
    )


def check_secrets(secret_key: str, api_key: str, env_file: str, env_mode: int | None) -> Fault | None:
    """Check that secrets are secret. `env_mode` is None if there is no file."""
    if api_key and api_key in secret_key:
        return Fault(
            "API_KEY and SECRET_KEY are the same, but API_KEY is in a page that everybody can read",
            "Set another SECRET_KEY: openssl rand -hex 32",
        )
    if env_mode is not None and env_mode & 0o077:
        return Fault(f"users other than the owner may read {env_file}", f"chmod 600 {env_file}")
    return None


def megabytes(size_bytes: int) -> str:
    """Return a size as text."""
    return f"{size_bytes / 1024**2:.0f} MB"
