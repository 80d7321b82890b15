"""The figures that a program leaves open: shown at its end, as windows would stand on the screen then.

Costs nothing where matplotlib is not in use. `guest.program.figures`, which loads it, is imported only after a figure.
"""

from __future__ import annotations

import sys

from guest.program.shown import screen

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from types import ModuleType


def show_open_figures() -> None:
    """Show the figures that are open now, and report an error as the interpreter would."""
    if not screen.is_on:
        return
    try:
        if figures := _figures():
            figures.show_open_figures()
    except Exception as error:
        sys.excepthook(type(error), error, None)


def begin_showing() -> None:
    """Turn the screen on. Figures that are open already belong to what ran before, and are kept back."""
    try:
        if figures := _figures():
            figures.keep_open_ones_back()
    except Exception:  # noqa: S110 (the submission put it there: it may raise anything)
        pass
    screen.is_on = True


def _figures() -> ModuleType | None:
    """Return `guest.program.figures` if a figure is open."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is None or not pylab.Gcf.figs:
        return None
    from guest.program import figures

    return figures
