"""Management commands of the sandbox."""

import uuid
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from executions.models import Server
from executions.owner import Owner
from executions.sandbox.checks.attacks import PROBES
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import container_options
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
def test_cleanup_containers_removes_and_lists_orphans(engine: Engine) -> None:
    owner = replace(Owner.of_this_process(), id=uuid.uuid4())
    server = Server.objects.create(id=owner.id, owner=str(owner), seen=timezone.now() - timedelta(minutes=5))
    name = f"code_exec_{uuid.uuid4()}"
    engine.create(name, container_options(engine.image_id(image_name()), str(owner)))
    assert output_of("cleanup_containers") == "0 removed\n"  # a program that waits for input may take as long
    Server.objects.filter(pk=server.pk).update(seen=timezone.now() - timedelta(minutes=8))
    assert f"{name} (created)\n" in output_of("cleanup_containers", "--dry-run")
    assert name in {container.name for container in engine.containers()}
    assert f"{name} (created)\n" in output_of("cleanup_containers")
    assert name not in {container.name for container in engine.containers()}
    assert output_of("cleanup_containers").endswith("0 removed\n")


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["build_image", "check_sandbox", "cleanup_containers"])
def test_commands_without_an_engine_fail_with_the_reason(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Server.objects.create(id=uuid.uuid4(), owner="dead", seen=timezone.now() - timedelta(days=1))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(CommandError, match=r"No such file or directory|FileNotFoundError"):
        output_of(command)
