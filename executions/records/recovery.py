"""Settles the records of executions whose process died with them."""

import logging

from executions.models import Execution

log = logging.getLogger(__name__)


def recover_interrupted() -> int:
    """Turn what is still `running` at a start into `internal_error`; return how many there were.

    A predecessor that is still draining may have some of them in hand: `finished` stays empty, and so its final
    update still finds them (`executions.running.service`).
    """
    count = Execution.objects.filter(status=Execution.Status.RUNNING).update(
        status=Execution.Status.INTERNAL_ERROR, error="The service was interrupted while this program ran."
    )
    if count:
        log.warning("%d executions had been interrupted", count)
    return count
