"""Containers share the host's memory for files of the image: no program may learn what another has read of them."""

import uuid
from collections.abc import Iterator

import pytest

from executions.sandbox.checks.attacks import probes_for
from executions.sandbox.checks.probes import ProbeResult, run_probe
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import LABEL, OWNER_LABEL
from executions.sandbox.results import RunStatus
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import RUNTIME, Runner
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
wall = pytest.mark.wall

FILES = """
import os
paths = []
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys", "dev", "tmp")]
    paths += [os.path.join(directory, name) for name in files]
paths = [path for path in paths if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path)]
"""

EVICT = f"""{FILES}
for path in paths:
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
"""

# Reading one page of a file that is on the disk alone is a major page fault.
COUNT_PAGES_ON_DISK = f"""{FILES}
import mmap, resource
def major_faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_majflt
pages, before = 0, major_faults()
for path in paths:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
        memory.madvise(mmap.MADV_RANDOM)
        for index in range(0, len(memory), mmap.PAGESIZE):
            memory[index]
            pages += 1
print(pages, major_faults() - before)
"""


@pytest.fixture
def evicted(engine: Engine) -> Iterator[None]:
    """Have the host forget what it has read of the image, by a container without our supervisor and so our filter."""
    evict = {"Entrypoint": ["python3", "-c", EVICT], "Labels": {LABEL: "run", OWNER_LABEL: "0-0-0@nowhere"}}
    container_id = engine.create(f"evict_{uuid.uuid4()}", {"Image": engine.image_id(image_name()), **evict})
    try:
        engine.start(container_id)
        assert eventually(lambda: engine.inspect(container_id)["State"]["Status"] == "exited", 30)
        assert engine.inspect(container_id)["State"]["ExitCode"] == 0
        yield
    finally:
        engine.remove(container_id)


@wall("image_in_memory")
def test_deny_learning_which_pages_of_the_image_were_read(sandbox: Sandbox, run: Runner, evicted: None) -> None:
    """Before the gate opens, the probes read them all: none is left whose reading could mean a bit."""
    for probe in probes_for(RUNTIME):
        if "of the image" in probe.name:
            assert run_probe(sandbox.launcher.launch, probe, RUNTIME) == ProbeResult(probe.name, None)
    result = run(COUNT_PAGES_ON_DISK, timeout_seconds=60)
    assert result.status is RunStatus.SUCCESS
    pages, on_disk = map(int, result.stdout.split())
    assert pages > 10_000
    assert on_disk < pages / 100  # some faults are major for other reasons


def test_image_has_only_what_python_programs_need(run: Runner) -> None:
    """Outside Python's library and the packages: a few programs, the libraries that these load, and small tables."""
    trees = "(os.path.dirname(os.__file__), '/opt/', '/usr/share/zoneinfo', '/usr/lib/locale', '/etc/')"
    code = f"{FILES}\nothers = [path for path in paths if not path.startswith({trees})]\n"
    code += "print(*sorted({os.path.basename(path).partition('.so')[0] for path in others}))\n"
    code += "print(len(os.listdir('/etc')))"
    names, etc = run(code, timeout_seconds=20).stdout.splitlines()
    unneeded = "apt perl dpkg systemd pam mount udev nettle debconf gconv"
    assert [name for name in names.split() if any(word in name for word in unneeded.split())] == []
    assert "libcrypto" in names.split()
    assert len(names.split()) < 60
    assert int(etc) < 30
