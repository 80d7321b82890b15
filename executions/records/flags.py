"""Flags executions for staff to look at: possible abuse, or a learner who needs help."""

from datetime import timedelta

from django.utils import timezone

from apikeys.quotas import Account, Use
from executions.models import Execution, ExecutionFlag
from executions.sandbox.results import Flag, Outcome, RunStatus

TIMEOUTS_IN_A_ROW = 3
ADDRESSES_WITH_THE_SAME_CODE = 10
LATEST_WITH_THE_SAME_CODE = 20
SAME_CODE_WITHIN = timedelta(days=1)
CHEAP_CPU_SECONDS = 0.5
"""All learners of an exercise begin with the same few lines, so cheap executions are not compared."""
SHARE_OF_ONE_LEARNER = 0.1
"""Of the key's CPU seconds of a day."""

Kind = ExecutionFlag.Kind
BY_STATUS = {RunStatus.MEMORY_LIMIT: Kind.MEMORY_KILL, RunStatus.OUTPUT_LIMIT: Kind.OUTPUT_FLOOD}
BY_SUPERVISOR = {
    Flag.FORK_STORM: Kind.FORK_STORM,
    Flag.NETWORK_ATTEMPT: Kind.NETWORK_ATTEMPT,
    Flag.FORBIDDEN_CALL: Kind.FORBIDDEN_CALL,
}


def find_flags(execution: Execution, outcome: Outcome, account: Account, use: Use) -> set[Kind]:
    """Return the flags of an execution that ended in `outcome`. `use` is what the account had used before it.

    Queries the database only for possible abuse; most executions need no query.
    """
    found = {BY_STATUS[run.status] for run in outcome.runs if run.status in BY_STATUS}
    found |= {BY_SUPERVISOR[flag] for run in outcome.all_runs for flag in run.flags}
    if outcome.main.status is RunStatus.TIMEOUT and _timed_out_before(execution):
        found.add(Kind.REPEATED_TIMEOUTS)
    if (found or outcome.cpu_seconds > CHEAP_CPU_SECONDS) and _comes_from_everywhere(execution):
        found.add(Kind.SHARED_CODE)
    if use.own_cpu_seconds + outcome.cpu_seconds > account.key.cpu_seconds_per_day * SHARE_OF_ONE_LEARNER:
        found.add(Kind.CPU_BUDGET)
    return found


def _timed_out_before(execution: Execution) -> bool:
    """Whether the last executions of this learner, or of this address if no learner is named, timed out too."""
    earlier = Execution.objects.filter(key=execution.key, pk__lt=execution.pk)
    if execution.learner:
        earlier = earlier.filter(learner=execution.learner)
    else:
        earlier = earlier.filter(learner="", client_address=execution.client_address)
    statuses = earlier.order_by("-pk").values_list("status", flat=True)[: TIMEOUTS_IN_A_ROW - 1]
    return list(statuses) == [Execution.Status.TIMEOUT] * (TIMEOUTS_IN_A_ROW - 1)


def _comes_from_everywhere(execution: Execution) -> bool:
    """Whether the same code came from many addresses within a day. Reads only a few rows."""
    same = Execution.objects.filter(code_hash=execution.code_hash, created__gt=timezone.now() - SAME_CODE_WITHIN)
    latest = same.order_by("-pk").values_list("client_address", flat=True)[:LATEST_WITH_THE_SAME_CODE]
    return len(set(latest)) >= ADDRESSES_WITH_THE_SAME_CODE
