"""What differs under gVisor, which puts a kernel of its own between the program and the host's.

docs/gvisor.md has the details. A newer runsc may differ from the one described there: then a probe fails, and no
program runs.
"""

from executions.sandbox.settings import is_gvisor

# The kernel of a container consists of processes of the host, which count towards the container's limits.
KERNEL_BYTES = 32 * 1024 * 1024
PACKAGES_BYTES = 48 * 1024 * 1024
"""gVisor keeps the files of the science packages in each container's memory; Linux shares them among all."""
PIDS_WITH_KERNEL = 256
"""gVisor has several threads for each process of a program."""

KILLED_EXIT_CODE = 137
COLLAPSED_EXIT_CODE = 2
"""The exit code of a container whose kernel crashed: that of the Go runtime after a panic."""

KERNEL = ("4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016")
"""The release and version that gVisor's kernel gives itself, on every host (uname(2))."""


def death_seconds(runtime: str | None) -> float:
    """Return how long the engine may take to report a container's end: gVisor has more to clean up."""
    return 5.0 if is_gvisor(runtime) else 1.0
