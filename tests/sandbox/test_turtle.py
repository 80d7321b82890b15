"""`import turtle` draws as Python's own does. turtles/ has programs such as textbooks have, and their pictures.

We wrote the programs. The pictures are our own module's output, in fewer colors, and we looked at each to see that it
shows what its program draws. So they reveal a change, not a difference from Python's own turtle: GEOMETRY does that.
"""

from pathlib import Path

import pytest

from executions.sandbox.container.received_images import parse_png
from executions.sandbox.results import File, Image, RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

DIRECTORY = Path(__file__).parent / "turtles"
PROGRAMS = sorted(path.stem for path in DIRECTORY.glob("*.txt"))

# The import is hidden, so that this runs in a plain container.
COMPARE = """
exec("from P" + "IL import Image, ImageChops, ImageStat")
drawn, reference = (Image.open(name).convert("RGB") for name in ("drawn.png", "reference.png"))
assert drawn.size == reference.size, (drawn.size, reference.size)
paper = Image.new("RGB", reference.size, reference.getpixel((0, 0)))
changed, ink = (sum(ImageStat.Stat(ImageChops.difference(reference, each)).sum) for each in (drawn, paper))
print(changed / ink)
"""
SAME = 0.1
"""How much of what is drawn may differ: the references have few colors, and other versions of Pillow differ little."""


def picture(run: Runner, code: str, stdin: str = "") -> Image:
    """Return the only picture of a program that succeeds."""
    result = run(code, stdin)
    assert (result.status, result.stderr, result.images_dropped) == (RunStatus.SUCCESS, "", 0)
    [image] = result.images
    assert parse_png(image.data) == image
    return image


def difference(sandbox: Sandbox, drawn: bytes, name: str) -> float:
    """Return how much of what is in the picture of a program of a textbook is another color in `drawn`."""
    files = (File("drawn.png", drawn), File("reference.png", (DIRECTORY / f"{name}.png").read_bytes()))
    result = sandbox.execute(Submission(COMPARE, "", (), 8, files=files)).main
    assert result.status is RunStatus.SUCCESS, result.stderr
    return float(result.stdout)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_of_a_textbook_draws_its_picture(run: Runner, sandbox: Sandbox, name: str) -> None:
    image = picture(run, (DIRECTORY / f"{name}.txt").read_text())
    assert difference(sandbox, image.data, name) < SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resizemode('auto'); pensize(10)", "shapesize(2, 2, 10)"),
        ("pen(resizemode='user', stretchfactor=2)", "shapesize(2)"),
        ("mode('logo'); seth(90); tilt(90)", "rt(90)"),
        ("shapesize(3, 2); tilt(-45); shearfactor(0.5)", "pen(stretchfactor=(3, 2)); tilt(-45); shearfactor(0.5)"),
    ],
)
def test_turtle_looks_the_same_whatever_has_shaped_it(run: Runner, one: str, other: str) -> None:
    start = "from turtle import *\nshape('turtle'); "
    assert picture(run, start + one).data == picture(run, start + other).data != picture(run, start).data


def test_there_are_as_many_programs_as_promised() -> None:
    assert len(PROGRAMS) >= 25


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("square", "left(90)", "right(90)"),
        ("heart", '"red"', '"orange"'),
        ("tree", "right(20)", "right(25)"),
        ("text", "Hello", "Hullo!"),
        ("stamps", "range(30)", "range(25)"),
        ("house", "begin_fill()", "filling()"),
    ],
)
def test_changed_program_draws_another_picture(run: Runner, sandbox: Sandbox, name: str, old: str, new: str) -> None:
    code = (DIRECTORY / f"{name}.txt").read_text()
    assert old in code
    assert difference(sandbox, picture(run, code.replace(old, new)).data, name) > SAME


# Commands, and what the program sees afterwards, as in Python's own turtle
GEOMETRY = {
    "pos()": "(0.00,0.00)",
    "fd(100); lt(90); fd(50); pos()": "(100.00,50.00)",
    "bk(30); xcor()": "-30.0",
    "goto(3, 4); distance(0, 0)": "5.0",
    "goto((3, 4)); distance((0, 0))": "5.0",
    "setx(7); sety(-2); pos()": "(7.00,-2.00)",
    "rt(90); heading()": "270.0",
    "seth(400); heading()": "40.0",
    "lt(45); home(); (pos(), heading())": "((0.00,0.00), 0.0)",
    "towards(0, 10)": "90.0",
    "goto(10, 10); towards(0, 0)": "225.0",
    "towards(Turtle())": "0.0",
    "radians(); lt(1); round(heading(), 6)": "1.0",
    "degrees(400); lt(100); heading()": "100.0",
    "mode('logo'); (heading(), towards(10, 0))": "(0.0, 90.0)",
    "mode('logo'); rt(90); fd(10); pos()": "(10.00,0.00)",
    "circle(50, 180); (round(xcor(), 6) + 0, round(ycor(), 6), heading())": "(0.0, 100.0, 180.0)",
    "circle(-50, 90); (round(xcor(), 6), round(ycor(), 6), heading())": "(50.0, -50.0, 270.0)",
    "circle(50, steps=4); heading()": "0.0",
    "teleport(5); pos()": "(5.00,0.00)",
    "fd(10); lt(90); undo(); undo(); (pos(), heading())": "((0.00,0.00), 0.0)",
    "pu(); isdown()": "False",
    "width(5); pensize()": "5",
    "speed('fastest'); speed()": "0",
    "color('red', 'blue'); color()": "('red', 'blue')",
    "color(1, 0, 0); pencolor()": "(1.0, 0.0, 0.0)",
    "colormode(255); color(10, 20, 30); fillcolor()": "(10, 20, 30)",
    "begin_fill(); filling()": "True",
    "shape('turtle'); shape()": "'turtle'",
    "shapesize(2, 3); shapesize()": "(2, 3, 1)",
    "tilt(-45); tiltangle()": "315.0",
    "tilt(30); tilt(30); round(tiltangle(), 6)": "60.0",
    "tilt(90); shapetransform(); [round(each, 6) + 0 for each in shapetransform()]": "[0.0, -1.0, 1.0, 0.0]",
    "mode('logo'); tilt(90); [round(each, 6) + 0 for each in shapetransform()]": "[0.0, 1.0, -1.0, 0.0]",
    "mode('logo'); tilt(90); round(tiltangle(), 6)": "90.0",
    "degrees(400); tiltangle(-100); tiltangle()": "300.0",
    "tilt(-90); round(pen()['tilt'], 6)": "1.570796",
    "radians(); reset(); lt(1); degrees(); round(heading(), 6)": "57.29578",
    "pen(stretchfactor=2); shapesize()": "(2, 2, 1)",
    "shapesize(5, 2); shearfactor(0.5); (shearfactor(), resizemode())": "(0.5, 'user')",
    "shapesize(4, 2); shearfactor(-0.5); shapetransform()": "(4.0, -1.0, -0.0, 2.0)",
    "shape('square'); shapetransform(4, -1, 0, 2); get_shapepoly()": "((50, -20), (30, 20), (-50, 20), (-30, -20))",
    "shape('square'); resizemode('auto'); pensize(10); get_shapepoly()": (
        "((20.0, -20.0), (20.0, 20.0), (-20.0, 20.0), (-20.0, -20.0))"
    ),
    "shape('square'); tilt(45); get_shapepoly() == Turtle('square').get_shapepoly()": "False",
    "shape('blank'); get_shapepoly()": "None",
    "sorted(pen())[-3:]": "['speed', 'stretchfactor', 'tilt']",
    "resizemode('auto'); reset(); resizemode()": "'auto'",
    "ht(); isvisible()": "False",
    "(stamp(), stamp())": "(1, 2)",
    "setup(300, 200); (window_width(), window_height())": "(300, 200)",
    "bgcolor('light blue'); bgcolor()": "'light blue'",
    "tracer(0); tracer()": "0",
    "fd(10); clearscreen(); fd(7); (pos(), len(turtles()))": "((7.00,0.00), 1)",
    "clone().pos()": "(0.00,0.00)",
    "Screen() is getscreen()": "True",
    "len((Turtle(), Turtle())[0].getscreen().turtles())": "2",
    "numinput('Size', 'How many?', minval=1, maxval=9)": "7.0",
    "textinput('Name', 'Who?')": "'0'",
    "Vec2D(1, 2) + Vec2D(3, 4) * 2": "(7.00,10.00)",
}

ERRORS = {
    "color('nocolor')": "turtle.TurtleGraphicsError: bad color string: nocolor",
    "color('red', 'blue', 'green')": "TypeError: can't multiply sequence by non-int of type 'float'",
    "colormode(255); color('a', 'b', 'c')": "TypeError: '<=' not supported between instances of 'int' and 'str'",
    "shapesize('2')": "TypeError: can't multiply sequence by non-int of type 'float'",
    "shapetransform(1, 1, 1, 1)": "turtle.TurtleGraphicsError: Bad shape transform matrix: must not be singular",
    "pencolor(300, 0, 0)": "turtle.TurtleGraphicsError: bad color sequence: (300, 0, 0)",
    "bgcolor(1, 2)": "turtle.TurtleGraphicsError: bad color arguments: (1, 2)",
    "shape('cat')": "turtle.TurtleGraphicsError: There is no shape named cat",
    "mode('up')": "turtle.TurtleGraphicsError: No turtle-graphics-mode up",
    "shapesize(0)": "turtle.TurtleGraphicsError: stretch_wid/stretch_len must not be zero",
    "forward()": "TypeError: forward() missing 1 required positional argument: 'distance'",
    "forward('10')": "TypeError: can't multiply sequence by non-int of type 'float'",
    "goto('a', 1)": "TypeError: unsupported operand type(s) for -: 'str' and 'float'",
    "forwards(1)": "NameError: name 'forwards' is not defined. Did you mean: 'forward'?",
}


@pytest.mark.parametrize("commands", GEOMETRY)
def test_program_sees_what_it_would_in_pythons_own_turtle(run: Runner, commands: str) -> None:
    *first, last = commands.split("; ")
    result = run("\n".join(["from turtle import *", *first, f"print(repr({last}))"]), stdin="0\n12\n7\n")
    assert (result.stdout.split("? ")[-1], result.stderr) == (f"{GEOMETRY[commands]}\n", "")


@pytest.mark.parametrize("command", ERRORS)
def test_wrong_command_raises_what_pythons_own_would_and_shows_no_frame_of_ours(run: Runner, command: str) -> None:
    result = run(f"from turtle import *\n{command}")
    lines = result.stderr.splitlines()
    assert (lines[1], lines[-1]) == ('  File "main.py", line 2, in <module>', ERRORS[command])
    assert result.stderr.count("File ") == 1


# When the picture is shown


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import turtle", 0),
        ("import turtle\nturtle.fd(9)", 1),
        ("import turtle\nturtle.fd(9)\nturtle.done()\nturtle.done()", 1),
        ("import turtle\nturtle.fd(9)\nturtle.done()\nturtle.fd(9)", 2),
        ("import turtle\nturtle.fd(9)\n1 / 0", 1),
        ("import sys, turtle\nturtle.fd(9)\nsys.exit()", 1),
        ("import turtle\nturtle.fd(9)\nturtle.done()\nwhile True: pass", 1),
    ],
)
def test_picture_is_shown_once(run: Runner, code: str, count: int) -> None:
    assert len(run(code, timeout_seconds=2).images) == count


def test_test_case_shows_what_it_draws_itself(run: Runner) -> None:
    tests = [TestProgram(code="draw()"), TestProgram(code="print(1)"), TestProgram(code="draw()", hidden=True)]
    outcome = run.tests("import turtle\ndef draw(): turtle.fd(50)\ndraw()", *tests)
    assert [len(each.images) for each in outcome.runs] == [1, 1, 0, 0]


def test_timers_run_in_their_order_and_end(run: Runner) -> None:
    code = (
        "import turtle\nfor name, t in (('b', 20), ('a', 10)): turtle.ontimer(lambda name=name: print(name), t)\n"
        "count = 0\ndef tick():\n    global count\n    count += 1\n    turtle.ontimer(tick)\n"
        "turtle.ontimer(tick, 30)\nturtle.onkey(tick, 'Up')\nturtle.listen()\nturtle.mainloop()\nprint(count)"
    )
    assert run(code).stdout == "a\nb\n998\n"


def test_module_of_the_program_named_turtle_is_its_own(sandbox: Sandbox) -> None:
    files = (File("turtle.py", b"def forward(steps): print(steps)"),)
    result = sandbox.execute(Submission("import turtle\nturtle.forward(3)", "", (), 8, files=files)).main
    assert (result.stdout, result.images) == ("3\n", ())


# What hostile programs do


@pytest.mark.parametrize(
    "code",
    [
        "setup(10**9, 10**9); dot(10**9)",
        "goto(1e308, 1e308); goto(-1e308, 1); goto(float('nan'), float('inf')); goto(0, 0); fd(9)",
        "begin_fill(); goto(1e308, 0); goto(0, 1e308); goto(-1e308, -5); end_fill()",
        "pensize(10**9); fd(10**9); circle(10**12)",
        "write('x' * 10**6, font=('Arial', 10**6)); write('\\n' * 10**6)",
        "shapesize(10**9, 10**9, 10**9); stamp()",
        "setworldcoordinates(0, 0, 1e-300, 1e-300); goto(1, 1)",
        "tracer(0)\nfor n in range(60_000): pencolor('red' if n % 2 else 'blue'); fd(n % 300); lt(91)",
    ],
)
def test_huge_drawing_stays_within_bounds(run: Runner, code: str) -> None:
    image = picture(run, f"from turtle import *\n{code}")
    assert image.width <= 2000
    assert image.height <= 2000
