"""What a request may contain: each bound at its last allowed value and one past it, and no coercion."""

import json
from typing import Any

import pytest

from executions import bounds
from executions.request import Match
from tests.conftest import Page
from tests.fakes import FakeExecutor


def refused_fields(response: Any) -> dict[str, str]:
    """Return the `fields` of a 400 response."""
    answer = response.json()
    assert response.status_code == 400, answer
    assert answer["code"] == "invalid"
    assert answer["detail"]
    fields: dict[str, str] = answer["fields"]
    return fields


# Sizes


@pytest.mark.parametrize(
    ("field", "longest_bytes"),
    [("code", bounds.CODE_BYTES), ("input_data", bounds.INPUT_BYTES)],
)
def test_strings_are_measured_in_bytes(page: Page, field: str, longest_bytes: int) -> None:
    for character in "x", "é", "🐍":
        size_bytes = len(character.encode())
        text = character * (longest_bytes // size_bytes)
        assert page.post({"code": "1", field: text}).status_code == 200
        assert refused_fields(page.post({"code": "1", field: text + "x"})) == {
            field: f"Is {longest_bytes + 1} bytes of UTF-8; at most {longest_bytes} are allowed."
        }


@pytest.mark.parametrize(
    ("field", "longest_bytes"),
    [
        ("code", bounds.CODE_BYTES),
        ("expected_output", bounds.CODE_BYTES),
        ("input", bounds.INPUT_BYTES),
        ("stdin", bounds.INPUT_BYTES),
        ("name", bounds.NAME_BYTES),
        ("on_pass", bounds.SENTENCE_BYTES),
        ("on_fail", bounds.SENTENCE_BYTES),
        ("group", bounds.NAME_BYTES),
    ],
)
def test_strings_of_a_test_case_are_bounded(page: Page, field: str, longest_bytes: int) -> None:
    assert page.run(test_cases=[{field: "x" * longest_bytes}]).status_code == 200
    refused = refused_fields(page.run(test_cases=[{}, {field: "x" * (longest_bytes + 1)}]))
    assert refused.keys() == {f"test_cases[1].{field}"}


@pytest.mark.parametrize("character", ["x", "é", "🐍"])
def test_learners_are_measured_in_characters(page: Page, character: str) -> None:
    assert page.run(learner=character * 128).status_code == 200
    assert refused_fields(page.run(learner=character * 129)).keys() == {"learner"}


def test_the_number_of_test_cases_is_bounded(page: Page) -> None:
    assert len(page.run(test_cases=[{}] * 50).json()["test_results"]) == 50
    assert refused_fields(page.run(test_cases=[{}] * 51)).keys() == {"test_cases"}


@pytest.mark.parametrize("timeout", [1, 5, 10])
def test_a_valid_timeout_is_used_unchanged(page: Page, executor: FakeExecutor, timeout: int) -> None:
    assert page.run(timeout=timeout).status_code == 200
    assert executor.submissions[0].timeout_seconds == timeout


@pytest.mark.parametrize(
    "timeout", ["0", "-1", "11", "0.0001", "5.0", "5.5", "1e1", "1e999", '"5"', "true", "[]", "{}", "9" * 4000]
)
def test_an_invalid_timeout_is_refused_and_not_clamped(page: Page, executor: FakeExecutor, timeout: str) -> None:
    response = page.post(b'{"code": "1", "timeout": %s}' % timeout.encode())
    assert refused_fields(response) == {"timeout": "Must be an integer from 1 to 10."}
    assert executor.submissions == []


# Types


@pytest.mark.parametrize("field", ["code", "language", "input_data", "learner"])
@pytest.mark.parametrize("value", [5, 5.5, True, False, [], {}, ["x"]], ids=repr)
def test_only_strings_are_accepted_as_strings(page: Page, field: str, value: Any) -> None:
    assert refused_fields(page.post({"code": "1", field: value})) == {field: "Must be a string."}


@pytest.mark.parametrize("field", ["input", "expected_output", "code", "name", "stdin", "match", "on_pass", "group"])
@pytest.mark.parametrize("value", [8, True, [], {}], ids=repr)
def test_only_strings_are_accepted_as_strings_of_a_test_case(page: Page, field: str, value: Any) -> None:
    assert refused_fields(page.run(test_cases=[{field: value}])) == {f"test_cases[0].{field}": "Must be a string."}


@pytest.mark.parametrize("value", [0, 1, "true", "", [], {}], ids=repr)
def test_hidden_must_be_true_or_false(page: Page, value: Any) -> None:
    refused = refused_fields(page.run(test_cases=[{"hidden": value}]))
    assert refused == {"test_cases[0].hidden": "Must be true or false."}


@pytest.mark.parametrize("points", ["0", "1", "0.5", "10000", "10000.0", "0.0001", "1e2"])
def test_points_are_numbers_within_bounds(page: Page, points: str) -> None:
    response = page.post(b'{"code": "1", "test_cases": [{"points": %s}]}' % points.encode())
    assert response.json()["max_score"] == float(points)


@pytest.mark.parametrize(
    "points", ["-1", "-0.0001", "10000.0001", "10001", "0.00001", "1e999", '"1"', "true", "[]", "9" * 4000]
)
def test_other_points_are_refused(page: Page, executor: FakeExecutor, points: str) -> None:
    response = page.post(b'{"code": "1", "test_cases": [{"points": %s}]}' % points.encode())
    sentence = "Must be a number from 0 to 10000, with at most 4 decimal places."
    assert refused_fields(response) == {"test_cases[0].points": sentence}
    assert executor.submissions == []


RETURNS = {"match": "returns", "input": "f()", "expected_output": "8"}


@pytest.mark.parametrize(
    ("case", "field"),
    [
        (RETURNS, None),
        ({**RETURNS, "stdin": "", "tolerance": 0.5, "relative_tolerance": 1, "exact_types": True}, None),
        ({**RETURNS, "expected_output": "ValueError: bad"}, None),
        ({**RETURNS, "input": None}, "match"),
        ({**RETURNS, "input": ""}, "match"),
        ({**RETURNS, "code": "f()"}, "match"),
        ({**RETURNS, "expected_output": None}, "expected_output"),
        ({**RETURNS, "expected_output": ""}, "expected_output"),
        ({**RETURNS, "expected_output": "[1, 2"}, "expected_output"),
        ({**RETURNS, "expected_output": "<x object>"}, "expected_output"),
        ({**RETURNS, "expected_output": str([1] * 20_001)}, "expected_output"),
        ({"match": "regex", "expected_output": "[0-9]+"}, None),
        ({"match": "regex"}, None),
        ({"match": "regex", "expected_output": "("}, "expected_output"),
        ({"match": "regex", "expected_output": r"(a)\1"}, "expected_output"),
        ({"match": "regex", "expected_output": "((a{100}){100}){100}"}, "expected_output"),
        ({"match": "float", "tolerance": 0}, None),
        ({"match": "float", "tolerance": 1_000_000}, None),
        ({"match": "float", "tolerance": 1_000_001}, "tolerance"),
        ({"match": "float", "tolerance": -1e-9}, "tolerance"),
        ({"match": "float", "relative_tolerance": 1.1}, "relative_tolerance"),
        ({"match": "float", "tolerance": "0.1"}, "tolerance"),
        ({"tolerance": 0.1}, "tolerance"),
        ({"match": "exact", "relative_tolerance": 0.1}, "relative_tolerance"),
        ({"match": "float", "exact_types": True}, "exact_types"),
        ({"match": "float", "exact_types": False}, None),
        ({**RETURNS, "exact_types": 1}, "exact_types"),
    ],
    ids=range(27),
)
def test_comparison_gets_what_it_needs(page: Page, case: dict[str, Any], field: str | None) -> None:
    response = page.run(test_cases=[{}, case])
    if field is None:
        assert response.status_code == 200
    else:
        assert refused_fields(response).keys() == {f"test_cases[1].{field}"}


NOT_BESIDE_A_SUITE = {
    "input": "f()",
    "code": "f()",
    "expected_output": "1",
    "match": "exact",
    "exact_types": True,
}


@pytest.mark.parametrize(
    ("case", "refused"),
    [
        ({"unittest": "import unittest"}, {}),
        ({"doctest": True}, {}),
        ({"doctest": False, "input": "f()"}, {}),
        ({"unittest": "", "input": "f()"}, {}),
        ({"unittest": None, "doctest": True}, {}),
        ({"unittest": "1", "stdin": "a", "files": [], "hidden": True, "points": 1, "group": "g", "on_fail": "x"}, {}),
        ({"unittest": 1}, {"unittest": "Must be a string."}),
        (
            {"unittest": "x" * (bounds.CODE_BYTES + 1)},
            {"unittest": "Is 65537 bytes of UTF-8; at most 65536 are allowed."},
        ),
        ({"doctest": "yes"}, {"doctest": "Must be true or false."}),
        (
            {"unittest": "1", "doctest": True},
            {"doctest": "Cannot be combined with unittest: use a separate test case for each."},
        ),
        ({"uses": ["for"], "unittest": "1"}, {"unittest": "Cannot be combined with uses, avoids or defines."}),
        *(
            ({"doctest": True, field: value}, {field: "Cannot be combined with unittest or doctest."})
            for field, value in NOT_BESIDE_A_SUITE.items()
        ),
    ],
    ids=range(11 + len(NOT_BESIDE_A_SUITE)),
)
def test_suite_has_nothing_to_compare(page: Page, case: dict[str, Any], refused: dict[str, str]) -> None:
    response = page.run(test_cases=[{}, case])
    if not refused:
        assert response.status_code == 200
    else:
        assert refused_fields(response) == {f"test_cases[1].{field}": said for field, said in refused.items()}


@pytest.mark.parametrize(
    ("case", "refused"),
    [
        ({"uses": ["for", "recursion", "list comprehension", "f-string", "%", "not in"]}, {}),
        ({"avoids": ["sum", "eval", "ValueError", "import os", "import os.path", "import", ".sort", "os.system"]}, {}),
        ({"defines": [{"name": "add", "parameters": 2}, {"name": "größe"}, {"name": "f", "parameters": 0}]}, {}),
        ({"uses": ["for"], "avoids": ["while"], "defines": [{"name": "f", "parameters": None}]}, {}),
        ({"uses": ["for"], "name": "n", "hidden": True, "points": 1, "on_pass": "", "on_fail": "", "group": "g"}, {}),
        ({"uses": None, "input": "f()"}, {}),
        ({"uses": ["for"] * 20}, {}),
        ({"uses": ["for"] * 21}, {"uses": "Has 21 items; at most 20 are allowed."}),
        ({"uses": []}, {"uses": "Must not be empty."}),
        ({"uses": "for"}, {"uses": "Must be a list."}),
        ({"uses": ["for", "fro"]}, {"uses[1]": "Unknown word: fro"}),
        ({"avoids": ["For"]}, {"avoids[0]": "Unknown word: For"}),
        ({"avoids": [""]}, {"avoids[0]": "Must not be empty."}),
        ({"avoids": ["sum()"]}, {"avoids[0]": "Unknown word: sum()"}),
        ({"avoids": ["import os, sys"]}, {"avoids[0]": "Unknown word: import os, sys"}),
        ({"avoids": ["import os\n"]}, {"avoids[0]": "Unknown word: import os\n"}),
        ({"avoids": ["def f"]}, {"avoids[0]": "Unknown word: def f"}),
        ({"avoids": [".a.b"]}, {"avoids[0]": "Unknown word: .a.b"}),
        ({"avoids": [1]}, {"avoids[0]": "Must be a string."}),
        ({"avoids": ["import " + "a" * 94]}, {"avoids[0]": "Is 101 bytes of UTF-8; at most 100 are allowed."}),
        ({"defines": [{}]}, {"defines[0].name": "This field is required."}),
        ({"defines": [{"name": "a b"}]}, {"defines[0].name": "Must be a valid Python identifier."}),
        ({"defines": [{"name": "for"}]}, {"defines[0].name": "Must be a valid Python identifier."}),
        ({"defines": ["add"]}, {"defines[0]": "Must be an object."}),
        ({"defines": [{"name": "f", "args": 1}]}, {"defines[0].args": "Unknown field."}),
        (
            {"defines": [{"name": "f", "parameters": 101}]},
            {"defines[0].parameters": "Must be an integer from 0 to 100."},
        ),
        ({"uses": ["for"], "input": "f()"}, {"input": "Cannot be combined with uses, avoids or defines."}),
        ({"avoids": ["for"], "code": "f()"}, {"code": "Cannot be combined with uses, avoids or defines."}),
        (
            {"uses": ["for"], "expected_output": ""},
            {"expected_output": "Cannot be combined with uses, avoids or defines."},
        ),
    ],
    ids=range(29),
)
def test_rules_accept_only_known_words(page: Page, case: dict[str, Any], refused: dict[str, str]) -> None:
    response = page.run(test_cases=[{}, case])
    if not refused:
        assert response.status_code == 200
    else:
        assert refused_fields(response) == {f"test_cases[1].{field}": said for field, said in refused.items()}


@pytest.mark.parametrize("value", ["", "Python", "python3", "javascript", "python "])
def test_any_language_but_python_is_refused(page: Page, value: str) -> None:
    assert refused_fields(page.run(language=value)) == {"language": "Must be one of: python."}


@pytest.mark.parametrize("value", ["", "Exact", "equals"])
def test_an_unknown_match_is_refused(page: Page, value: str) -> None:
    refused = refused_fields(page.run(test_cases=[{"match": value}]))
    assert refused == {"test_cases[0].match": f"Must be one of: {', '.join(Match)}."}


@pytest.mark.parametrize("value", [5, True, "x", {}], ids=repr)
def test_test_cases_must_be_a_list(page: Page, value: Any) -> None:
    assert refused_fields(page.run(test_cases=value)).keys() == {"test_cases"}


@pytest.mark.parametrize("value", [5, True, "x", [], None], ids=repr)
def test_a_test_case_must_be_an_object(page: Page, value: Any) -> None:
    assert refused_fields(page.run(test_cases=[{}, value])).keys() == {"test_cases[1]"}


@pytest.mark.parametrize("body", [[], ["code"], "code", None, 5, True], ids=repr)
def test_a_request_must_be_an_object(page: Page, body: Any) -> None:
    response = page.post(body)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert "fields" not in response.json()


# Missing and unknown fields


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": ""}], ids=repr)
def test_code_is_required(page: Page, body: Any) -> None:
    assert refused_fields(page.post(body)).keys() == {"code"}


def test_code_of_only_blanks_is_accepted(page: Page) -> None:
    assert page.run("   ").status_code == 200


@pytest.mark.parametrize("field", ["input_data", "test_cases", "learner"])
def test_null_counts_as_omitted(page: Page, field: str) -> None:
    answer = page.post({"code": "1", field: None}).json()
    assert answer["test_results"] is None


def test_null_in_a_test_case_counts_as_omitted(page: Page, executor: FakeExecutor) -> None:
    names = ("input", "expected_output", "code", "name", "stdin", "match", "hidden")
    [result] = page.run(test_cases=[dict.fromkeys(names)]).json()["test_results"]
    assert (result["input"], result["hidden"]) == (None, False)
    assert executor.submissions[0].tests == ()


def test_an_empty_list_of_test_cases_has_null_results(page: Page) -> None:
    assert page.run(test_cases=[]).json()["test_results"] is None


@pytest.mark.parametrize(
    "field", ["Code", "image", "user", "network", "privileged", "volumes", "memory", "cmd", "env", "", "\ud800", "x\0"]
)
def test_an_unknown_field_is_refused_by_name(page: Page, executor: FakeExecutor, field: str) -> None:
    shown = field.encode(errors="replace").decode() or '""'
    assert refused_fields(page.post({"code": "1", field: 1})).keys() == {shown}
    assert refused_fields(page.run(test_cases=[{field: 1}])).keys() == {f"test_cases[0].{shown}"}
    assert executor.submissions == []


def test_the_name_of_an_unknown_field_is_truncated(page: Page) -> None:
    [name] = refused_fields(page.post({"code": "1", "x" * 100_000: 1}))
    assert name == "x" * 100


@pytest.mark.parametrize("items", [b"{}", b"0", b'{"x":0}'])
def test_items_of_a_list_that_is_too_long_are_not_checked(page: Page, items: bytes) -> None:
    """Checking each item would take half a minute and name a million fields."""
    response = page.post(b'{"code":"1","test_cases":[%s]}' % b",".join([items] * 200_000))
    assert refused_fields(response) == {"test_cases": "Has 200000 items; at most 50 are allowed."}


def test_a_refusal_with_many_mistakes_stays_short(page: Page) -> None:
    unknown = {f"{number:05}{'x' * 200}": 0 for number in range(5_000)}
    refused = refused_fields(page.post({"code": "1", **unknown}))
    assert list(refused) == [name[:100] for name in list(unknown)[:10]]
    response = page.run(test_cases=[dict(list(unknown.items())[:100])] * 50)
    assert len(refused_fields(response)) == 500
    assert len(response.content) < 100_000


def test_every_invalid_field_is_named(page: Page) -> None:
    refused = refused_fields(page.post({"code": "", "timeout": 0, "test_cases": [{"code": 1}, {}, {"hidden": 1}]}))
    assert refused.keys() == {"code", "timeout", "test_cases[0].code", "test_cases[2].hidden"}


# Characters that a database or a terminal cannot handle


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "a\udfff"], ids=ascii)
@pytest.mark.parametrize("field", ["code", "language", "input_data", "learner"])
def test_nul_and_lone_surrogates_are_refused(page: Page, field: str, text: str) -> None:
    assert refused_fields(page.post({"code": "1", field: text})).keys() == {field}


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=ascii)
@pytest.mark.parametrize("field", ["input", "expected_output", "code", "name", "stdin", "match"])
def test_nul_and_lone_surrogates_in_test_cases_are_refused(page: Page, field: str, text: str) -> None:
    assert refused_fields(page.run(test_cases=[{field: text}])).keys() == {f"test_cases[0].{field}"}


@pytest.mark.parametrize("text", ["größe = '🐍'", "\x1b[2J\x07", "\u202e\u200b", "\uffff", "a\r\nb\x0c"], ids=ascii)
def test_every_other_character_is_accepted(page: Page, executor: FakeExecutor, text: str) -> None:
    assert page.run(text, input_data=text).status_code == 200
    [submission] = executor.submissions
    assert (submission.code, submission.stdin) == (text, text.replace("\r\n", "\n"))  # as every program expects


def test_a_character_may_be_sent_as_two_escapes(page: Page, executor: FakeExecutor) -> None:
    page.post(json.dumps({"code": "🐍"}, ensure_ascii=True).encode())
    assert executor.submissions[0].code == "🐍"
