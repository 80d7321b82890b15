"""The record of what was run."""

import os
import time
import uuid

from django.db import models

from apikeys.models import ApiKey


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7): it begins with the time, so that new rows lie together."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class Execution(models.Model):
    """One request to run a program: what was asked, what came of it, and for whom.

    The row stands as `running` before anything runs. Times are seconds; `waited_seconds` is the wait for a
    container, `execution_time` the program's own wall time.
    """

    class Status(models.TextChoices):
        """How far it came. The five of a finished program are those of the HTTP contract."""

        RUNNING = "running"
        SUCCESS = "success"
        ERROR = "error"
        TIMEOUT = "timeout"
        MEMORY_LIMIT = "memory_limit"
        OUTPUT_LIMIT = "output_limit"
        REFUSED = "refused", "refused: nothing ran"
        INTERNAL_ERROR = "internal_error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=14, choices=Status, default=Status.RUNNING)

    code = models.TextField()
    input_data = models.TextField(blank=True)
    test_cases = models.JSONField(null=True)
    timeout = models.PositiveSmallIntegerField()

    output = models.TextField(blank=True)
    error = models.TextField(blank=True)
    test_results = models.JSONField(null=True)
    exit_code = models.SmallIntegerField(null=True)
    truncated = models.BooleanField(default=False)

    waited_seconds = models.FloatField(null=True)
    execution_time = models.FloatField(null=True)
    cpu_time = models.FloatField(null=True)
    memory_peak_kb = models.PositiveBigIntegerField(null=True)

    # A key with a history is switched off, not deleted: the audit needs to know whose these were.
    key = models.ForeignKey(ApiKey, models.PROTECT, related_name="executions")
    learner = models.CharField(max_length=128, blank=True)
    origin = models.CharField(max_length=255, blank=True)
    client_address = models.GenericIPAddressField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created",)
        indexes = (
            models.Index(fields=["-created"], name="execution_created"),
            models.Index(fields=["key", "-created"], name="execution_key_created"),
            models.Index(fields=["learner", "-created"], name="execution_learner_created"),
            # Few rows are unfinished at any time; they are looked for at each start.
            models.Index(fields=["status"], name="execution_running", condition=models.Q(status="running")),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"
