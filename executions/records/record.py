"""The records of executions: made before anything runs, and finished once, with all that follows from the end."""

import hashlib
import logging
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.utils import timezone
from prometheus_client import Counter, Histogram

from apikeys.models import ApiKey
from apikeys.quotas import Account, Use, charge, check_quotas, lock_use
from executions.bounds import LONGEST_TIMEOUT_SECONDS
from executions.models import Execution, ExecutionFlag
from executions.records.flags import find_flags
from executions.records.late_records import late_records, reason
from executions.request import ExecutionRequest
from executions.sandbox.profiles import LOADING_SECONDS
from executions.sandbox.results import Outcome

FINAL_UPDATE_PAUSES_SECONDS = (0.1, 0.5)
"""Between the attempts to record a result that is already known, while a learner waits for it."""

LONGEST_EXECUTION = timedelta(seconds=60)
"""From the record to its end, with the longest wait for a container that the settings allow, and without a person."""
assert LONGEST_EXECUTION.total_seconds() > 30 + LOADING_SECONDS + LONGEST_TIMEOUT_SECONDS  # noqa: S101

# Asked for each request, so in SQL that is ready made (see `apikeys.admission`).
COUNT_RUNNING = (
    "SELECT count(*) FROM executions_execution e JOIN apikeys_apikey k ON k.id = e.key_id"
    " WHERE e.status = 'running' AND k.family = %s AND e.created > %s"
)

EXECUTIONS = Counter(
    "codeexec_executions",
    "Executions by how they ended: the statuses of the API, refused (no container came) and internal_error (lost).",
    ["status"],
)
WAITING = Histogram(
    "codeexec_waiting_seconds",
    "How long executions that ran had waited for a container.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RUNNING = Histogram(
    "codeexec_running_seconds",
    "How long executions ran, test cases included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10),
)

log = logging.getLogger(__name__)

for each in Execution.Status:  # a rate begins with a 0 that was there before
    EXECUTIONS.labels(each)


@dataclass(frozen=True, slots=True)
class Charged:
    """An execution, the account that pays for it, and what that had used before."""

    account: Account
    use: Use


def begin(request: ExecutionRequest, account: Account, origin: str, address: str | None) -> tuple[Execution, Charged]:
    """Record an execution as running, if the quotas of the account leave room for it. Raises LimitReached."""
    with transaction.atomic():
        use = lock_use(account)
        check_quotas(account, use, _running(account.key))
        execution = create(request, key=account.key, learner=request.learner, origin=origin, client_address=address)
    return execution, Charged(account, use)


def create(request: ExecutionRequest, **source: Any) -> Execution:
    """Record an execution as running. `source` are the columns that say where it comes from."""
    cases = request.test_cases
    return Execution.objects.create(
        code=request.code,
        code_hash=hashlib.sha256(request.code.encode()).hexdigest(),
        input_data=request.input_data,
        test_cases=None if cases is None else [asdict(case) for case in cases],
        timeout=request.timeout,
        **source,
    )


def finish(
    execution: Execution, values: dict[str, Any], outcome: Outcome | None = None, charged: Charged | None = None
) -> None:
    """Record what came of an execution, once. A database that is away loses nothing: see `late_records`.

    With `charged`, the account pays for what ran, and flags are looked for, in the same transaction.
    """
    _count(values["status"], outcome)
    finished = timezone.now()

    def record() -> None:
        with transaction.atomic():
            _finish(execution, {**values, "finished": finished}, outcome, charged)

    for pause_seconds in (*FINAL_UPDATE_PAUSES_SECONDS, None):
        try:
            record()
            return
        except (DatabaseError, InterfaceError) as error:
            if pause_seconds is None:
                if not late_records.add(str(execution.public_id), record):
                    log.error("the result of %s is not on record: %s", execution.public_id, reason(error))
                return
            log.warning("recording %s again in %s s: %s", execution.public_id, pause_seconds, reason(error))
            time.sleep(pause_seconds)
            close_old_connections()


def _count(status: str, outcome: Outcome | None) -> None:
    EXECUTIONS.labels(status).inc()
    if outcome is not None:
        WAITING.observe(outcome.waited_seconds)
        RUNNING.observe(sum(run.wall_seconds for run in outcome.runs))


def _finish(execution: Execution, values: dict[str, Any], outcome: Outcome | None, charged: Charged | None) -> None:
    # Whoever comes second finds `finished` set, and changes nothing.
    if not Execution.objects.filter(pk=execution.pk, finished=None).update(**values):
        log.error("%s was finished already", execution.public_id)
        return
    if outcome is not None and charged is not None:
        charge(charged.account, outcome.cpu_seconds)
        kinds = find_flags(execution, outcome, charged.account, charged.use)
        ExecutionFlag.objects.bulk_create(ExecutionFlag(execution=execution, kind=kind) for kind in kinds)


def _running(key: ApiKey) -> int:
    """Return how many executions of the key's family have no end on record yet."""
    # One whose end could not be recorded must not count for ever.
    longest = LONGEST_EXECUTION + timedelta(seconds=settings.SANDBOX_INPUT_SECONDS_IN_ALL)
    begun = connection.ops.adapt_datetimefield_value(timezone.now() - longest)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_RUNNING, (key.family_in_sql(), begun))
        return int(cursor.fetchone()[0])
