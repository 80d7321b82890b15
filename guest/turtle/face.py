"""Turtle graphics. The picture is shown as an image: see docs/programs.md of the service."""

import sys
from types import FunctionType

from guest.turtle.navigator import TNavigator
from guest.turtle.pen import TPen
from guest.turtle.screens import Screen, TurtleScreen, _Screen
from guest.turtle.shapes import Shape
from guest.turtle.turtles import RawTurtle, Turtle
from guest.turtle.values import Terminator, TurtleGraphicsError, Vec2D
from guest.turtle.window import TurtleScreenBase

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Pen, RawPen = Turtle, RawTurtle

_OF_SCREEN = """
    addshape bgcolor bgpic bye clearscreen colormode delay exitonclick getshapes listen mainloop mode numinput onkey
    onkeypress onkeyrelease onscreenclick ontimer register_shape resetscreen screensize setup setworldcoordinates
    textinput title tracer turtles update window_height window_width
""".split()
_OF_TURTLE = """
    back backward begin_fill begin_poly bk circle clear clearstamp clearstamps clone color degrees distance dot down
    end_fill end_poly fd fillcolor filling forward get_poly get_shapepoly getpen getscreen getturtle goto heading
    hideturtle home ht isdown isvisible left lt onclick ondrag onrelease pd pen pencolor pendown pensize penup pos
    position pu radians reset resizemode right rt seth setheading setpos setposition settiltangle setundobuffer setx
    sety shape shapesize shapetransform shearfactor showturtle speed st stamp teleport tilt tiltangle towards turtlesize
    undo undobufferentries up width write xcor ycor
""".split()

__all__ = [
    *("Pen", "RawPen", "RawTurtle", "Screen", "Shape", "Terminator", "Turtle", "TurtleScreen", "Vec2D", "done"),
    *_OF_SCREEN,
    *_OF_TURTLE,
]


def _function(name: str, method: "Any", subject: "Callable[[], Any]") -> "Callable[..., Any]":
    # A copy under the function's own name, so that a TypeError about its arguments has no name of a class.
    own = FunctionType(method.__code__, method.__globals__, name, method.__defaults__, method.__closure__)
    own.__kwdefaults__ = method.__kwdefaults__
    own.__qualname__ = name

    def call(*args: "Any", **options: "Any") -> "Any":
        return own(subject(), *args, **options)

    call.__name__ = call.__qualname__ = name
    call.__module__ = "turtle"
    call.__doc__ = method.__doc__
    return call


# Not globals(): no frame of ours is there to be seen, and so they would be those of the program.
_here = vars(sys.modules[__name__])
for _name in _OF_SCREEN:
    _here[_name] = _function(_name, getattr(TurtleScreen, _name), Screen)
for _name in _OF_TURTLE:
    _here[_name] = _function(_name, getattr(RawTurtle, _name), Turtle.first)
done = _here["mainloop"]

_class: type
for _class in (
    *(
        RawTurtle,
        Shape,
        Terminator,
        TNavigator,
        TPen,
        Turtle,
        TurtleGraphicsError,
        TurtleScreen,
        TurtleScreenBase,
        Vec2D,
    ),
    _Screen,
):
    _class.__module__ = "turtle"
