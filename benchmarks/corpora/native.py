"""The guest image's Python without the service."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import ENVIRONMENT

WITHIN = Path(__file__).with_name("within.py")
MEMORY = "1g"
"""More than a program may have in the service; less than one without an end would take from this machine."""

Result = tuple[str, str, int | None]
"""stdout, stderr, and the exit code; None after a timeout."""


class Run(Protocol):
    """Runs a program twice, with these files beside it."""

    def __call__(self, code: str, files: Mapping[str, str] = ..., /) -> tuple[Result, Result]: ...


def collect(packages: Sequence[str]) -> dict[str, str]:
    """Return the examples in docstrings of the standard library and of these packages as programs, by name."""
    programs: dict[str, str] = json.loads(_docker_run("collect", *packages).communicate()[0])
    return programs


@contextmanager
def native(seconds: int) -> Iterator[Run]:
    """Start a container without the service, and give a function that runs a program in it twice, for so long."""
    process = _docker_run("run", str(seconds))
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def run(code: str, files: Mapping[str, str] = {}, /) -> tuple[Result, Result]:
        stdin.write(json.dumps({**files, "main.py": code}) + "\n")
        stdin.flush()
        one, other = json.loads(stdout.readline())
        return tuple(one), tuple(other)

    with process:
        yield run
        stdin.close()


def _docker_run(*words: str) -> subprocess.Popen[str]:
    variables = [f"--env={each}" for each in ENVIRONMENT if not each.startswith("MPLBACKEND=")]
    mount = f"--volume={WITHIN}:/within.py:ro"
    memory = [f"--memory={MEMORY}", f"--memory-swap={MEMORY}"]
    command = ["docker", "run", "--rm", "-i", "--network=none", mount, *memory, *variables]
    command += ["--entrypoint=python3", image_name(), "/within.py", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
