"""What turtles draw comes stroke by stroke to someone who watches, and to nobody else."""

from typing import Any

import pytest

from executions.sandbox.console import Drawn, Ended, Printed, Shown
from executions.sandbox.results import Run, RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.strokes import Stroke
from guest import protocol
from tests.sandbox.conftest import Runner
from tests.sandbox.test_received_strokes import line
from tests.sandbox.watching import Watched

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

ON_WHITE = Stroke("clear", "#ffffff", 0, (800, 600))


def watch(sandbox: Sandbox, code: str, **options: Any) -> tuple[list[Stroke], Run, Watched]:
    watched = Watched(sandbox, code, is_interactive=False, **options)
    run = watched.finish().main
    return [stroke for event in watched.events if isinstance(event, Drawn) for stroke in event.strokes], run, watched


def lines(strokes: list[Stroke]) -> list[tuple[float, ...]]:
    return [stroke.points for stroke in strokes if stroke.kind == "line"]


def test_each_kind_of_stroke_comes_in_its_place(sandbox: Sandbox) -> None:
    code = """
import turtle
turtle.setup(200, 100)
turtle.bgcolor("navy")
turtle.pensize(3)
turtle.color("red", "#00ff00")
turtle.forward(50)
turtle.dot(10, "blue")
turtle.penup()
turtle.goto(-20, 10)
turtle.write("Ada\\nBob", align="center", font=("Arial", 12, "normal"))
"""
    strokes, run, _ = watch(sandbox, code)
    assert (run.status, len(run.images)) == (RunStatus.SUCCESS, 1)
    assert strokes == [
        Stroke("clear", "#000080", 0, (200, 100)),
        Stroke("line", "#ff0000", 3, (100, 50, 150, 50)),
        Stroke("dot", "#0000ff", 10, (150, 50)),
        Stroke("text", "#ff0000", 16, (80, 40), "Bob", "center"),
        Stroke("text", "#ff0000", 16, (80, 20.8), "Ada", "center"),
    ]


def test_a_line_goes_on_and_an_area_lies_below_its_outline(sandbox: Sandbox) -> None:
    code = """
from turtle import *
begin_fill()
forward(10)
left(90)
forward(10)
fillcolor("yellow")
end_fill()
"""
    strokes, _, _ = watch(sandbox, code)
    assert strokes == [
        ON_WHITE,
        Stroke("line", "#000000", 1, (400, 300, 410, 300)),
        Stroke("line", "#000000", 1, (410, 300, 410, 290)),
        Stroke("area", "#ffff00", 0, (400, 300, 410, 300, 410, 290)),
        Stroke("line", "#000000", 1, (400, 300, 410, 300, 410, 290)),
    ]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("undo()", [(400, 300, 410, 300)]),
        ("clear()", []),
        ("reset()", []),
        ("clearscreen()", []),
        ("clearstamps()", [(400, 300, 410, 300, 420, 300)]),
    ],
)
def test_what_is_taken_away_is_drawn_no_more(sandbox: Sandbox, change: str, left: list[Any]) -> None:
    stamp = "stamp()\n" if change == "clearstamps()" else ""
    code = f"from turtle import *\nforward(10)\nforward(10)\n{stamp}{change}\npenup()\nhome()\ndot(7)\n"
    strokes, _, _ = watch(sandbox, code)
    *_, begins = [at for at, stroke in enumerate(strokes) if stroke.kind == "clear"]
    assert strokes[begins] == ON_WHITE
    assert begins > 0
    assert (lines(strokes[begins:]), strokes[-1].kind) == (left, "dot")


@pytest.mark.parametrize("change", ["bgcolor('pink')", "setup(300, 300)", "setworldcoordinates(0, 0, 10, 10)"])
def test_another_sheet_has_what_was_on_the_last(sandbox: Sandbox, change: str) -> None:
    reset = "forward(1)\n" if "world" in change else ""
    code = f"from turtle import *\nforward(10)\n{change}\n{reset}dot(7)\n"
    strokes, _, _ = watch(sandbox, code)
    assert [stroke.kind for stroke in strokes].count("clear") == 2
    assert [stroke.kind for stroke in strokes[-2:]] == ["line", "dot"]


def test_strokes_come_before_the_program_ends(sandbox: Sandbox) -> None:
    code = "import turtle, time\nturtle.forward(10)\ntime.sleep(0.5)\nprint('awake')\n"
    _, _, watched = watch(sandbox, code)
    kinds = [type(event) for event in watched.events]
    assert kinds.index(Drawn) < kinds.index(Printed) < kinds.index(Shown) < kinds.index(Ended)


def test_nobody_watches_a_test(sandbox: Sandbox) -> None:
    code = "import turtle\ndef draw():\n    turtle.forward(10)\ndraw()\n"
    tests = [TestProgram(code="draw()"), TestProgram(stdin="")]
    strokes, _, _ = watch(sandbox, code, tests=tests)
    assert len(strokes) == 2


def test_without_a_watcher_no_stroke_is_written(run: Runner) -> None:
    """The program looks for itself: what it would find is what would be sent."""
    code = "import turtle\nfrom guest.program import shown\nturtle.forward(10)\nprint(shown.screen.strokes)\n"
    assert run(code).stdout == "None\n"


def test_a_flood_of_strokes_is_cut_and_loses_nothing_else(sandbox: Sandbox) -> None:
    code = "from turtle import *\nfor n in range(7_000):\n    forward(1)\n    dot(3)\nprint('done')\n"
    strokes, run, watched = watch(sandbox, code)
    assert (run.status, run.stdout, len(run.images)) == (RunStatus.SUCCESS, "done\n", 1)
    written = sum(len(line([s.kind, s.color, s.width, s.points, s.text, s.align])) for s in strokes)
    assert protocol.TRACE_BYTES * 0.8 < written <= protocol.TRACE_BYTES
    assert all(len(event.strokes) < 2_000 for event in watched.events if isinstance(event, Drawn))


@pytest.mark.parametrize(
    "forge",
    [
        "strokes.put(b'nonsense\\n')",
        "strokes.put(b'[' * 50_000 + b'\\n')",
        "strokes.view[:] = b'\\xff' * len(strokes.view)",
        'strokes.put(b\'["line", "#ff0000", 1, [0, 0, 1e300, 0], "", "left"]\\n\')',
        "[strokes.put(b'[]') for _ in range(300_000)]",
        "strokes.view[:5] = b'\\0\\0\\0\\0\\0'",
    ],
)
def test_a_program_that_writes_the_strokes_itself_keeps_its_answer(sandbox: Sandbox, forge: str) -> None:
    code = f"""
import turtle, time
from guest.program.shown import screen
strokes = screen.strokes
turtle.forward(10)
time.sleep(0.2)
{forge}
turtle.forward(10)
time.sleep(0.2)
print("done")
"""
    strokes, run, _ = watch(sandbox, code)
    assert (run.status, run.stdout, run.stderr, len(run.images)) == (RunStatus.SUCCESS, "done\n", "", 1)
    assert strokes[:2] == [ON_WHITE, Stroke("line", "#000000", 1, (400, 300, 410, 300))]
    assert len(strokes) <= 3
