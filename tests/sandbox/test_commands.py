"""The commands that operators give."""

import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from executions.sandbox import sandbox
from executions.sandbox.checks.probes import PROBES
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import container_options
from executions.sandbox.engine.owner import Owner

pytestmark = pytest.mark.docker


def output_of(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output, no_color=True)
    return output.getvalue()


def test_build_image_names_what_is_there() -> None:
    assert output_of("build_image") == f"guest image: {image_name()}\n"


def test_check_sandbox_prints_a_line_for_each_probe() -> None:
    lines = output_of("check_sandbox").splitlines()
    assert len(lines) == 1 + len(PROBES)
    assert all(line.startswith("ok      ") for line in lines), lines


def test_check_sandbox_fails_when_a_probe_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def weaker(*arguments: object) -> dict[str, object]:
        options = container_options(*arguments)  # type: ignore[arg-type]
        options["HostConfig"]["PidsLimit"] = 500
        return options

    monkeypatch.setattr(sandbox, "container_options", weaker)
    with pytest.raises(CommandError, match=rf"1 of {1 + len(PROBES)} probes failed"):
        output_of("check_sandbox")


@pytest.mark.django_db
@pytest.mark.usefixtures("own_host")
def test_cleanup_containers_removes_orphans_and_says_so(engine: Engine) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owner = str(replace(Owner.of_this_process(), pid=dead.pid))
    name = "code_exec_cleanup_test"
    engine.create(name, container_options(engine.image_id(image_name()), owner))
    assert f"{name} (created)\n" in output_of("cleanup_containers", "--dry-run")
    assert name in {container.name for container in engine.containers()}
    assert f"{name} (created)\n" in output_of("cleanup_containers")
    assert name not in {container.name for container in engine.containers()}
    assert output_of("cleanup_containers").endswith("0 removed\n")


@pytest.mark.parametrize("command", ["build_image", "check_sandbox", "cleanup_containers"])
def test_commands_say_when_there_is_no_engine(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(CommandError, match=r"No such file or directory|FileNotFoundError"):
        output_of(command)
