"""Which calls the broker lets through."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from executions.sandbox.broker.allowed_calls import CallDenied, Kind, parse_call, rebuild_options
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import LABEL, OWNER_LABEL, SANDBOX_LABEL, container_options
from executions.sandbox.profiles import Profile

IMAGE = "sha256:" + "1" * 64
OWNER = "7-0-4026531836@0123456789ab"
SANDBOX = "a" * 32
ID = "0123456789abcdef" * 4
NAME = "code_exec_9ca54a5d-8b3d-4f2a-9d51-8a5f0c7e1b2d"

Options = dict[str, Any]


def events_line(*labels: str, **more: list[str]) -> str:
    filters = {"type": ["container"], "label": list(labels), "event": ["oom", "kill", "die"], **more}
    return f"GET /events?{urlencode({'filters': json.dumps(filters)})}"


def asked() -> Options:
    return container_options(IMAGE, OWNER, None, Profile.PLAIN, SANDBOX)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("GET /_ping", Kind.PING),
        ("GET /v1.41/_ping", Kind.PING),
        ("GET /version", Kind.VERSION),
        ("GET /v1.55/info", Kind.INFO),
        (f"GET /v1.41/images/{image_name()}/json", Kind.IMAGE),
        (f"POST /v1.41/containers/create?name={NAME}", Kind.CREATE),
        (f"POST /v1.41/containers/{ID}/attach?stdin=1&stdout=1&stderr=1&stream=1", Kind.ATTACH),
        (f"POST /v1.41/containers/{ID}/start", Kind.START),
        (f"GET /v1.41/containers/{ID}/json", Kind.INSPECT),
        (f"GET /v1.41/containers/{ID[:12]}/json", Kind.INSPECT),
        (f"DELETE /v1.41/containers/{ID}?v=True&link=False&force=True", Kind.REMOVE),
        (events_line(f"{SANDBOX_LABEL}={SANDBOX}"), Kind.EVENTS),
    ],
)
def test_call_of_the_service_goes_through_without_its_version(line: str, kind: Kind) -> None:
    method, target = line.split()
    call = parse_call(method, target)
    assert call.kind is kind
    assert not call.target.startswith("/v1")


@pytest.mark.wall("broker_calls")
@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET /containers/json",
        "GET /containers/json?all=1",
        "GET /events",
        events_line(),
        events_line(LABEL),
        events_line(f"{SANDBOX_LABEL}="),
        events_line(f"{SANDBOX_LABEL}={SANDBOX}", "other"),
        events_line(f"{SANDBOX_LABEL}={SANDBOX}", event=["start"]),
        "GET /images/json",
        "GET /images/python:3.13-slim/json",
        "POST /images/create?fromImage=alpine",
        "POST /images/load",
        "POST /containers/create",
        "POST /containers/create?name=other",
        f"POST /containers/create?name={NAME}&platform=linux/arm64",
        f"POST /containers/create?name={NAME}/../../../../exec",
        f"POST /containers/{ID}/exec",
        f"POST /exec/{ID}/start",
        f"PUT /containers/{ID}/archive?path=/",
        f"GET /containers/{ID}/archive?path=/",
        f"GET /containers/{ID}/export",
        f"GET /containers/{ID}/logs?stdout=1",
        f"GET /containers/{ID}/attach/ws",
        f"POST /containers/{ID}/update",
        f"POST /containers/{ID}/kill",
        f"POST /containers/{ID}/start?checkpoint=1",
        f"POST /containers/{ID}/start/../update",
        f"POST /containers/{ID}/%2e%2e/prune",
        f"POST /containers/{ID}\n/start",
        f"POST /containers/{ID[:12]}/start",
        "GET /containers/web/json",
        f"DELETE /containers/{ID}",
        "POST /containers/prune",
        "POST /volumes/create",
        "POST /networks/create",
        "POST /plugins/pull?remote=x",
        "POST /swarm/init",
        "POST /session",
        "POST /auth",
        "GET /v1.41/v1.41/version",
        "GET /v1.4/version",
        "HEAD /_ping",
        "GET http://docker/_ping",
    ],
)
def test_deny_any_other_call(line: str) -> None:
    method, target = line.split(" ", 1)
    with pytest.raises(CallDenied):
        parse_call(method, target)


@pytest.mark.parametrize("runtime", [None, "runsc"])
@pytest.mark.parametrize("profile", Profile)
def test_options_of_the_service_are_made_anew(runtime: str | None, profile: Profile) -> None:
    options = container_options(IMAGE, OWNER, runtime, profile, SANDBOX)
    assert json.loads(rebuild_options(json.dumps(options).encode(), IMAGE, runtime)) == options


Change = Callable[[Options], object]


def in_host_config(**changes: Any) -> Change:
    return lambda options: options["HostConfig"].update(changes)


def at_the_top(**changes: Any) -> Change:
    return lambda options: options.update(changes)


def with_label(name: str, value: str) -> Change:
    return lambda options: options["Labels"].update({name: value})


CHANGES: dict[str, Change] = {
    "bind": in_host_config(Binds=["/:/host"]),
    "mount": in_host_config(Mounts=[{"Type": "bind", "Source": "/", "Target": "/host"}]),
    "volumes of another": in_host_config(VolumesFrom=["db"]),
    "privileged": in_host_config(Privileged=True),
    "capability": in_host_config(CapAdd=["SYS_ADMIN"]),
    "kept capabilities": in_host_config(CapDrop=[]),
    "device": in_host_config(Devices=[{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}]),
    "host network": in_host_config(NetworkMode="host"),
    "host processes": in_host_config(PidMode="host"),
    "no seccomp": in_host_config(SecurityOpt=["no-new-privileges", "seccomp=unconfined"]),
    "more memory": in_host_config(Memory=1 << 40),
    "parent cgroup": in_host_config(CgroupParent="/"),
    "runtime": in_host_config(Runtime="other"),
    "restart": in_host_config(RestartPolicy={"Name": "always"}),
    "lower-case key": in_host_config(privileged=True),
    "image": at_the_top(Image="alpine"),
    "image by name": at_the_top(Image=image_name()),
    "root": at_the_top(User="0:0"),
    "command": at_the_top(Cmd=["science", "and more"]),
    "unknown profile": at_the_top(Cmd=["sh"]),
    "entrypoint": at_the_top(Entrypoint=["/bin/sh"]),
    "environment": at_the_top(Env=["LD_PRELOAD=/tmp/x"]),
    "network": at_the_top(NetworkingConfig={"EndpointsConfig": {"host": {}}}),
    "another label": with_label("com.docker.compose.project", "code"),
    "our label": with_label(LABEL, "other"),
    "owner": with_label(OWNER_LABEL, "me"),
    "sandbox": with_label(SANDBOX_LABEL, "../.."),
    "no labels": lambda options: options.pop("Labels"),
    "missing option": lambda options: options["HostConfig"].pop("ReadonlyRootfs"),
}


NONE_WITHOUT_A_WALL = [
    pytest.param("kept capabilities", marks=pytest.mark.wall("capabilities")),
    pytest.param("no seccomp", marks=pytest.mark.wall("dockers_seccomp")),
    pytest.param("root", marks=pytest.mark.wall("user")),
]
"""Changes that are none while that wall is removed."""


@pytest.mark.wall("broker_options")
@pytest.mark.parametrize(
    "name", [*sorted(CHANGES.keys() - {each.values[0] for each in NONE_WITHOUT_A_WALL}), *NONE_WITHOUT_A_WALL]
)
def test_deny_a_container_with_other_options(name: str) -> None:
    options = asked()
    CHANGES[name](options)
    with pytest.raises(CallDenied):
        rebuild_options(json.dumps(options).encode(), IMAGE, None)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"[" * 5000, b"\xff", b'{"Labels": []}', b'{"Labels": 1}']
)
def test_deny_options_that_are_none(body: bytes) -> None:
    with pytest.raises(CallDenied):
        rebuild_options(body, IMAGE, None)


@pytest.mark.wall("broker_options")
def test_nothing_of_the_request_reaches_the_engine() -> None:
    """Two parsers may read the same bytes differently: the engine takes the last of two keys, and any case."""
    text = json.dumps(asked())
    twice = text[:-1] + ', "HostConfig": {"Privileged": true}, ' + text[1:]
    assert b"true}, " not in rebuild_options(twice.encode(), IMAGE, None)
    assert json.loads(rebuild_options(twice.encode(), IMAGE, None)) == asked()
