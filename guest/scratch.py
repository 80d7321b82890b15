"""The directories that a program may write to: emptied after each run, so that the next starts in empty ones."""

from __future__ import annotations

import os

DIRECTORIES = ["/tmp", "/dev/shm"]  # noqa: S108 (the container's own)
if os.path.isdir("/dev/mqueue"):  # not under gVisor
    DIRECTORIES.append("/dev/mqueue")


def sweep() -> None:
    """Remove what a run left."""
    for directory in DIRECTORIES:
        for entry in os.scandir(directory):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            import shutil  # not at the top: few runs make a directory, and every container would load it

            shutil.rmtree(entry.path, ignore_errors=True)
