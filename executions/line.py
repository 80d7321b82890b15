"""A line in which parties take turns, so that nobody's many requests delay another's first."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar


class Waiting(Protocol):
    """One who waits in line; two are the same only if they are one object."""

    @property
    def party(self) -> tuple[str, str, str]:
        """Who it is, in three nested levels."""


W = TypeVar("W", bound=Waiting)


class Line(Generic[W]):
    """Callers in line. The keys take turns, then the callers of a key, then the learners that one claims to be.

    So one learner's loop of requests never delays another's first; requests of one party stay in order. Each change
    costs the same however long the line is.
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[Any, Any] = OrderedDict()
        """By the names of a party, one in the other; the innermost has those who wait."""
        self._ahead: deque[W] = deque()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, waiting: W) -> None:
        """Let a caller join the line."""
        turns = self._turns
        for name in waiting.party:
            turns = turns.setdefault(name, OrderedDict())
        turns[waiting] = None
        self._length += 1

    def put_ahead(self, waiting: W) -> None:
        """Let a caller be the next, whose turn it has been already."""
        self._ahead.append(waiting)
        self._length += 1

    def pop(self, may_start: Callable[[W], bool] = lambda _: True) -> W | None:
        """Remove and return who was put ahead, or the first in turn who `may_start`; None if nobody may."""
        if self._ahead:
            self._length -= 1
            return self._ahead.popleft()
        for waiting in self._firsts():
            if may_start(waiting):
                self._take_turn(waiting)
                return waiting
        return None

    def _firsts(self) -> Iterator[W]:
        """Yield the first of each caller, in turn."""
        for callers in self._turns.values():
            for claimed in callers.values():
                yield next(iter(next(iter(claimed.values()))))

    def _take_turn(self, waiting: W) -> None:
        self.discard(waiting)
        turns = self._turns
        for name in waiting.party:
            if name not in turns:
                break
            turns.move_to_end(name)
            turns = turns[name]

    def discard(self, waiting: W) -> None:
        """Remove a caller who gives up, if it is in this line."""
        if waiting in self._ahead:
            self._ahead.remove(waiting)
        elif not _remove(self._turns, (*waiting.party, waiting)):
            return
        self._length -= 1


def _remove(turns: OrderedDict[Any, Any], path: tuple[Any, ...]) -> bool:
    """Remove what `path` leads to, and what is empty then; return whether there was something."""
    first, *rest = path
    if first not in turns or (rest and not _remove(turns[first], tuple(rest))):
        return False
    if not turns[first]:
        del turns[first]
    return True
