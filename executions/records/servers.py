"""Which processes of the service are alive: each renews its row in the database, and is dead when it no longer does.

All times are the database's, so that clocks need not agree. docs/decisions/0033-heartbeats.md has the reasons.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from executions.configuration import longest_execution
from executions.models import Execution, Server
from executions.owner import REMEMBERED_FOR, Owner
from executions.records.record import EXECUTIONS

LIFE_SECONDS = 30
"""How long a server counts as alive after its last heartbeat: five of them, and the longest time that one may take."""

log = logging.getLogger(__name__)


def renew() -> bool:
    """Record that this process is alive; return whether it had been on record all the time.

    After half of its life it no longer counts as such: another server may have been silent for a little longer, because
    the database was down, and has not been able to renew its row yet. Raises DatabaseError.
    """
    owner = Owner.of_this_process()
    row = Server.objects.filter(id=owner.id)
    if row.filter(seen__gt=Now() - timedelta(seconds=LIFE_SECONDS / 2)).update(seen=Now()):
        return True
    if not row.update(seen=Now()):
        Server.objects.create(
            id=owner.id, owner=str(owner), secret_key=key_fingerprint(settings.SECRET_KEY), seen=Now()
        )
    return False


def key_fingerprint(secret_key: str) -> str:
    """Return a value that tells two values of SECRET_KEY apart and reveals nothing about either."""
    return salted_hmac("executions.Server", "", secret=secret_key, algorithm="sha256").hexdigest()[:16]


def living() -> list[Server]:
    """Return the servers that are alive. Raises DatabaseError."""
    return list(Server.objects.filter(seen__gt=Now() - timedelta(seconds=LIFE_SECONDS)))


def dead_owners() -> frozenset[str]:
    """Return the labels of the owners whose containers nobody needs. Raises DatabaseError.

    A server that is alive but cannot reach the database begins no execution. So it has no program running by now.
    """
    longest = longest_execution() + timedelta(seconds=LIFE_SECONDS)
    return frozenset(Server.objects.filter(seen__lt=Now() - longest).values_list("owner", flat=True))


def recover_interrupted() -> int:
    """Turn executions still `running` whose server is dead into `internal_error`; return how many there were.

    A server that only seemed dead may yet finish some of them: `finished` stays empty, so that its final update finds
    them. Raises DatabaseError.
    """
    alive = [server.id for server in living()]
    count = (
        Execution.objects.filter(status=Execution.Status.RUNNING)
        .exclude(server__in=alive)
        .update(status=Execution.Status.INTERNAL_ERROR, error="The service was interrupted while this program ran.")
    )
    if count:
        EXECUTIONS.labels(Execution.Status.INTERNAL_ERROR).inc(count)
        log.error("%d executions were interrupted: their process is gone", count)
    return count


def forget_dead() -> None:
    """Delete the rows of servers that died long ago. Raises DatabaseError."""
    Server.objects.filter(seen__lt=Now() - REMEMBERED_FOR).delete()
