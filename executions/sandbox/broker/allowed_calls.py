"""The calls that the broker lets through: those of `Engine`, with the options of `container_options`, and no others.

A call is matched as a whole: its method, its path, and its query. Only ids and names may vary.
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from executions.owner import Owner
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import (
    LABEL,
    MAPPED_USERS,
    NAME_PREFIX,
    OWNER_LABEL,
    SANDBOX_LABEL,
    USERS,
    container_options,
)
from executions.sandbox.profiles import Profile

LARGEST_OPTIONS_BYTES = 64 * 1024
SANDBOX_ID = r"[0-9a-f]{32}"
ID = r"(?P<id>[0-9a-f]{64})"
NAME = NAME_PREFIX + r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class CallDenied(Exception):
    """The broker does not let a call through."""


class Kind(Enum):
    """What a call does. The value is a pattern of its method and target, without the API's version."""

    PING = r"GET /_ping"
    VERSION = r"GET /version"
    INFO = r"GET /info"
    IMAGE = rf"GET /images/{image_name()}/json"
    BUILD = r"POST /build\?[\w%+.:=&-]*"
    CREATE = rf"POST /containers/create\?name={NAME}"
    ATTACH = rf"POST /containers/{ID}/attach\?stdin=1&stdout=1&stderr=1&stream=1"
    START = rf"POST /containers/{ID}/start"
    # The service also asks whether another container of the service is alive, by its host name.
    INSPECT = r"GET /containers/(?P<id>[0-9a-f]{12}|[0-9a-f]{64})/json"
    REMOVE = rf"DELETE /containers/{ID}\?v=True&link=False&force=True"
    LIST = r"GET /containers/json\?" + re.escape(
        urlencode({"limit": -1, "all": 1, "size": 0, "trunc_cmd": 0, "filters": json.dumps({"label": [LABEL]})})
    )
    EVENTS = r"GET /events\?" + re.escape(
        urlencode(
            {
                "filters": json.dumps(
                    {"type": ["container"], "label": [f"{SANDBOX_LABEL}=ID"], "event": ["oom", "kill", "die"]}
                )
            }
        )
    ).replace("ID", SANDBOX_ID)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may go through. `target` is for the engine, which reads it by its newest API.

    With an older version of its own choice, a client could make the engine ignore options.
    """

    kind: Kind
    method: str
    target: str
    container_id: str = ""


def parse_call(method: str, target: str) -> Call:
    """Return the call of a request line. Raises CallDenied."""
    target = re.sub(r"\A/v1\.[0-9]{2}(?=/)", "", target)
    for kind in Kind:
        match = re.fullmatch(kind.value, f"{method} {target}", re.ASCII)
        if match is not None:
            return Call(kind, method, target, match.groupdict().get("id", ""))
    raise CallDenied("not one of the service's calls")


def rebuild_options(body: bytes, image_id: str, runtime: str | None) -> bytes:
    """Return the body of a create call, made anew by `container_options`. Raises CallDenied if `body` differs."""
    try:
        asked = json.loads(body)
        owner, sandbox_id = asked["Labels"][OWNER_LABEL], asked["Labels"][SANDBOX_LABEL]
        if Owner.parse(owner) is None or re.fullmatch(SANDBOX_ID, sandbox_id) is None:
            raise CallDenied("labels that the service does not give")
        user = int(asked["User"].partition(":")[0])
        if user not in USERS and user not in MAPPED_USERS:
            raise CallDenied("a user that the service's containers do not have")
        options = container_options(image_id, owner, runtime, Profile(asked["Cmd"][0]), sandbox_id, user)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise CallDenied("options that the service does not ask for") from error
    if asked != options:
        raise CallDenied("options that the service does not ask for: " + ", ".join(sorted(differences(asked, options))))
    return json.dumps(options).encode()


def differences(asked: dict[str, Any], options: dict[str, Any]) -> set[str]:
    """Return the names of the options that differ."""
    return {name for name in asked.keys() | options.keys() if asked.get(name) != options.get(name)}
