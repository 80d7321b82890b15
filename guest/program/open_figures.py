"""The figures that a program leaves open: shown at its end.

Costs nothing if matplotlib is not in use: `guest.program.figures` is imported only once a figure is open.
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
    try:
        if figures := _figures():
            figures.show_open_figures()
    except Exception as error:
        sys.excepthook(type(error), error, None)


def begin_showing() -> None:
    """Turn the screen on. Figures that are already open belong to the submission, and are kept back."""
    try:
        if figures := _figures():
            figures.keep_open_ones_back()
    except Exception:  # noqa: S110 (the submission may have replaced it: it may raise anything)
        pass
    screen.is_on = True


def _figures() -> ModuleType | None:
    """Return `guest.program.figures` if a figure is open."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is None or not pylab.Gcf.figs:
        return None
    from guest.program import figures

    return figures
