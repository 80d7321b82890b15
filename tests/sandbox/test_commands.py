"""Management commands of the sandbox."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from executions.sandbox.checks.attacks import PROBES
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import container_options
from executions.sandbox.engine.owner import Owner
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.docker


def output_of(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output, no_color=True)
    return output.getvalue()


def test_build_image_prints_the_name_of_an_existing_image() -> None:
    assert output_of("build_image") == f"guest image: {image_name()}\n"


def test_check_sandbox_prints_a_line_for_each_probe() -> None:
    lines = output_of("check_sandbox").splitlines()
    assert len(lines) == 1 + len(PROBES)
    assert all(line.startswith("ok      ") for line in lines), lines


def test_check_sandbox_fails_if_the_engine_allows_more_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine's own report shows it, and so does a probe inside a container."""
    with FakeEngine(tmp_path) as fake:
        fake.replacements = {b'"PidsLimit": 64': b'"PidsLimit": 99'}
        monkeypatch.setenv("DOCKER_HOST", fake.url)
        with pytest.raises(CommandError, match=rf"2 of {1 + len(PROBES)} probes failed"):
            output_of("check_sandbox")


@pytest.mark.django_db
def test_cleanup_containers_removes_and_lists_orphans(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pretend to be on another host, so that no other sandbox of the tests removes the container first.
    monkeypatch.setattr(socket, "gethostname", lambda: f"host-of-{os.getpid()}")
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
def test_commands_without_an_engine_fail_with_the_reason(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(CommandError, match=r"No such file or directory|FileNotFoundError"):
        output_of(command)
