"""A second Docker Engine for tests, which may be killed, pruned and left without its image."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Self

from executions.sandbox.engine.guest_image import image_name
from tests.waiting import eventually

START_SECONDS = 30


class OwnEngine:
    """A dockerd with its own containerd, directories, network namespace and cgroup. A context manager.

    `url` is for DOCKER_HOST. Needs root, as the shared engine's installation does.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="engine-"))
        self.url = f"unix://{self.directory}/docker.sock"
        self.image = image_name()
        self._cgroup = self.directory.name
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            subprocess.run(["docker", "save", "-o", self._archive, self.image], check=True)
            self.start()
            self.load_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(AssertionError, subprocess.SubprocessError):
            if self._process is None:
                self.start()  # only this can end the leftovers of a killed engine
            self.remove_containers()
        self.stop()
        self._end_what_is_left()
        shutil.rmtree(self.directory)

    @property
    def _archive(self) -> Path:
        return self.directory / "image.tar"

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        daemon = f"""dockerd --host={self.url} --pidfile={self.directory}/pid
            --data-root={self.directory}/data --exec-root={self.directory}/exec --cgroup-parent=/{self._cgroup}
            --bridge=none --iptables=false --ip6tables=false --log-level=error"""
        # If PID 1 does not reap, a killed containerd still counts as alive, and dockerd would wait for it in vain.
        (self.directory / "exec/containerd/containerd.pid").unlink(missing_ok=True)
        # Without a bridge dockerd deletes docker0, which in our network namespace is the shared engine's.
        command = ["unshare", "--net", "sh", "-c", f"ip link set lo up && exec {' '.join(daemon.split())}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def answers(self) -> bool:
        """Return whether the engine answers."""
        command = ["docker", "--host", self.url, "version"]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the engine; SIGKILL leaves it no time to stop its containers."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def docker(self, *arguments: str) -> str:
        """Run a command of the docker client against this engine; return its output."""
        command = ["docker", "--host", self.url, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout

    def containers(self) -> list[str]:
        """Return the ids of all containers. An engine that was killed may list containers that it cannot find."""
        command = ["docker", "--host", self.url, "inspect", "--format", "{{.Id}}", *self.docker("ps", "-aq").split()]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60).stdout.split()

    def remove_containers(self) -> None:
        """Remove all containers. Some may end by themselves meanwhile."""
        command = ["docker", "--host", self.url, "rm", "-f", *self.containers()]
        subprocess.run(command, check=False, capture_output=True)

    def load_image(self) -> None:
        """Load the guest image."""
        self.docker("load", "--quiet", "--input", str(self._archive))

    def log(self) -> str:
        """Return the engine's log."""
        return (self.directory / "log").read_text()

    def _end_what_is_left(self) -> None:
        """Remove the leftovers of a killed engine: shims, mounts and cgroups."""
        for pid in processes_about(str(self.directory)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for target in reversed([line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]):
            if target.startswith(str(self.directory)):
                subprocess.run(["umount", "--lazy", target], check=False)
        root = Path("/sys/fs/cgroup")
        for cgroup in (*root.glob(f"*/{self._cgroup}"), *root.glob(self._cgroup)):
            for path in sorted((each for each in (cgroup, *cgroup.rglob("*")) if each.is_dir()), reverse=True):
                assert eventually(partial(is_removed, path)), path


def is_removed(cgroup: Path) -> bool:
    """Kill the processes in a cgroup; return whether it could be removed."""
    if not cgroup.exists():  # two controllers may share a path
        return True
    for pid in (cgroup / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    try:
        cgroup.rmdir()
    except OSError:  # the cgroup is busy until its processes are gone
        return False
    return True


def processes_about(word: str) -> Iterator[int]:
    """Yield all other processes with `word` in their command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                yield int(path.parent.name)
