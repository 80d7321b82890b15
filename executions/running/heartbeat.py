"""Looks in the background whether database and cache accept what each request writes there, and who else is alive."""

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


class Heartbeat(Loop):
    """Renews the row of this process in the database. `/health` reads the last result and never blocks.

    Each beat closes the executions of dead processes and keeps their labels in `dead_owners`. It declares no process
    dead until its own row has been renewed in time for so long that every living process has renewed its own, too.
    """

    def __init__(self, every_seconds: float = BEAT_SECONDS, life_seconds: float = servers.LIFE_SECONDS) -> None:
        super().__init__("heartbeat", self.beat, every_seconds)
        self.has_database = False
        """Whether the database accepted the last write."""
        self.has_cache = False
        """Whether the cache kept the last value."""
        self.dead_owners: frozenset[str] = frozenset()
        self._seen: set[str] = set()
        self._life_seconds = life_seconds
        self._judges_at = time.monotonic() + life_seconds

    def beat(self) -> None:
        """Look once. Takes as long as a database that hangs makes a request wait."""
        self._see("cache", cache_error())
        try:
            was_on_record = servers.renew()
            self._see("database", "")
            if not was_on_record:
                self._judges_at = time.monotonic() + self._life_seconds
            elif time.monotonic() >= self._judges_at:
                servers.recover_interrupted()
                self.dead_owners = servers.dead_owners()
                self._judges_at = time.monotonic() + self._life_seconds
        except (DatabaseError, InterfaceError) as error:
            self._see("database", reason(error))
        except BaseException:
            self.has_database = False  # unknown, and this process may soon count as dead
            raise
        finally:
            connection.close()

    def _see(self, part: str, error: str) -> None:
        """Remember whether a part works, and log a change, or that it fails from the start."""
        had = self.has_cache if part == "cache" else self.has_database
        if error and (had or part not in self._seen):
            log.error("programs are refused: the %s fails: %s", part, error)
        elif not error and not had and part in self._seen:
            log.info("the %s works again", part)
        self._seen.add(part)
        if part == "cache":
            self.has_cache = not error
        else:
            self.has_database = not error


def cache_error() -> str:
    """Return why the cache does not keep a value, or "" if it does."""
    try:
        cache.set("heartbeat", "well", timeout=10)
        return "" if cache.get("heartbeat") == "well" else "it does not keep values"
    except RedisError as error:
        return str(error) or type(error).__name__
