"""Generated requests to the whole service, with real containers and a look at its log."""

import re
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.fuzz.test_api import drop_what_depends_on_other_fields, is_refused_besides
from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]

FEW = settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _nothing_unexpected_is_logged(service: Service) -> Iterator[None]:
    said = len(service.log())
    yield
    assert not re.search(r'"level": "(error|critical)"|Traceback', service.log()[said:])


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_match_the_schema(service: Service, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    schema.config.generation.update(allow_x00=False, with_security_parameters=False)
    schema.config.checks.negative_data_rejection.expected_statuses = ["400", "413"]
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}

    @FEW
    @given(schema["/execute"]["POST"].as_strategy(mode))
    def each(case: schemathesis.Case) -> None:  # type: ignore[type-arg]
        if mode is GenerationMode.POSITIVE:
            drop_what_depends_on_other_fields(case.body)
            case.headers.pop("Idempotency-Key", None)  # examples have the same keys
        assume(not is_refused_besides("/execute", case.body))
        response = case.call(base_url=service.url, headers=headers)
        case.validate_response(response, headers=headers)
        assert response.status_code in ((200,) if mode is GenerationMode.POSITIVE else (400, 413))

    each()


# Leave out what `requests` itself refuses to send.
VALUES = st.binary(max_size=60).map(lambda value: re.sub(rb"[\r\n]", b"", value).strip())
NAMES = st.sampled_from(
    ["X-API-Key", "Origin", "Content-Type", "Content-Encoding", "Accept", "X-Forwarded-For", "X-Request-ID", "Cookie"]
)


@FEW
@given(
    body=st.binary(max_size=300), headers=st.dictionaries(NAMES, VALUES), path=st.sampled_from(["/execute", "/tokens"])
)
def test_any_bytes_get_a_well_formed_error(service: Service, body: bytes, headers: dict[str, bytes], path: str) -> None:
    sent = {"X-API-Key": service.api_key.encode(), "Origin": ORIGIN.encode(), **headers}
    response = requests.post(f"{service.url}{path}", body, headers=sent, timeout=30)
    if response.headers.get("Content-Type") == "text/html":  # from the HTTP server: the request was malformed
        assert response.status_code == 400
        return
    assert response.status_code in (400, 403, 415)
    assert response.json().keys() <= {"detail", "code", "fields"}
