"""The packages that a container of the science profile loads before a program arrives: once, for all its children."""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD = -3  # as in malloc.h
LARGE_BYTES = 1024 * 1024


def load() -> None:
    """Load numpy, pandas, matplotlib and Pillow, and draw once, because the first figure loads more.

    Takes a second of CPU time, and so four seconds on a quarter of a CPU.
    """
    # Give an array's memory back as soon as it is freed: otherwise malloc keeps up to 32 MB of it for later.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    gc.disable()  # none of this is garbage, and looking for garbage would take a tenth of the time
    import pandas
    from matplotlib import pyplot
    from PIL import ImageShow  # noqa: F401

    axes = pandas.DataFrame({"y": [0, 1]}).plot()
    axes.figure.savefig(_Nowhere(), format="png")
    pyplot.close("all")
    gc.freeze()
    gc.enable()


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass
