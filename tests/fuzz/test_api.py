"""Requests generated from the schema, valid and invalid. None may cause a server error."""

import logging
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import assume, given
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from apikeys.keys import create_key
from apikeys.models import ApiKey
from codeexec.wsgi import application
from executions.models import IdempotentRequest
from executions.request import Match
from executions.running.backend import get_backend
from tests.conftest import ORIGIN
from tests.fakes import FakeExecutor
from tests.test_openapi import OPERATIONS, documented_errors

pytestmark = (
    pytest.mark.hypothesis
)  # `make fuzz` selects tests by this marker, and @given inside a test does not set it

SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", application)
# JSON Schema cannot express some documented rules: strings contain no NUL, 5.0 is not an integer, a program is
# interactive only with events, and input needs text or an end.
SCHEMA.config.generation.update(allow_x00=False, with_security_parameters=False)
SCHEMA.config.checks.negative_data_rejection.expected_statuses = ["400", "404", "413"]

VALID, INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
REQUESTS = [(name, mode) for name in sorted(OPERATIONS) for mode in (VALID, INVALID)]
REQUESTS.remove(("GET /health", INVALID))  # its requests cannot be invalid


@pytest.fixture
def token(db: None, executor: FakeExecutor) -> str:
    _, token = create_key("Server", "secret", [ORIGIN])
    ApiKey.objects.update(
        rate="1000000/m", address_rate="", learner_rate="", executions_per_day=10**6, cpu_seconds_per_day=10**6
    )
    return token


def has_whole_floats(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(has_whole_floats, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


def is_refused_besides(path: str, body: Any) -> bool:
    """Return whether a request is refused by a rule that the schema cannot express."""
    fields = body if isinstance(body, dict) else {}
    if path.endswith("/input"):
        return fields.get("text") is None and not fields.get("end")
    return has_whole_floats(body) or fields.get("interactive") is True


DEPENDENT = """
webhook files collect tolerance relative_tolerance exact_types points uses avoids defines unittest doctest
""".split()


def drop_what_depends_on_other_fields(body: Any) -> None:
    """Remove from a valid request what a rule that the schema cannot express may refuse.

    tests/executions/test_requests.py and test_files.py have these rules. Few texts are words of `uses` and `avoids`.
    """
    fields = body if isinstance(body, dict) else {}
    programs = fields.get("executions", [fields])
    for each in (*programs, *(case for program in programs for case in program.get("test_cases") or ())):
        for name in DEPENDENT:
            each.pop(name, None)
        if each.get("match") in (Match.RETURNS, Match.REGEX):
            del each["match"]


@pytest.mark.parametrize(("name", "mode"), REQUESTS)
def test_every_response_matches_the_schema(
    name: str, mode: GenerationMode, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    method, path = name.split()
    headers = {"X-API-Key": token}
    statuses = set()

    @given(SCHEMA[path][method].as_strategy(mode))
    def each(case: Any) -> None:
        if mode is VALID:
            drop_what_depends_on_other_fields(case.body)
        assume(not is_refused_besides(path, case.body))
        cache.clear()  # the rate of input is not limited
        IdempotentRequest.objects.all().delete()  # examples have the same keys
        response = case.call(headers=headers)
        if response.status_code == 202 and path.endswith("/batch") and mode is INVALID:
            assert any(each["error"] for each in response.json()["executions"])  # refuses each program for itself
            case.validate_response(response, headers=headers, excluded_checks=[negative_data_rejection])
            return
        case.validate_response(response, headers=headers)
        statuses.add(response.status_code)
        while get_backend().jobs.run_next():  # here nothing else does
            pass
        if response.status_code >= 400:
            body = response.json()
            assert body.keys() <= {"detail", "code", "fields"}
            assert (response.status_code, body["code"]) in documented_errors(OPERATIONS[name])

    each()
    assert statuses
    assert statuses <= ({200, 201, 202, 204, 404} if mode is VALID else {400, 404, 413})
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
