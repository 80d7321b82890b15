"""The records of executions: created before anything runs, and finished once, with the charge and the flags."""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import Counter, Histogram

from apikeys.models import ApiKey
from apikeys.quotas import Account, Running, RunningGroup, Use, charge
from apikeys.shares import names_of
from executions.answer import ECHOES, Answer, TestResult
from executions.configuration import longest_execution
from executions.models import Attempt, Execution, ExecutionFlag, Webhook
from executions.owner import Owner
from executions.records.attempts import attempt_of
from executions.records.flags import find_flags
from executions.records.kept import NOTHING, Bulk, keep
from executions.records.late_records import NEVER, LateRecords, reason
from executions.request import ExecutionRequest, SentFile, TestCase, files_of
from executions.sandbox.results import Outcome, Party
from web.notation import parse_webhook

COLUMNS = "output error execution_time status exit_code cpu_time memory_peak_kb truncated".split()
"""What a record takes from the answer unchanged."""

RESULT_FIELDS = [field.name for field in fields(TestResult) if field.name not in ECHOES]
"""What a record keeps of a test result."""

CASE = [field.name for field in fields(TestCase)]
"""What a record keeps of a test case."""

# Needed for each request, so written as SQL (see `apikeys.authentication`).
RUNNING_NOW = (
    "SELECT e.learner, e.client_address, count(*), min(e.created), max(e.timeout)"
    " FROM executions_execution e JOIN apikeys_apikey k ON k.id = e.key_id"
    " WHERE e.status = 'running' AND k.family = %s AND e.created > %s GROUP BY e.learner, e.client_address"
)

ADD_FILE = "INSERT INTO executions_executionfile (execution_id, name, text, base64) VALUES (%s, %s, %s, %s)"

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

for each in Execution.Status:  # a rate needs the 0 before the first execution
    EXECUTIONS.labels(each)


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that pays for an execution, and what it had used before."""

    account: Account
    use: Use

    @property
    def party(self) -> Party:
        """Whose turn its submission takes."""
        return Party(str(self.account.key.family), *self.account.names)


@transaction.atomic(savepoint=False)
def create(request: ExecutionRequest, **source: Any) -> Execution:
    """Record an execution as running, with its files and its webhook, in one transaction.

    `source` holds the columns that say where it comes from.
    """
    cases = request.test_cases
    execution = Execution.objects.create(
        server=Owner.of_this_process().id,
        code=request.code,
        code_hash=hashlib.sha256(request.code.encode()).hexdigest(),
        input_data=request.input_data,
        test_cases=None if cases is None else [_recorded(case) for case in cases],
        timeout=request.timeout,
        exercise=request.exercise or None,
        **source,
    )
    if request.files:
        with connection.cursor() as cursor:
            rows = [(execution.pk, file.name, file.text, file.base64) for file in request.files]
            cursor.executemany(ADD_FILE, rows)
    if request.webhook:
        host, _ = parse_webhook(request.webhook)
        Webhook.objects.create(execution=execution, url=request.webhook, host=host, next_attempt=Now())
    return execution


def _recorded(case: TestCase) -> dict[str, Any]:
    """Return a test case as JSON. `asdict` would copy each of its twenty values."""
    values = {name: getattr(case, name) for name in CASE}
    return values | {name: [asdict(each) for each in values[name]] for name in ("files", "defines")}


def request_of(execution: Execution) -> ExecutionRequest:
    """Return the request on record, to run again: in English, not interactive, without learner, exercise, webhook.

    Nothing is traced or collected.
    """
    cases = execution.test_cases
    return ExecutionRequest(
        code=execution.code,
        input_data=execution.input_data,
        test_cases=None if cases is None else tuple(TestCase.of(case) for case in cases),
        timeout=execution.timeout,
        files=_files(execution),
    )


def _files(execution: Execution) -> tuple[SentFile, ...]:
    rows = execution.sent_files.all()
    return files_of(execution.files) or tuple(SentFile(row.name, row.text, row.base64) for row in rows)


def finish(
    execution: Execution,
    answer: Answer,
    outcome: Outcome,
    late_records: LateRecords,
    payer: Payer | None = None,
    typed: str = "",
    is_kept: bool = False,
) -> None:
    """Record the answer of an execution, once, and the input that was `typed`.

    With a `payer`, charge its account and look for flags in the same transaction. If it `is_kept`, also keep for a
    while what has no column.
    """
    EXECUTIONS.labels(answer.status).inc()
    WAITING.observe(outcome.waited_seconds)
    RUNNING.observe(sum(run.wall_seconds for run in outcome.all_runs))
    values = {name: getattr(answer, name) for name in COLUMNS} | {
        "error_detail": None if answer.error_detail is None else asdict(answer.error_detail),
        "test_results": None if answer.test_results is None else [_kept(each) for each in answer.test_results],
        "waited_seconds": outcome.waited_seconds,
        "total_cpu_seconds": outcome.cpu_seconds,
        "container": outcome.container or None,
        "submission_number": outcome.submission_number,
        "finished": timezone.now(),
    }
    if typed:
        values["input_data"] = execution.input_data + typed
    attempt = attempt_of(execution, values)
    bulk = Bulk.of(answer) if is_kept else NOTHING
    end = partial(_write_end_or_loss, execution, values, outcome, payer, attempt, bulk)
    late_records.record(str(execution.public_id), end)


def fail(execution: Execution, status: Execution.Status, sentence: str, late_records: LateRecords) -> None:
    """Record that an execution did not run, or that its run was lost. Nobody pays for it."""
    EXECUTIONS.labels(status).inc()
    values = {"status": status, "error": sentence, "finished": timezone.now()}
    late_records.record(str(execution.public_id), partial(_write_end, execution, values))


def fail_all(executions: Collection[int], status: Execution.Status, sentence: str) -> None:
    """Record that none of the executions with these primary keys ran. Raises DatabaseError."""
    values = {"status": status, "error": sentence, "finished": timezone.now()}
    EXECUTIONS.labels(status).inc(Execution.objects.filter(pk__in=executions, finished=None).update(**values))


def _kept(result: TestResult) -> dict[str, Any]:
    """Return what a record keeps of a result: the recorded test case has the rest."""
    kept = {name: getattr(result, name) for name in RESULT_FIELDS}
    if result.error_detail is not None:
        kept["error_detail"] = asdict(result.error_detail)
    if result.methods is not None:
        kept["methods"] = [asdict(method) for method in result.methods]
    return kept


def _write_end_or_loss(execution: Execution, values: dict[str, Any], *others: Any) -> None:
    """Write the end of an execution. If that can never succeed, write that it is lost: nothing may run forever."""
    lost = {"status": Execution.Status.INTERNAL_ERROR, "error": "The result was lost.", "finished": values["finished"]}
    try:
        _write_end(execution, values, *others)
    except NEVER as error:
        log.error("the result of %s was not recorded: %s", execution.public_id, reason(error))
        _write_end(execution, lost)
    except (DatabaseError, InterfaceError):  # it may succeed later
        raise
    except Exception:  # an error of ours, which another attempt would meet again
        _write_end(execution, lost)
        raise


def _write_end(
    execution: Execution,
    values: dict[str, Any],
    outcome: Outcome | None = None,
    payer: Payer | None = None,
    attempt: Attempt | None = None,
    bulk: Bulk = NOTHING,
) -> None:
    with transaction.atomic():
        # A second writer finds `finished` set and changes nothing.
        if not _update_unfinished(execution, values):
            log.error("%s was finished already, or erased", execution.public_id)
            return
        if attempt is not None:
            attempt.save(force_insert=True)
        keep(execution, bulk)
        if outcome is not None and payer is not None:
            kinds = find_flags(execution, outcome, payer.account, payer.use)
            ExecutionFlag.objects.bulk_create(ExecutionFlag(execution=execution, kind=kind) for kind in kinds)
            charge(payer.account, outcome.cpu_seconds)  # last: it holds the lock that the family's requests wait for


def _update_unfinished(execution: Execution, values: dict[str, Any]) -> bool:
    """Write columns of the row, and return whether it was unfinished. In SQL, as above."""
    columns: list[Any] = [Execution._meta.get_field(name) for name in values]
    written = [column.get_db_prep_save(values[column.name], connection) for column in columns]
    assignments = ", ".join(f"{column.column} = %s" for column in columns)
    update = f"UPDATE executions_execution SET {assignments} WHERE id = %s AND finished IS NULL"  # noqa: S608 (names)
    with connection.cursor() as cursor:
        cursor.execute(update, (*written, execution.pk))
        return bool(cursor.rowcount)


def find_running(key: ApiKey) -> Running:
    """Return the executions of the key's family that are running, according to the records."""
    # An execution whose end could not be recorded must not count forever.
    begun = connection.ops.adapt_datetimefield_value(timezone.now() - longest_execution())
    with connection.cursor() as cursor:
        cursor.execute(RUNNING_NOW, (key.family_in_sql(), begun))
        return Running([_running_group(key, *row) for row in cursor.fetchall()])


def _running_group(
    key: ApiKey, learner: str, address: object, count: int, begun: datetime | str, timeout: int
) -> RunningGroup:
    """Return a row of RUNNING_NOW. SQLite returns an address and a time as text."""
    names = names_of(learner, None if address is None else str(address), is_proven=key.proves_learners)
    created = datetime.fromisoformat(begun).replace(tzinfo=UTC) if isinstance(begun, str) else begun
    return RunningGroup(names, count, created + timedelta(seconds=timeout))
