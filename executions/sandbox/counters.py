"""Prometheus counters of the sandbox."""

from prometheus_client import Counter

REFILLS = Counter("codeexec_refills", "Containers that were started for the pool.")
FAILED_REFILLS = Counter("codeexec_failed_refills", "Containers that could not be started.")
ENGINE_ERRORS = Counter("codeexec_engine_errors", "Calls to the Docker Engine that failed.")
ORPHANS = Counter("codeexec_orphans_removed", "Containers removed whose service was gone.")
STRAYS = Counter("codeexec_strays_removed", "Containers removed that did not end by themselves when they were closed.")
REUSES = Counter("codeexec_reuses", "Containers that passed the check and served another submission.")
NOT_CLEAN = Counter("codeexec_not_as_new", "Used containers that failed the check before a caller got them.")
ENDED_WARM = Counter("codeexec_warm_containers_ended", "Containers that ended while they waited for a program.")
