"""What an execution says about its exercise: one short row, so that staff pages need not read the long ones.

The rows are deleted with their executions. So nothing of an erased learner is left on the page of an exercise.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from executions.bounds import ERROR_CHARACTERS
from executions.models import Attempt, Execution
from executions.records.shape import fingerprint, shape_of

NOT_COMPARED = frozenset(("hidden", "points", "on_pass", "on_fail", "group"))
"""What a teacher may change about a test case without making it another one."""

SPECIFIC = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
"""What differs between two errors of one kind: the names and the numbers."""

Case = Mapping[str, Any]
Result = Mapping[str, Any]


def attempt_of(execution: Execution, ended: Mapping[str, Any]) -> Attempt | None:
    """Return the attempt that an execution was, from what its record holds at its end.

    None if it belongs to no exercise, or if its client stopped it.
    """
    if execution.exercise is None or ended["status"] == Execution.Status.CANCELLED:
        return None
    results = ended["test_results"] or []
    failed = failed_tests(execution.test_cases or [], results)
    error = _error(ended["error_detail"], failed)
    is_passed = not failed if results else ended["status"] == Execution.Status.SUCCESS
    wrong = wrong_output(failed)
    return Attempt(
        execution=execution,
        exercise=execution.exercise,
        who=fingerprint(f"learner {execution.learner}" if execution.learner else f"address {execution.client_address}"),
        passed=is_passed,
        shape=shape_of(execution.code),
        error="" if is_passed else error,
        wrong_output=None if wrong is None else fingerprint(f"{test_key(wrong[0])} {wrong[1].strip()}"),
        failed_tests=" ".join(test_key(case) for case, _ in failed),
    )


def failed_tests(cases: list[Case], results: list[Result]) -> list[tuple[Case, Result]]:
    """Return the test cases that failed, each with its result."""
    return [(case, result) for case, result in zip(cases, results, strict=bool(results)) if not result["passed"]]


def test_key(case: Case) -> str:
    """Return eight characters that tell a test case from the others of its exercise, wherever it stands."""
    compared = {name: value for name, value in case.items() if value and name not in NOT_COMPARED}
    return hashlib.blake2b(json.dumps(compared, sort_keys=True).encode(), digest_size=4).hexdigest()


test_key.__test__ = False  # type: ignore[attr-defined]  # not for pytest to collect


def wrong_output(failed: list[tuple[Case, Result]]) -> tuple[Case, str] | None:
    """Return the first test case that failed only by its output, with that output. Those of hidden ones are unknown."""
    wrong = ((case, result["actual_output"]) for case, result in failed if result.get("diff") is not None)
    return next(wrong, None)


def _error(detail: Mapping[str, Any] | None, failed: list[tuple[Case, Result]]) -> str:
    """Return the kind of error that made an attempt fail, such as `NameError: name … is not defined`.

    That is the error of the first test with one. The program's own counts if no visible test failed: it often ends with
    an EOFError where the tests have an input and the program has none.
    """
    visible = [result.get("error_detail") for case, result in failed if not case.get("hidden")]
    found = next(filter(None, visible or [detail]), None)
    if found is None:
        return ""
    message = SPECIFIC.sub("…", str(found["message"]).partition("\n")[0])
    return f"{found['type']}: {message}".removesuffix(": ")[:ERROR_CHARACTERS]
