"""The limits of a new key: those of the settings when it is created."""

from django.conf import settings


def default_rate() -> str:
    """Return the rate of the key."""
    return settings.DEFAULT_RATE


def default_learner_rate() -> str:
    """Return the rate of each learner under the key."""
    return settings.DEFAULT_LEARNER_RATE


def default_address_rate() -> str:
    """Return the rate of each address under the key."""
    return settings.DEFAULT_ADDRESS_RATE


def default_max_concurrent() -> int:
    """Return how many requests the key may run at once."""
    return settings.DEFAULT_MAX_CONCURRENT


def default_executions_per_day() -> int:
    """Return how many executions the key has per day."""
    return settings.DEFAULT_EXECUTIONS_PER_DAY


def default_cpu_seconds_per_day() -> int:
    """Return how many CPU seconds the key has per day."""
    return settings.DEFAULT_CPU_SECONDS_PER_DAY
