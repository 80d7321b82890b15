"""Whether the disks of the engine and the database have room: on a full disk a run might not finish."""

import os
from collections.abc import Iterator
from pathlib import Path

from executions.sandbox.settings import SandboxSettings


def find_shortage(settings: SandboxSettings, engine_directory: Path | None) -> str | None:
    """Return which directory's disk has fewer bytes or inodes free than the settings demand, None if none has.

    Checks the directories of the settings and the engine's, which is None while it is unknown. Skips a directory that
    cannot be examined.
    """
    for directory in _directories(settings, engine_directory):
        try:
            disk = os.statvfs(directory)
        except OSError:
            continue
        used = disk.f_blocks - disk.f_bfree
        rooms = {"bytes": (disk.f_bavail, used + disk.f_bavail), "inodes": (disk.f_favail, disk.f_files)}
        for unit, (free, total) in rooms.items():
            if free * 100 < settings.least_free_percent * total:  # some file systems count no inodes: their total is 0
                return f"{directory} has {free * 100 / total:.1f} % of its {unit} left"
    return None


def _directories(settings: SandboxSettings, engine_directory: Path | None) -> Iterator[Path]:
    yield from settings.directories
    if engine_directory is not None:
        # A service in a container cannot see it, but its own root directory is on the same disk.
        yield engine_directory if os.path.exists(engine_directory) else Path("/")
