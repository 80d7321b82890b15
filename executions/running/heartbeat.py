"""Checks in the background that database and cache accept what each request writes, and which processes are alive."""

import logging
import time

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from redis.exceptions import RedisError

from executions.records import servers
from executions.records.late_records import reason
from executions.threads import Loop

BEAT_SECONDS = 5.0

log = logging.getLogger(__name__)


class Part:
    """A part that each request needs. Until it has been checked, it counts as not working."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.works = False
        """Whether it has accepted the last write."""
        self._is_known = False

    def note(self, error: str) -> None:
        """Note why it fails, or "" if it works. Log a change, or that it fails from the start."""
        if error and (self.works or not self._is_known):
            log.error("programs are refused: the %s fails: %s", self.name, error)
        elif not error and not self.works and self._is_known:
            log.info("the %s works again", self.name)
        self.works, self._is_known = not error, True


class Heartbeat(Loop):
    """Renews the row of this process in the database. `/health` reads the last result and never blocks.

    Every `life_seconds` it closes the executions of dead processes and notes their labels in `dead_owners`. It declares
    no process dead until it has renewed its own row for `life_seconds`, so that all others have had time to renew
    theirs.
    """

    def __init__(self, every_seconds: float = BEAT_SECONDS, life_seconds: float = servers.LIFE_SECONDS) -> None:
        super().__init__("heartbeat", self.beat, every_seconds)
        self.database, self.cache = Part("database"), Part("cache")
        self.dead_owners: frozenset[str] = frozenset()
        self.may_judge = False
        """Whether those that count as dead are: all living ones have had the time to say so."""
        self._life_seconds = life_seconds
        self._judges_at = time.monotonic() + life_seconds

    def beat(self) -> None:
        """Check once. If the database hangs, this takes as long as a request would wait."""
        self.cache.note(cache_error())
        try:
            was_on_record = servers.renew()
            self.database.note("")
            if not was_on_record:
                self.may_judge = False
                self._judges_at = time.monotonic() + self._life_seconds
            elif time.monotonic() >= self._judges_at:
                self.may_judge = True
                servers.recover_interrupted()
                self.dead_owners = servers.dead_owners()
                self._judges_at = time.monotonic() + self._life_seconds
        except (DatabaseError, InterfaceError) as error:
            self.may_judge = False
            self.database.note(reason(error))
        except BaseException:  # nothing is known about the database now, and this process may soon count as dead
            self.may_judge = self.database.works = False
            raise
        finally:
            connection.close()


def cache_error() -> str:
    """Return why the cache does not keep a value, or "" if it does."""
    try:
        cache.set("heartbeat", "well", timeout=10)
        return "" if cache.get("heartbeat") == "well" else "it does not keep values"
    except RedisError as error:
        return str(error) or type(error).__name__
