"""The backend of matplotlib (MPLBACKEND): a figure that would open in a window is shown as an image."""

from __future__ import annotations

from functools import partial

from matplotlib import is_interactive
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from guest.program.shown import screen


class FigureManager(FigureManagerBase):  # type: ignore[misc]
    """A window that never opens. It is closed once the program has shown it, as if by a person."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Show all open figures; in interactive mode, where show() does not block, only at the end of the program."""
        if block or (block is None and not is_interactive()):
            show_open()

    def show(self) -> None:
        """Leave it open: it is shown at the end of the program, in its final state."""


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc]
    """The canvas that figures are drawn on."""

    manager_class = FigureManager


_kept_back: list[FigureManagerBase] = []
"""The figures that were open when a test's own part began."""


def keep_open_back() -> None:
    """Do not show the figures that are open now, unless something more is drawn on them."""
    _kept_back[:] = Gcf.get_all_fig_managers()
    for manager in _kept_back:
        manager.canvas.figure.stale = False


def show_open() -> None:
    """Show and close all figures of pyplot, of any backend, except those that are kept back.

    If one cannot be drawn, the others are still shown, and the first such error is raised at the end.
    """
    errors = []
    for manager in sorted(Gcf.get_all_fig_managers(), key=lambda manager: manager.num):
        figure = manager.canvas.figure
        if manager in _kept_back and not figure.stale:
            continue
        try:
            if "draw_event" in manager.canvas.callbacks.callbacks:
                manager.canvas.draw()  # as a window would: an animation draws its first frame then, not when saved
            screen.show(partial(figure.savefig, format="png"))
        except Exception as error:
            errors.append(error)
        finally:
            Gcf.destroy(manager)
    if errors:
        raise errors[0]
