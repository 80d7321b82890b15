"""Removes each wall of tests/walls.py in turn, and demands that only the tests that name it fail: `make sabotage`.

Each wall is removed in a copy of the project, with a guest image of its own. With --fast, only the tests that name a
starred wall run; otherwise all tests that attack containers do, which takes more than an hour.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import docker.errors
import pytest

from executions.sandbox.results import RunLost
from tests.walls import NO_PROBES, SABOTAGE_GATEWAY, SABOTAGE_NETWORK, STARRED, WALLS, Edit

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
BUILDING = threading.Lock()
"""For builds and the removal of images: removing one also removes layers that another build may be using."""

IN_TWO_PROCESSES = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
ATTACKS = {f"test_{name}.py" for name in ("isolation", "limits", "tests", "programs", "grading")}
"""Modules that run as a whole: without a wall, the tests that do not name it must still pass."""

OF_CONTAINERS = "tests/sandbox"
FOLDERS = (OF_CONTAINERS, "tests/executions", "tests/apikeys", "tests/web", "tests/codeexec")

RED = (AssertionError, pytest.fail.Exception, RunLost)
"""How a test of a wall may fail. Any other exception means that the program or the test itself is broken."""


def names_of(item: pytest.Item) -> set[str]:
    """Return the walls that a test names."""
    return {name for mark in item.iter_markers("wall") for name in mark.args}


def fallen_without(wall: str) -> set[str]:
    """Return `wall` and the walls that do not work without it."""
    return {wall, *WALLS[wall].falls_with}


def demand_failures(items: list[pytest.Item], removed: str, alone: bool) -> None:
    """Expect the tests that name `removed` to fail; keep only these if `alone`, otherwise all attacks, too."""
    fallen = fallen_without(removed)
    naming = [item for item in items if fallen & names_of(item)]
    for item in naming:
        item.add_marker(pytest.mark.xfail(strict=True, raises=RED, reason=f"without {removed}"))
    if alone:
        items[:] = naming
    else:
        items[:] = [item for item in items if item in naming or is_an_attack(item)]


def is_an_attack(item: pytest.Item) -> bool:
    """Return whether a test must pass unless it names the wall. Tests of the gate do not: a sabotage opens it."""
    return (item.path.name in ATTACKS or bool(names_of(item))) and "gate" not in names_of(item)


@contextmanager
def copy_without(wall: str) -> Iterator[Path]:
    """Return a copy of the project without `wall`, and build its guest image."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, stdout=-1
        )
        for path in filter(None, listed.stdout.decode().split("\0")):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        for edit in (*WALLS[wall].edits, *(NO_PROBES if wall != "gate" else ())):
            apply(edit, copy)
        with BUILDING:
            image = build_image(copy)
        try:
            yield copy
        finally:
            if image:
                with BUILDING:
                    subprocess.run(["docker", "rmi", "--force", image], check=True, stdout=subprocess.DEVNULL)


def apply(edit: Edit, copy: Path) -> None:
    """Make the edit in the copy. Raise ValueError unless its text occurs exactly once."""
    path = copy / edit.path
    text = path.read_text()
    if text.count(edit.old) != 1:
        raise ValueError(f"{edit.path} does not have once: {edit.old}")
    path.write_text(text.replace(edit.old, edit.new))


def image_name(directory: Path) -> str:
    code = "from executions.sandbox.engine.guest_image import image_name; print(image_name())"
    done = subprocess.run([sys.executable, "-c", code], cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def build_image(copy: Path) -> str | None:
    """Build the copy's guest image on top of the project's; return its name, or None if they are the same."""
    name, original = image_name(copy), image_name(ROOT)
    if name == original:
        return None
    guest = copy / "guest"
    files = [path.relative_to(guest) for path in guest.rglob("*.py")]
    changed = [path for path in files if (guest / path).read_bytes() != (ROOT / "guest" / path).read_bytes()]
    copies = "".join(f"COPY {path} /opt/sandbox/guest/{path}\n" for path in changed if path.parts[0] != "build")
    hide = "COPY build/hide_frames.py /tmp/\nRUN python3 /tmp/hide_frames.py\n"
    recipe = f"FROM {original}\nUSER 0:0\n{copies}{hide}USER 64321:64321\n"
    # Do not use the cache: another sabotage may be removing its layers.
    command = ["docker", "build", "--quiet", "--no-cache", "--tag", name, "--file", "-", str(guest)]
    if any(path.parts[0] == "build" for path in changed):
        # The cache has the stage that the filter is built in, and no sabotage removes that.
        command.remove("--no-cache")
        stage, *_ = (guest / "Dockerfile").read_text().partition("\n\n")
        recipe = f"{stage}\n{recipe}COPY --from=seccomp /filters/ /opt/sandbox/guest/supervisor/\n"
    subprocess.run(command, check=True, input=recipe.encode(), stdout=subprocess.DEVNULL)
    return name


def files_naming(wall: str) -> list[str]:
    """Return the files that may have tests that name the wall: to collect all costs more than to run these few."""
    names = [f'"{name}"' for name in fallen_without(wall)]
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("test_*.py"))]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in files}
    return [path for path, text in texts.items() if "wall(" in text and any(name in text for name in names)]


def whole_run_of(wall: str) -> list[str]:
    """Return what to run without the wall: all attacks.

    The sandbox imports nothing of the other packages. So without a wall of theirs, the attacks on containers are left
    out, except the modules that judge what containers answer.
    """
    if any(edit.path.startswith(("guest/", "executions/sandbox/")) for edit in WALLS[wall].edits):
        return list(FOLDERS)
    judged = {path for path in files_naming(wall) if path.startswith(OF_CONTAINERS)}
    return [*sorted({*judged, f"{OF_CONTAINERS}/test_grading.py"}), *FOLDERS[1:]]


def sabotage(wall: str, fast: bool) -> bool:
    """Run the tests without `wall`, print the result, and return whether exactly the right tests failed."""
    with copy_without(wall) as copy:
        options = ["--its-tests-alone", *files_naming(wall)] if fast else [*IN_TWO_PROCESSES, *whole_run_of(wall)]
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", f"--without-wall={wall}", *options]
        done = subprocess.run(command, cwd=copy, env=os.environ, stdout=-1, stderr=subprocess.STDOUT, text=True)
    *_, summary = done.stdout.strip().splitlines() or [""]
    is_right = done.returncode == 0 and " xfailed" in summary
    print(f"{'ok ' if is_right else 'BAD'} without {wall}: {summary.strip('= ')}", flush=True)
    if not is_right:
        print(done.stdout[-6000:], flush=True)
    return is_right


@contextmanager
def network_that_leads_nowhere() -> Iterator[None]:
    """Create the network that containers join without the wall `network`, unless an earlier sabotage left it."""
    pool = docker.types.IPAMPool(subnet=f"{SABOTAGE_GATEWAY}/24", gateway=SABOTAGE_GATEWAY)
    client = docker.from_env()
    left = client.networks.list(names=[SABOTAGE_NETWORK])
    config = docker.types.IPAMConfig(pool_configs=[pool])
    network = left[0] if left else client.networks.create(SABOTAGE_NETWORK, internal=True, ipam=config)
    try:
        yield
    finally:
        with suppress(docker.errors.APIError):  # until its next start, the engine may count containers that are gone
            network.remove()
        client.close()


def main() -> None:
    """Sabotage the given walls, or all of them; exit with 1 unless exactly the tests of each wall fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="the starred walls, and only the tests that name them")
    parser.add_argument("walls", nargs="*", metavar="WALL", help=f"some of {' '.join(WALLS)}")
    arguments = parser.parse_args()
    walls = arguments.walls or (STARRED if arguments.fast else list(WALLS))
    with network_that_leads_nowhere(), ThreadPoolExecutor(AT_ONCE) as executor:
        sound = list(executor.map(lambda wall: sabotage(wall, arguments.fast), walls))
    print(f"{sum(sound)} of {len(walls)} walls are held by exactly the tests that name them")
    sys.exit(not all(sound))


if __name__ == "__main__":
    main()
