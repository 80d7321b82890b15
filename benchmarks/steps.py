"""`python -m benchmarks.steps`: where the milliseconds of one request go, step by step.

The same service answers one learner twice: over HTTP from gunicorn, and within one process where the functions that do
the steps are timed. The difference is what gunicorn and HTTP take. docs/performance.md has the table.
"""

import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.pace import PAUSE_SECONDS
from benchmarks.ways import PROGRAM, OverHTTP
from tests.service import ORIGIN, DeployedService

ROUNDS = 60
RUN = "fork, send, receive, clean up"
STEPS = {
    "find the caller, and who is suspended": "apikeys.authentication.ApiKeyAuthentication.authenticate",
    "read the body": "web.bodies.StrictJSONParser.parse",
    "count the request against the rates, reading it": "apikeys.views.ExecutionRateThrottle.allow_request",
    "validate": "executions.api.serializers.ExecutionRequestSerializer.is_valid",
    "admit: quotas, concurrency, disk": "executions.running.service.admit",
    "insert the record": "executions.running.admission.create",
    "take a warm container": "executions.sandbox.pool.Pool._take",
    RUN: "executions.sandbox.container.container.Container.run",
    "give the container back": "executions.sandbox.pool.Pool._give_back",
    "judge, and build the answer": "executions.running.service.answer_of",
    "record the end, charge the use": "executions.running.service.finish",
}
WITHIN = {
    "count the request against the rates, reading it": ("read the body",),
    "admit: quotas, concurrency, disk": ("insert the record",),
}
"""Steps that are part of another, whose time is told without them."""
PROGRAMS_OWN = "the program itself, as the answer says"
REST, ALL = "the rest of Django: middleware, routing, rendering", "in all"


def main() -> None:
    """Measure both ways and print the median of each step in milliseconds."""
    with tempfile.TemporaryDirectory() as directory:
        service = DeployedService(Path(directory))
        with service:
            http = statistics.median(_repeat(OverHTTP(service)))
        command = [sys.executable, "-m", "benchmarks.steps", "within", service.api_key]
        done = subprocess.run(command, env=service.environment, check=True, stdout=subprocess.PIPE, text=True)
    medians: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    medians["gunicorn and HTTP"] = http - medians.pop(ALL)
    for name, seconds in {**medians, ALL: http}.items():
        print(f"| {name} | {seconds * 1000:.1f} |")


def _repeat(work: Callable[[], Any]) -> list[float]:
    """Return the times of `work` in seconds, at a learner's pace."""
    found = []
    for number in range(ROUNDS + 1):
        time.sleep(PAUSE_SECONDS)
        started = time.perf_counter()
        work()
        if number:  # the first warms caches
            found.append(time.perf_counter() - started)
    return found


def measure_within(api_key: str) -> None:
    """Start the service in this process, and print the median time of each step as JSON."""
    application: Callable[..., Any] = import_module("codeexec.wsgi").application  # reads the settings of this process
    import_module("codeexec.start").start_service()
    assert import_module("executions.running.backend").get_backend().executor.wait_until_ready(60)
    body = json.dumps({"code": PROGRAM}).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/execute",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": os.environ["PORT"],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ORIGIN": ORIGIN,
        "HTTP_X_API_KEY": api_key,
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }
    own = []

    def request() -> None:
        answered: list[str] = []
        sent = {**environ, "wsgi.input": io.BytesIO(body)}
        response = application(sent, lambda status, headers, exc_info=None: answered.append(status))
        answer = json.loads(b"".join(response))
        response.close()
        assert answered == ["200 OK"], answer
        own.append(answer["execution_time"])

    with contextlib.ExitStack() as stack:
        times = {name: stack.enter_context(_timed(path)) for name, path in STEPS.items()}
        taken = _repeat(request)
    steps = {name: each[1:] for name, each in times.items()}
    for name, parts in WITHIN.items():
        steps[name] = [
            whole - sum(inner) for whole, *inner in zip(steps[name], *(steps[part] for part in parts), strict=True)
        ]
    rest = [whole - sum(inner) for whole, *inner in zip(taken, *steps.values(), strict=True)]
    steps[RUN] = [whole - program for whole, program in zip(steps[RUN], own[1:], strict=True)]
    rows = {**steps, PROGRAMS_OWN: own[1:], REST: rest, ALL: taken}
    print(json.dumps({name: statistics.median(each) for name, each in rows.items()}))


@contextlib.contextmanager
def _timed(path: str) -> Iterator[list[float]]:
    """Collect how long each call of a function takes, in seconds."""
    found: list[float] = []
    target, _, name = path.rpartition(".")
    try:
        owner: Any = import_module(target)
    except ModuleNotFoundError:
        module, _, class_name = target.rpartition(".")
        owner = getattr(import_module(module), class_name)
    function = getattr(owner, name)

    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            found.append(time.perf_counter() - started)

    with mock.patch.object(owner, name, timed):
        yield found


if __name__ == "__main__":
    measure_within(sys.argv[2]) if sys.argv[1:2] == ["within"] else main()
