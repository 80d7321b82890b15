"""The schema of an answer and the answer itself have the same fields."""

from dataclasses import fields
from typing import Any

import pytest
from rest_framework.serializers import Serializer

from executions.answer import Answer, CollectedFile, GroupResult, ShownImage, TestResult
from executions.api import answers
from executions.models import Execution
from executions.sandbox.results import ErrorDetail, ErrorInFile, NotCollected, Reason
from executions.sandbox.steps import Frame, Step, Trace
from tests.conftest import Page

IN_FILE = ErrorInFile("helper.py", 2, 5, 10, "    1 / 0")
DETAIL = ErrorDetail(
    "ZeroDivisionError", "division by zero", 1, 7, 12, "print(f())", "Nothing can be divided.", IN_FILE
)
IMAGE = ShownImage("png", "iVBORw==", 3, 2, None)
RESULT = TestResult(
    False,
    "❌ Test failed",
    "f()",
    "8",
    None,
    "9\n",
    False,
    "Line 1",
    DETAIL,
    "error",
    0.5,
    False,
    1.5,
    "g",
    "Look again.",
)
FRAME = Frame("f", "main.py", 2, {"x": "3"})
STEP = Step("return", 2, "3", 7, 1, (FRAME,))
TRACE = Trace((STEP,), "steps", "so far\n")
FILE = CollectedFile("out.csv", "3\n", None)
NOT_COLLECTED = NotCollected("plot.png", Reason.MISSING)
GROUP = GroupResult("g", passed=False, score=0, max_score=1.5)
ANSWER = Answer(
    "so far\n",
    "Traceback",
    DETAIL,
    execution_time=0.25,
    test_results=(RESULT,),
    score=0,
    max_score=1.5,
    groups=(GROUP,),
    status="error",
    exit_code=1,
    cpu_time=0.125,
    memory_peak_kb=9000,
    truncated=False,
    images=(IMAGE,),
    images_dropped=4,
    trace=TRACE,
    files=(FILE,),
    not_collected=(NOT_COLLECTED,),
    id="01a20721-e828-7330-892d-0b9ae5257344",
)
VALUES = [
    (answers.AnswerSerializer, ANSWER),
    (answers.TestResultSerializer, RESULT),
    (answers.ErrorDetailSerializer, DETAIL),
    (answers.ErrorInFileSerializer, IN_FILE),
    (answers.GroupResultSerializer, GROUP),
    (answers.ImageSerializer, IMAGE),
    (answers.CollectedFileSerializer, FILE),
    (answers.NotCollectedSerializer, NOT_COLLECTED),
    (answers.TraceSerializer, TRACE),
    (answers.StepSerializer, STEP),
    (answers.FrameSerializer, FRAME),
]


@pytest.mark.parametrize(("serializer", "value"), VALUES)
def test_dataclass_has_the_fields_of_its_serializer(serializer: type[Serializer[Any]], value: Any) -> None:
    assert serializer().fields.keys() == {field.name for field in fields(value)}


@pytest.mark.parametrize(("serializer", "value"), VALUES)
def test_rendering_gives_what_the_framework_would(serializer: type[Serializer[Any]], value: Any) -> None:
    assert serializer().to_representation(value) == Serializer.to_representation(serializer(), value)


def test_answer_from_the_record_has_the_fields_of_its_serializer(page: Page) -> None:
    page.run()
    assert (
        answers.StoredAnswerSerializer(Execution.objects.get()).data.keys()
        == answers.StoredAnswerSerializer().fields.keys()
    )
