"""The record of each execution, and its flags; the processes that run them."""

from django.conf import settings
from django.db import models

from apikeys.models import ApiKey
from executions.bounds import (
    ERROR_CHARACTERS,
    EXERCISE_CHARACTERS,
    FILE_NAME_CHARACTERS,
    TEST_CASES,
    WEBHOOK_CHARACTERS,
)
from web.columns import PlainJSON, column_only, uuid7
from web.notation import LONGEST_HOST_NAME


class Execution(models.Model):
    """One request to run a program: the request, its result, and who sent it.

    The row is committed as `running` before anything runs. Times are seconds; `waited_seconds` is the wait for a
    container, `execution_time` the program's own wall time. `container` is the name of the one that ran it, as its
    `submission_number`th submission.
    """

    class Status(models.TextChoices):
        """The state of an execution. All values are part of the HTTP contract."""

        RUNNING = "running"
        SUCCESS = "success"
        ERROR = "error"
        TIMEOUT = "timeout"
        MEMORY_LIMIT = "memory_limit"
        OUTPUT_LIMIT = "output_limit"
        CANCELLED = "cancelled", "cancelled (the client disconnected)"
        REFUSED = "refused", "refused (nothing ran)"
        INTERNAL_ERROR = "internal_error"

    # An integer, besides the public id that callers see: full-text search needs it (records/search.py).
    id = models.BigAutoField(primary_key=True)
    public_id = column_only(models.UUIDField("public id", unique=True, default=uuid7, editable=False))
    status = models.CharField(max_length=14, choices=Status, default=Status.RUNNING)

    code = models.TextField()
    code_hash = models.CharField("SHA-256 of the code", max_length=64, editable=False)
    input_data = models.TextField(blank=True)
    test_cases = column_only(models.JSONField(null=True, encoder=PlainJSON))
    # Of executions from before there was ExecutionFile.
    files = column_only(models.JSONField(null=True, encoder=PlainJSON))
    timeout = models.PositiveSmallIntegerField()

    output = models.TextField(blank=True)
    error = models.TextField(blank=True)
    error_detail = column_only(models.JSONField(null=True, encoder=PlainJSON))
    test_results = column_only(models.JSONField(null=True, encoder=PlainJSON))
    exit_code = models.SmallIntegerField(null=True)
    truncated = models.BooleanField(default=False)

    waited_seconds = models.FloatField(null=True)
    execution_time = models.FloatField(null=True)
    cpu_time = models.FloatField(null=True)
    total_cpu_seconds = models.FloatField("CPU seconds, test cases included", null=True)
    memory_peak_kb = models.PositiveBigIntegerField(null=True)
    # Null, because adding a NOT NULL column recreates the table on SQLite and drops the search triggers.
    container = models.CharField(max_length=48, null=True)  # noqa: DJ001
    submission_number = models.PositiveSmallIntegerField("number among the submissions of its container", null=True)
    # No foreign key: the row of a server is deleted long before its executions.
    server = models.UUIDField("the process that ran it", null=True, editable=False)

    # A key with executions is revoked, not deleted: the audit needs it. None if staff ran the program.
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, db_index=False, related_name="executions")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    repeats = models.ForeignKey("self", models.SET_NULL, null=True, related_name="repeated_by")
    learner = models.CharField(max_length=128, blank=True)
    exercise = models.CharField(max_length=EXERCISE_CHARACTERS, null=True)  # noqa: DJ001 (as for `container`)
    origin = models.CharField(max_length=255, blank=True)
    client_address = models.GenericIPAddressField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            # Every column that the dashboard counts, so that it does not read the rows, which are long.
            models.Index(
                fields=["created", "status", "waited_seconds", "execution_time", "id"], name="execution_figures"
            ),
            models.Index(fields=["status", "-id"], name="execution_status"),
            models.Index(fields=["key", "-id"], name="execution_key"),
            models.Index(fields=["learner", "-id"], name="execution_learner"),
            models.Index(fields=["client_address", "-id"], name="execution_address"),
            models.Index(fields=["code_hash", "-id"], name="execution_code_hash"),
            models.Index(
                fields=["exercise", "-id"], name="execution_exercise", condition=models.Q(exercise__isnull=False)
            ),
            models.Index(fields=["-id"], name="execution_staff", condition=models.Q(staff__isnull=False)),
            # Few rows are running at any time. Each request counts them, and each process searches them twice a minute.
            models.Index(fields=["key"], name="execution_running", condition=models.Q(status="running")),
        )
        default_permissions = ("view",)
        permissions = (("rerun_execution", "Can run a program again"),)

    def __str__(self) -> str:
        return f"{self.public_id} ({self.status})"

    @property
    def has_claimed_learner(self) -> bool:
        """Whether a page has claimed the learner, who may be somebody else; a server or a token proves one."""
        return bool(self.learner) and self.key is not None and not self.key.proves_learners


class ExecutionFile(models.Model):
    """A file that came with a program, as it was sent: as text or in base64. In the order of the primary keys.

    In a table of its own, because SQLite writes a row anew, with all its texts, when the execution ends.
    """

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="sent_files", db_index=False)
    name = models.CharField(max_length=FILE_NAME_CHARACTERS)
    text = models.TextField(null=True)  # noqa: DJ001 (an empty file may have been sent as text or in base64)
    base64 = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["execution", "name"], name="execution_file_once"),)
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Attempt(models.Model):
    """What an execution says about its exercise: one that ended by itself or at a limit (records/attempts.py).

    `who` is a fingerprint of its learner or, without one, of its address. `error` is a kind of error, `wrong_output`
    the fingerprint of a test case with its output, `failed_tests` those of the test cases that failed.
    """

    execution = models.OneToOneField(Execution, models.CASCADE, primary_key=True)
    exercise = models.CharField(max_length=EXERCISE_CHARACTERS)
    who = models.BigIntegerField()
    passed = models.BooleanField()
    shape = models.BigIntegerField()
    error = models.CharField(max_length=ERROR_CHARACTERS, blank=True)
    wrong_output = models.BigIntegerField(null=True)
    failed_tests = models.CharField(max_length=9 * TEST_CASES, blank=True)

    class Meta:
        # Every column of the list of exercises, which counts all rows.
        indexes = (models.Index(fields=["exercise", "-execution", "passed"], name="attempt_exercise"),)
        verbose_name = "exercise"  # in the menu, and in the name of the permission
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.exercise} ({'passed' if self.passed else 'failed'})"


class KeptResult(models.Model):
    """What an answer has beyond its record, for somebody who asks for it later: images, trace and files, in JSON.

    Kept for an hour, and for no more than so many bytes of a family of keys (records/kept.py).
    """

    execution = models.OneToOneField(Execution, models.CASCADE, primary_key=True, related_name="kept")
    content = models.TextField()
    size_bytes = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes"


class Webhook(models.Model):
    """A URL that receives the result of an execution (executions/webhooks).

    `attempted` counts the attempts that have begun. `next_attempt` is when the next one is due, at the earliest when
    the execution ends. During an attempt it is when that attempt counts as lost. It is None if there will be no more.
    """

    class State(models.TextChoices):
        """How far its delivery has got."""

        PENDING = "pending"
        DELIVERED = "delivered"
        GONE = "gone", "gone (the receiver wants no more of it)"
        GIVEN_UP = "given_up", "given up"

    execution = models.OneToOneField(Execution, models.CASCADE, primary_key=True, related_name="webhook")
    url = models.CharField(max_length=WEBHOOK_CHARACTERS)
    host = models.CharField(max_length=LONGEST_HOST_NAME + len(":65535"))
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempted = models.PositiveSmallIntegerField(default=0)
    next_attempt = models.DateTimeField(null=True)

    class Meta:
        # Every process asks each second which ones are due.
        indexes = (
            models.Index(
                fields=["next_attempt", "host"], name="webhook_due", condition=models.Q(next_attempt__isnull=False)
            ),
        )
        default_permissions = ()

    def __str__(self) -> str:
        return f"to {self.host} ({self.state})"


class WebhookAttempt(models.Model):
    """An attempt to deliver a webhook, recorded when it begins.

    It ended with the `status` of a response or with an `error`. `seconds` is None until then, and if it was lost.
    """

    # Like all that belongs to an execution, it names it itself (docs/partitions/rotate.sql).
    execution = models.ForeignKey(Execution, models.CASCADE, related_name="webhook_attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    begun = models.DateTimeField()
    seconds = models.FloatField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["execution", "number"], name="webhook_attempt_once"),)
        default_permissions = ()

    def __str__(self) -> str:
        return f"attempt {self.number}"


class IdempotentRequest(models.Model):
    """A request with an `Idempotency-Key`, so that the next one with the same key and body gets the same answer.

    The answer is that of `execution`, or the JSON in `response`; with neither, `server` still works on it.
    """

    name = models.CharField("SHA-256 of the key and whose it is", max_length=64, unique=True)
    fingerprint = models.CharField("SHA-256 of the path and the body", max_length=64)
    server = models.UUIDField()
    execution = models.ForeignKey(Execution, models.CASCADE, null=True, related_name="+")
    response = models.TextField(blank=True)
    created = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Server(models.Model):
    """A process that runs programs, which is alive while it renews `seen` (records/servers.py).

    `owner` is the label of its containers, and `secret_key` the fingerprint of its SECRET_KEY.
    """

    id = models.UUIDField(primary_key=True)
    owner = models.CharField(max_length=320)
    secret_key = models.CharField("fingerprint of SECRET_KEY", max_length=16)
    seen = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.owner


class ExecutionFlag(models.Model):
    """A reason for staff to look at an execution, not a verdict: a beginner's endless loop gets one, too."""

    class Kind(models.TextChoices):
        """What the supervisor or the service noticed, also by comparison with earlier executions."""

        REPEATED_TIMEOUTS = "repeated_timeouts", "repeated timeouts"
        MEMORY_KILL = "memory_kill", "memory kill"
        OUTPUT_FLOOD = "output_flood"
        FORK_STORM = "fork_storm"
        NETWORK_ATTEMPT = "network_attempt"
        FORBIDDEN_CALL = "forbidden_call", "forbidden system call"
        SHARED_CODE = "shared_code", "same code from many addresses"
        CPU_BUDGET = "cpu_budget", "high CPU use by one learner"

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=17, choices=Kind)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["execution", "kind"], name="execution_flag_once"),)
        indexes = (models.Index(fields=["kind", "-execution"], name="execution_flag_kind"),)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.get_kind_display()
