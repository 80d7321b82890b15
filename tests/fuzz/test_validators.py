"""Whatever a caller sends is either valid or refused with one of our errors."""

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException, ValidationError

from apikeys import tokens
from apikeys.models import LEARNER_CHARACTERS
from apikeys.token_schema import TokenRequestSerializer
from executions import bounds
from executions.api.serializers import ExecutionRequestSerializer
from executions.request import ExecutionRequest
from web.bodies import StrictJSONParser
from web.errors import handle_exception

ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.text("a\0é\ud800\n")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=20)
NAMES = list(ExecutionRequestSerializer().fields)
CASE_NAMES = ["input", "expected_output", "code", "name", "stdin", "match", "hidden"]
ALMOST = st.dictionaries(st.sampled_from(NAMES) | ANY_TEXT, JSON) | st.fixed_dictionaries(
    {"code": ANY_TEXT.filter(bool)},
    optional={
        "timeout": st.integers(-1, 12) | SCALARS,
        "learner": ANY_TEXT,
        "test_cases": st.lists(st.dictionaries(st.sampled_from(CASE_NAMES), SCALARS) | JSON, max_size=5),
    },
)


class Sent:
    """The part of a request that the parser uses."""

    headers = {"Content-Type": "application/json"}


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | st.text('{}[]":,0eE-\\u').map(str.encode))
def test_any_body_is_parsed_or_refused(body: bytes) -> None:
    try:
        value = StrictJSONParser().parse(BytesIO(body), parser_context={"request": Sent()})
    except APIException as error:
        answer = handle_exception(error, {})
        assert answer is not None
        assert (answer.status_code, answer.data["code"]) == (400, "invalid_json")
        json.dumps(answer.data, ensure_ascii=False).encode()
    else:
        json.dumps(value, allow_nan=False)


@given(JSON | ALMOST)
def test_any_request_is_valid_or_refused(body: Any) -> None:
    serializer = ExecutionRequestSerializer(data=body, context={"learner": None})
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        answer = handle_exception(error, {})
        assert answer is not None
        assert (answer.status_code, answer.data["code"]) == (400, "invalid")
        json.dumps(answer.data, ensure_ascii=False).encode()
        return
    check(serializer.to_request())


def check(request: ExecutionRequest) -> None:
    """Assert what the rest of the service relies on."""
    assert 1 <= len(request.code.encode()) <= bounds.CODE_BYTES
    assert type(request.timeout) is int
    assert bounds.SHORTEST_TIMEOUT_SECONDS <= request.timeout <= bounds.LONGEST_TIMEOUT_SECONDS
    assert len(request.learner) <= LEARNER_CHARACTERS
    assert len(request.test_cases or ()) <= bounds.TEST_CASES
    texts = [request.code, request.input_data, request.learner]
    for case in request.test_cases or ():
        texts += [text for text in (case.input, case.expected_output, case.code, case.name, case.stdin) if text]
        assert type(case.hidden) is bool
    for text in texts:
        assert "\0" not in text
        text.encode()


@given(JSON | st.fixed_dictionaries({"learner": ANY_TEXT}, optional={"lifetime_seconds": st.integers(0, 5000)}))
def test_any_request_for_a_token_is_valid_or_refused(body: Any) -> None:
    serializer = TokenRequestSerializer(data=body)
    if serializer.is_valid():
        assert 1 <= len(serializer.validated_data["learner"]) <= LEARNER_CHARACTERS
        assert 60 <= serializer.validated_data.get("lifetime_seconds", 60) <= 3600


# Tokens

FAR = datetime(2100, 1, 1, tzinfo=UTC)
SENT = st.text(st.characters(max_codepoint=255))  # the characters that a header can hold


@given(SENT | SENT.map(lambda text: "pl_live_sec_" + text) | SENT.map(lambda text: tokens.LEARNER_PREFIX + text))
def test_no_random_string_is_a_token(text: str) -> None:
    assert not tokens.is_well_formed(text)
    assert tokens.read_learner_token(text) is None


@given(st.sampled_from(["publishable", "secret"]), st.integers(0, 100), SENT)
def test_a_token_with_one_change_is_malformed(kind: str, place: int, change: str) -> None:
    token = tokens.generate_token(kind)
    at = place % len(token)
    changed = token[:at] + change + token[at + 1 :]
    assert tokens.is_well_formed(token)
    assert changed == token or not tokens.is_well_formed(changed)


@given(
    st.integers(1, 2**63), st.text(st.characters(exclude_categories=["Cs"]), max_size=128), st.integers(0, 400), SENT
)
def test_a_learner_token_with_one_change_is_refused(key_id: int, learner: str, place: int, change: str) -> None:
    minted = tokens.LearnerToken(key_id, learner, FAR)
    token = str(minted)
    assert tokens.read_learner_token(token) == minted
    at = place % len(token)
    changed = token[:at] + change + token[at + 1 :]
    assert changed == token or tokens.read_learner_token(changed) is None
