"""What staff see of the attempts at an exercise, and that nothing of the erased is left there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from executions.bounds import EXERCISE_CHARACTERS
from executions.models import Attempt, Execution
from executions.records.retention import erase_learner, prune
from executions.records.shape import SHAPED_CHARACTERS, shape_of
from executions.review.exercises import SHOWN_EXERCISES, figures_of
from executions.running.backend import get_backend
from executions.running.service import run_again
from executions.sandbox.results import ErrorDetail, Run, RunLost, RunStatus, SandboxBusy
from tests.audit_log import events
from tests.conftest import Page
from tests.fakes import EIGHT, FakeExecutor

LIST = "/admin/executions/attempt/"
LOOPS = f"{LIST}loops-1/"
RIGHT = {"input": "add(5, 3)", "expected_output": "8"}
WRONG = {"name": "adds <b>", "input": "add(5, 4)", "expected_output": "9"}  # the fake sandbox says 8
SECRET = {"name": "a secret", "input": "add(1, 6)", "expected_output": "7", "hidden": True}


def error(kind: str, message: str) -> Run:
    return Run(RunStatus.ERROR, stderr="Traceback", exit_code=1, detail=ErrorDetail(kind, message, 1, 1, 2, "x", None))


def try_it(page: Page, learner: str, code: str = "print('Hello')", *tests: dict[str, Any], **fields: Any) -> None:
    sent = {"learner": learner, "exercise": "loops-1", "test_cases": list(tests), **fields}
    assert page.run(code, **sent).status_code == 200


# The request


@pytest.mark.parametrize("exercise", ["a", "0", "Loops_1.b-", "a" * EXERCISE_CHARACTERS])
def test_the_exercise_of_a_request_is_on_record(page: Page, exercise: str) -> None:
    assert page.run(exercise=exercise).status_code == 200
    assert (Execution.objects.get().exercise, Attempt.objects.get().exercise) == (exercise, exercise)


@pytest.mark.parametrize(
    ("exercise", "sentence"),
    [
        ("", "Must not be empty."),
        (7, "Must be a string."),
        ("a" * (EXERCISE_CHARACTERS + 1), f"Must have at most {EXERCISE_CHARACTERS} characters."),
        *(
            (each, "Must begin with a letter or digit, and may contain only letters, digits, -, . and _.")
            for each in ("-a", ".a", "_a", "a b", "a/b", "ä", "a\n", "<b>", "..", "\uff11")
        ),
    ],
)
def test_invalid_exercise_is_refused(page: Page, executor: FakeExecutor, exercise: Any, sentence: str) -> None:
    response = page.run(exercise=exercise)
    assert response.status_code == 400
    assert response.json()["fields"] == {"exercise": sentence}
    assert executor.submissions == []


def test_without_an_exercise_there_is_no_attempt(page: Page) -> None:
    page.run()
    page.run(exercise=None)
    assert list(Execution.objects.values_list("exercise", flat=True)) == [None, None]
    assert not Attempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_execution_that_is_watched_is_an_attempt_too(page: Page) -> None:
    body = {"code": "1", "exercise": "loops-1", "test_cases": [RIGHT]}
    assert b"event: result" in b"".join(page.post(body, accept="text/event-stream"))
    assert Attempt.objects.get().passed


# What counts


@pytest.mark.parametrize(
    ("main", "tests", "passed"),
    [
        (RunStatus.SUCCESS, [], True),
        (RunStatus.TIMEOUT, [], False),
        (RunStatus.SUCCESS, [RIGHT, RIGHT], True),
        (RunStatus.SUCCESS, [RIGHT, WRONG], False),
        (RunStatus.SUCCESS, [RIGHT, SECRET], False),
        (RunStatus.ERROR, [RIGHT], True),  # it asked for input that only the tests have
    ],
)
def test_an_attempt_passes_with_all_its_tests(
    page: Page, executor: FakeExecutor, main: RunStatus, tests: list[Any], passed: bool
) -> None:
    executor.main = replace(executor.main, status=main)
    try_it(page, "ada", "1", *tests)
    assert Attempt.objects.get().passed is passed


@pytest.mark.parametrize("lost", [SandboxBusy("full"), RunLost("gone")])
def test_program_that_did_not_run_is_not_an_attempt(page: Page, executor: FakeExecutor, lost: Any) -> None:
    executor.error = lost
    assert page.run(exercise="loops-1").status_code == 503
    assert Execution.objects.get().exercise == "loops-1"
    assert not Attempt.objects.exists()


def test_stopped_program_is_not_an_attempt(page: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, status=RunStatus.CANCELLED)
    page.run(exercise="loops-1")
    assert not Attempt.objects.exists()


def test_rerun_by_staff_is_not_an_attempt(page: Page, admin_user: User) -> None:
    try_it(page, "ada")
    assert run_again(Execution.objects.get(), admin_user, get_backend()).exercise is None
    assert Attempt.objects.count() == 1


def test_the_figures_of_an_exercise(page: Page, executor: FakeExecutor) -> None:
    sums = "def add(a, b):\n    return a + b"
    renamed = "def add(x, y):  # mine\n\n  return x+y"
    other = "def add(a, b):\n    return 8"
    try_it(page, "ada", sums, RIGHT, WRONG, SECRET)
    try_it(page, "ada", renamed, RIGHT, WRONG)
    try_it(page, "ada", sums, RIGHT)
    try_it(page, "bob", other, RIGHT, WRONG)
    executor.test = replace(EIGHT, stdout="81\n")
    try_it(page, "bob", other, WRONG, RIGHT)
    executor.test = error("NameError", "name 'nmae' is not defined")
    try_it(page, "", other, RIGHT)
    executor.test = error("NameError", "name 'x1' is not defined")
    try_it(page, "", other, RIGHT)
    try_it(page, "eve", exercise="loops-2")
    figures = figures_of("loops-1")
    assert (figures.on_record, figures.attempts, figures.passed, figures.learners, figures.solvers) == (7, 7, 1, 3, 1)
    tests = [(test.label, test.attempts, round(test.share, 2)) for test in figures.tests]
    assert tests == [("adds <b>", 4, 0.57), ("add(5, 3)", 3, 0.43), ("a secret (hidden)", 1, 0.14)]
    errors = [(each.text, each.group.attempts, len(each.group.learners)) for each in figures.errors]
    assert errors == [("NameError: name … is not defined", 2, 1)]
    outputs = [(each.label, each.text, each.expected, each.group.attempts) for each in figures.outputs]
    assert outputs == [("adds <b>", "8", "9", 3), ("adds <b>", "81", "9", 1)]
    shapes = [(each.group.attempts, each.group.passed, len(each.group.learners)) for each in figures.shapes]
    assert (shapes, figures.shape_count) == ([(4, 0, 2), (3, 1, 1)], 2)
    assert ">return</span>" in figures.shapes[0].code
    assert figures.shapes[1].group.execution_id == Execution.objects.filter(code=sums).latest("pk").pk


def test_a_test_is_the_same_in_another_place_and_with_other_points(page: Page) -> None:
    try_it(page, "ada", "1", WRONG, RIGHT)
    try_it(page, "ada", "1", RIGHT, {**WRONG, "points": 2, "on_fail": "No.", "group": "g"})
    try_it(page, "ada", "1", {**WRONG, "expected_output": "10"})
    assert [test.attempts for test in figures_of("loops-1").tests] == [2, 1]


@pytest.mark.parametrize(
    ("main", "tests", "found"),
    [
        (error("ValueError", ""), [], "ValueError"),
        (error("ValueError", "bad '1' or \"2\", not 33\nmore"), [], "ValueError: bad … or …, not …"),
        (error("E" * 200, ""), [], "E" * 100),
        (error("EOFError", "EOF when reading a line"), [WRONG], ""),
        (error("EOFError", "EOF when reading a line"), [SECRET], "EOFError: EOF when reading a line"),
        (error("EOFError", "EOF when reading a line"), [RIGHT], ""),
    ],
)
def test_an_error_is_counted_by_its_kind(
    page: Page, executor: FakeExecutor, main: Run, tests: list[Any], found: str
) -> None:
    executor.main = main
    try_it(page, "ada", "1", *tests)
    assert Attempt.objects.get().error == found


def test_only_the_latest_attempts_are_looked_at(page: Page) -> None:
    for number in range(4):
        try_it(page, f"learner {number}", "1", WRONG if number == 0 else RIGHT)
    figures = figures_of("loops-1", latest=3)
    assert (figures.on_record, figures.attempts, figures.learners, figures.passed) == (4, 3, 3, 3)


# Shapes


ADD = "def add(a, b):\n    return a + b\n"


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [
        (ADD, "def plus(x, y):\n\n  # add\n  return x  +  y", True),
        (ADD, ADD.replace("\n", "\r\n"), True),
        (ADD, ADD.replace("+", "-"), False),
        (ADD, "def add(a, b):\n    print(a + b)\n", False),
        ("print('a', 1)", 'print(f"bcd", 0.5e3)', True),
        ("print('# a')", "print('b')  # a", True),
        ("x = '''a\nb'''\ny = 1", 'x = """c"""\ny = 2', True),
        ("print(x)", "input(x)", False),
        ("a.append(1)", "b.append(2)", True),
        ("a.append(1)", "a.remove(1)", False),
        ("if a:\n  b\nc", "if a:\n  b\n  c", False),
        ("if a:\n  b\nc", "if a:\n\tb\nc", True),
        ("f(a,\n  b)", "f(a, b)", True),
        ("x = 'a\ny = 1", "x = 'b\ny = 2", True),  # an error, as Python says
        ("", "# nothing\n\n", True),
    ],
)
def test_programs_have_one_shape_if_they_differ_in_names_and_layout(one: str, other: str, are_alike: bool) -> None:
    assert (shape_of(one) == shape_of(other)) is are_alike


def test_only_the_beginning_of_a_program_has_a_shape() -> None:
    begin = "a\n" * (SHAPED_CHARACTERS // 2)
    assert shape_of(begin) == shape_of(begin + "while b: pass")
    assert shape_of(begin) != shape_of("while b: pass\n" + begin)


@given(st.text(alphabet=st.sampled_from("\"'\\\n\r\t #()[]{}abfrx1.+\0\ud800é\f"), max_size=60))
def test_every_text_has_a_shape(text: str) -> None:
    assert -(2**63) <= shape_of(text) == shape_of(text) < 2**63


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", ['"""', "'''\\", "\\", '"\\"""', "''", "(", "fb", "1.", "\\\n", '"""\\""'])
def test_no_text_takes_long(text: str) -> None:
    """A regular expression that goes back would take minutes for some of these."""
    assert isinstance(shape_of(text * SHAPED_CHARACTERS), int)


# What is left


def test_nothing_of_an_erased_learner_is_left_on_the_page(page: Page, admin_client: Client) -> None:
    try_it(page, "ada", "print('of ada')", WRONG)
    try_it(page, "bob", "for x in 'of bob': print(x)", RIGHT)
    assert "of ada" in admin_client.get(LOOPS).content.decode()
    erase_learner("ada")
    text = admin_client.get(LOOPS).content.decode()
    assert "of ada" not in text
    assert "adds" not in text
    assert "of bob" in text
    figures = figures_of("loops-1")
    assert (figures.attempts, figures.learners, figures.passed) == (1, 1, 1)
    erase_learner("bob")
    assert "No attempts on record." in admin_client.get(LOOPS).content.decode()
    assert "loops-1" not in admin_client.get(LIST).content.decode()
    assert "loops" not in str([entry.additional_data for entry in events("exercise_opened")])


def test_attempts_are_pruned_with_their_executions(page: Page) -> None:
    try_it(page, "ada")
    Execution.objects.update(created=timezone.now() - timedelta(days=100))
    try_it(page, "bob")
    assert prune(timezone.now() - timedelta(days=90)) == 1
    assert Attempt.objects.get().execution.learner == "bob"


# The pages


@pytest.fixture
def member(groups: None) -> Callable[[str], Client]:
    """Return a function that returns the client of a member of a group."""

    def member_of(group: str) -> Client:
        user = User.objects.create_user(group, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client = Client()
        client.force_login(user)
        return client

    return member_of


def test_the_page_of_an_exercise(page: Page, admin_client: Client) -> None:
    try_it(page, "ada", "print('</pre><script>alert(1)</script>\u202e')", RIGHT, WRONG)
    text = admin_client.get(LOOPS).content.decode()
    assert "adds &lt;b&gt;" in text
    assert "failed in 1 attempt<" in text.replace("</span>", "<").replace("\n", "")
    assert "<script>alert" not in text
    assert "⟨U+202E⟩" in text
    assert f'href="/admin/executions/execution/{Execution.objects.get().pk}/change/"' in text
    assert 'href="/admin/executions/execution/?exercise=loops-1"' in text
    [row] = admin_client.get("/admin/executions/execution/?exercise=loops-1").context["cl"].result_list
    assert row.learner == "ada"
    assert not admin_client.get("/admin/executions/execution/?exercise=loops-2").context["cl"].result_list
    review = admin_client.get(f"/admin/executions/execution/{row.pk}/change/").content.decode()
    assert f'<dt>Exercise</dt><dd><a href="{LOOPS}">loops-1</a></dd>' in review


def test_the_list_has_the_exercise_tried_last_first(page: Page, admin_client: Client) -> None:
    for exercise, tests in ("loops-1", [RIGHT]), ("loops-2", [WRONG]), ("sums", [RIGHT]), ("loops-1", [WRONG]):
        try_it(page, "ada", "1", *tests, exercise=exercise)

    def listed(query: str = "") -> list[tuple[str, int, float]]:
        found = admin_client.get(LIST, {"q": query}).context["exercises"]
        return [(each.id, each.attempts, each.passed_share) for each in found]

    assert listed() == [("loops-1", 2, 0.5), ("sums", 1, 1.0), ("loops-2", 1, 0.0)]
    assert listed("loops") == [("loops-1", 2, 0.5), ("loops-2", 1, 0.0)]
    assert listed("oops") == listed("%") == listed("\0x") == []
    assert f'href="{LIST}"' in admin_client.get("/admin/").content.decode()  # in the menu


def test_the_list_says_if_it_does_not_have_all(admin_client: Client) -> None:
    executions = Execution.objects.bulk_create(Execution(timeout=5) for _ in range(SHOWN_EXERCISES + 1))
    attempts = [
        Attempt(execution=execution, exercise=f"loops-{number}", who=1, passed=True, shape=1)
        for number, execution in enumerate(executions)
    ]
    for part, are_more in (attempts[:-1], False), (attempts[-1:], True):
        Attempt.objects.bulk_create(part)
        response = admin_client.get(LIST)
        assert (len(response.context["exercises"]), response.context["are_more"]) == (SHOWN_EXERCISES, are_more)


def test_a_teacher_sees_no_learner_and_no_output_of_a_hidden_test(
    page: Page, executor: FakeExecutor, member: Callable[[str], Client]
) -> None:
    executor.test = replace(EIGHT, stdout="a hidden output\n")
    try_it(page, "ada lovelace", "1", SECRET)
    text = member("Teachers").get(LOOPS).content.decode()
    assert "a secret (hidden)" in text
    for private in ("ada lovelace", "a hidden output", "127.0.0.1", "/admin/executions/execution/"):
        assert private not in text
    assert "/admin/executions/execution/" in member("Abuse reviewers").get(LOOPS).content.decode()


def test_the_audit_log_says_whose_programs_were_seen(page: Page, admin_client: Client, admin_user: User) -> None:
    try_it(page, "ada")
    admin_client.get(LOOPS)
    admin_client.get(f"{LIST}nothing/")  # shows no program
    [entry] = events("exercise_opened")
    assert entry.actor == admin_user
    assert entry.additional_data == {"event": "exercise_opened", "executions": [Execution.objects.get().pk]}


@pytest.mark.parametrize("path", ["a%00b/", "<b>/", "x" * 500 + "/"])
def test_an_unknown_exercise_has_no_attempts(admin_client: Client, path: str) -> None:
    response = admin_client.get(LIST + path)
    assert response.status_code == 200
    assert "No attempts on record." in response.content.decode()
    assert "<b>" not in response.content.decode().split('id="content"')[1]


@pytest.mark.parametrize("path", [LIST, LOOPS])
def test_exercise_pages_change_nothing(admin_client: Client, path: str) -> None:
    assert admin_client.post(path).status_code == 405


def test_the_pages_take_the_same_queries_for_few_and_many_attempts(page: Page, admin_client: Client) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(path).status_code == 200
        return len(captured)

    try_it(page, "ada", "1", WRONG)
    queries(LOOPS)  # once, Django asks for the types of its models
    few = queries(LOOPS), queries(LIST)
    for number in range(30):
        try_it(page, f"learner {number}", "x." * number + "x", {**WRONG, "input": f"add({number}, 1)"})
        try_it(page, "ada", exercise=f"loops-{number}")
    assert (queries(LOOPS), queries(LIST)) == few
    assert few[0] <= 6
    assert few[1] <= 4
