"""The figures that a program leaves open, and the picture of its turtles: shown at its end.

Costs nothing if neither is in use: `guest.program.figures` is imported only once a figure is open.
"""

from __future__ import annotations

import sys

from guest.program.shown import screen

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from types import ModuleType


def show_open_figures() -> None:
    """Show the figures that are open now; report an error as the interpreter would."""
    if not screen.is_on:
        return
    for find in (_turtles, _figures):
        try:
            if source := find():
                source.show_open()
        except Exception as error:
            sys.excepthook(type(error), error, None)


def begin_showing() -> None:
    """Turn the screen on. What is already open or drawn belongs to the submission, and is kept back."""
    try:
        for find in (_turtles, _figures):
            if source := find():
                source.keep_open_back()
    except Exception:  # noqa: S110 (the submission may have replaced it: it may raise anything)
        pass
    screen.is_on = True


def _turtles() -> ModuleType | None:
    """Return the module of the turtles' screen if the program has imported `turtle`, and not one of its own."""
    return sys.modules.get("guest.turtle.screens")


def _figures() -> ModuleType | None:
    """Return `guest.program.figures` if a figure is open."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is None or not pylab.Gcf.figs:
        return None
    from guest.program import figures

    return figures
