"""The depth that a program may recurse to: as under `python main.py`, because our own frames below it do not count."""

from __future__ import annotations

import ctypes
import sys

# Saved because a submission may replace it.
_limit = sys.getrecursionlimit

FIELDS = 32


def _find_depth() -> int:
    """Return the index of `py_recursion_remaining` in `_thread_state`: `py_recursion_limit` follows it."""
    limit = _limit()
    candidates = set(range(1, FIELDS))
    for each in (limit + 7919, limit):
        sys.setrecursionlimit(each)
        candidates &= {index for index in candidates if _thread_state[index] == each}
    [index] = candidates
    return index - 1


ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
_thread_state = (ctypes.c_int * FIELDS).from_address(ctypes.pythonapi.PyThreadState_Get())
_remaining = _find_depth()


def begin_at_the_bottom() -> None:
    """Let the next call of our caller's count as the first: no frame before it does."""
    _thread_state[_remaining] = _limit() - 1
