"""Whose containers nobody needs any more, on any engine: kept in Redis, as workers have no database."""

import logging

from redis.exceptions import RedisError

from executions.cluster.board import Board
from executions.threads import Loop

LOOK_SECONDS = 10.0

log = logging.getLogger(__name__)


class Owners(Loop):
    """Notes that the worker `owner` is alive, and which others have been silent for `longest_seconds`.

    That is longer than any program runs.
    """

    def __init__(self, board: Board, owner: str, longest_seconds: float) -> None:
        super().__init__("owners", self.look, LOOK_SECONDS)
        self.dead: frozenset[str] = frozenset()
        self._board = board
        self._owner = owner
        self._longest_seconds = longest_seconds

    def look(self) -> None:
        """Look once."""
        try:
            self._board.show_owner(self._owner)
            self.dead = self._board.dead_owners(self._longest_seconds)
        except RedisError as error:
            log.warning("Redis does not say which workers are dead: %s", error)
