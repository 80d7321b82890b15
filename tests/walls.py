"""Every protection of the sandbox and how to remove it: `make sabotage` removes them one at a time.

A test that passes only because of one protection carries `@pytest.mark.wall("name")`. Without the protection it must
fail, and all other tests must pass. The table in SECURITY.md has the same names.
"""

from dataclasses import dataclass

SABOTAGE_NETWORK = "code_exec_sabotage"
SABOTAGE_GATEWAY = "10.99.99.1"
"""A network of the engine without a way out, which `make sabotage` creates for containers to join."""

STARRED = ("network", "capabilities", "read_only", "user", "processes", "memory", "seccomp", "no_new_privileges")
"""The walls that CI removes in every run."""

OPTIONS = "executions/sandbox/engine/options.py"
CONTAINER = "executions/sandbox/container/container.py"
TRANSCRIPT = "executions/sandbox/container/transcript.py"
KEEPER = "executions/sandbox/keeper.py"
SANDBOX = "executions/sandbox/sandbox.py"
POOL = "executions/sandbox/pool.py"
JUDGE = "executions/running/judge.py"
REQUESTS = "executions/request.py"
CONFINEMENT = "guest/supervisor/confinement.py"
FILTER = "guest/build/seccomp_filter.py"
RUN = "guest/supervisor/run.py"
PROCESSES = "guest/supervisor/processes.py"
COLLECTED = "guest/supervisor/collected.py"
CROWD = "codeexec/crowd.py"
GUNICORN_WORKER = "codeexec/gunicorn_worker.py"
STRICT_JSON = "web/strict_json.py"
OUTPUTS = "guest/supervisor/outputs.py"
SUPERVISOR = "guest/supervisor/main.py"
INSPECTION = "guest/supervisor/inspection.py"
BROKER = "executions/sandbox/broker/broker.py"
ALLOWED_CALLS = "executions/sandbox/broker/allowed_calls.py"


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that occurs once in a file, and its replacement."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Wall:
    """The edits that remove one protection; `falls_with` names those that do not work without it."""

    edits: tuple[Edit, ...]
    falls_with: tuple[str, ...] = ()


def unchecked(name: str) -> Wall:
    """Return the wall that is the supervisor's check of `name` before a container may serve another submission."""
    return Wall((without_check(name),))


def without_check(name: str) -> Edit:
    """Return the edit that removes the supervisor's check of `name`."""
    return Edit(INSPECTION, "if not _passes(check)]", f'if name != "{name}" and not _passes(check)]')


NO_PROBES = (
    Edit(
        KEEPER,
        "return list(run_probes(engine, self._launcher.launch, self._launcher.options(), self._probes))",
        "return []",
    ),
    Edit("executions/sandbox/timing.py", "canary_seconds: float = 60.0", "canary_seconds: float = 86400.0"),
)
"""Turns off the probes, which would keep a sandbox without a wall shut. Part of each sabotage but the gate's."""

NO_FILTER = Edit(CONFINEMENT, "    listener = _install_notifying_filter()\n", "    return None\n")

WALLS = {
    # The container's options
    "network": Wall(
        (
            Edit(OPTIONS, '"NetworkMode": "none"', f'"NetworkMode": "{SABOTAGE_NETWORK}"'),
            Edit(OPTIONS, '"NetworkDisabled": True', '"NetworkDisabled": False'),
            without_check("traffic"),  # the network's own would retire every container
        ),
        falls_with=("new_traffic", "no_time_wait"),
    ),
    "capabilities": Wall((Edit(OPTIONS, '"CapDrop": ["ALL"]', '"CapDrop": []'),)),
    "no_new_privileges": Wall(
        (
            Edit(OPTIONS, '"SecurityOpt": ["no-new-privileges"]', '"SecurityOpt": []'),
            Edit(CONFINEMENT, "    _prctl(PR_SET_NO_NEW_PRIVS, 1)", "    # none"),
            NO_FILTER,  # the kernel would refuse it
        ),
        falls_with=("seccomp", "socket_count", "socket_buffers", "lock_calls"),
    ),
    "user": Wall(
        (
            Edit(OPTIONS, '"User": f"{user}:{user}"', '"User": "0:0"'),
            Edit(ALLOWED_CALLS, "if user not in USERS and user not in MAPPED_USERS:", "if False:"),
        ),
        falls_with=("own_user",),
    ),
    "own_user": Wall(
        (
            Edit("executions/sandbox/launcher.py", "secrets.choice(self._user_ids)", "64321"),
            Edit("executions/sandbox/launcher.py", " in self._users.values()", " is None"),
        )
    ),
    "read_only": Wall((Edit(OPTIONS, '"ReadonlyRootfs": True', '"ReadonlyRootfs": False'),)),
    "masked": Wall(
        (Edit(OPTIONS, '        "MaskedPaths": list(MASKED),\n', '        "MaskedPaths": [],\n'),),
    ),
    "cgroup_namespace": Wall((Edit(OPTIONS, '"CgroupnsMode": "private"', '"CgroupnsMode": "host"'),)),
    "socket_count": Wall((Edit("guest/supervisor/watch.py", "self._cgroup.sockets() < MOST_SOCKETS", "True"),)),
    "socket_buffers": Wall(
        (
            Edit(OPTIONS, '    "net.ipv4.tcp_rmem": "4096 16384 32768",\n', ""),
            Edit(OPTIONS, '    "net.ipv4.tcp_wmem": "4096 16384 32768",\n', ""),
        )
    ),
    "no_time_wait": Wall((Edit(OPTIONS, '    "net.ipv4.tcp_max_tw_buckets": "0",\n', ""),)),
    "no_terminals": Wall(
        (Edit(OPTIONS, '    "/dev/pts": "ro,noexec,nosuid,nodev,size=4k,nr_inodes=1,mode=555",\n', ""),)
    ),
    "dockers_seccomp": Wall(
        (Edit(OPTIONS, '["no-new-privileges"]', '["no-new-privileges", "seccomp=unconfined"]'),),
    ),
    "memory": Wall((Edit("executions/sandbox/settings.py", "MEMORY_BYTES = 128 *", "MEMORY_BYTES = 512 *"),)),
    "swap": Wall((Edit(OPTIONS, '"MemorySwap": memory_bytes', '"MemorySwap": -1'),)),
    "cpu": Wall((Edit(OPTIONS, "CPU_QUOTA_MICROSECONDS = 100_000", "CPU_QUOTA_MICROSECONDS = 800_000"),)),
    "processes": Wall((Edit(OPTIONS, "PIDS = 64", "PIDS = 640"),)),
    "descriptors": Wall(
        (
            Edit(OPTIONS, "OPEN_FILES = 256", "OPEN_FILES = 1024"),
            Edit(CONFINEMENT, "OPEN_FILES = 256", "OPEN_FILES = 1024"),
        )
    ),
    "core_files": Wall(
        (
            Edit(OPTIONS, '"core", "Soft": 0, "Hard": 0', '"core", "Soft": 1024, "Hard": 1024'),
            Edit(CONFINEMENT, "resource.RLIMIT_CORE: 0", "resource.RLIMIT_CORE: 1024"),
        )
    ),
    "file_size": Wall(
        (
            Edit(OPTIONS, "FILE_BYTES = 16 *", "FILE_BYTES = 64 *"),
            Edit(CONFINEMENT, "resource.RLIMIT_FSIZE: 16 *", "resource.RLIMIT_FSIZE: 64 *"),
        )
    ),
    "scratch_size": Wall((Edit(OPTIONS, "size=16m", "size=64m"), Edit(OPTIONS, "size=4m", "size=64m"))),
    "scratch_inodes": Wall(
        (Edit(OPTIONS, "nr_inodes=1024", "nr_inodes=9000"), Edit(OPTIONS, "nr_inodes=128", "nr_inodes=9000"))
    ),
    "scratch_noexec": Wall(
        (
            Edit(OPTIONS, '"/tmp": "rw,noexec', '"/tmp": "rw,exec'),
            Edit(OPTIONS, '"/dev/shm": "rw,noexec', '"/dev/shm": "rw,exec'),
        )
    ),
    "ipc": Wall((Edit(OPTIONS, '"IpcMode": "private"', '"IpcMode": "host"'),)),
    "environment": Wall(
        (
            Edit(OPTIONS, '"Env": list(ENVIRONMENT)', '"Env": [*ENVIRONMENT, *map("=".join, os.environ.items())]'),
            Edit(OPTIONS, "from typing import Any", "import os\nfrom typing import Any"),
        )
    ),
    "binds": Wall((Edit(OPTIONS, '"Binds": []', '"Binds": ["/var/run/docker.sock:/run/docker.sock"]'),)),
    "no_log": Wall((Edit(OPTIONS, '"LogConfig": {"Type": "none"', '"LogConfig": {"Type": "json-file"'),)),
    "auto_remove": Wall((Edit(OPTIONS, '"AutoRemove": True', '"AutoRemove": False'),)),
    "lease": Wall((Edit(OPTIONS, '"StdinOnce": True', '"StdinOnce": False'),)),
    "image_in_memory": Wall(
        (Edit("executions/sandbox/checks/attacks.py", "    *map(reading_probe, range(PARTS)),\n", ""),)
    ),
    # What the supervisor does
    "seccomp": Wall((NO_FILTER,), falls_with=("socket_count", "socket_buffers", "lock_calls")),
    "allow_list": Wall(
        (Edit(FILTER, "SyscallFilter(ERRNO(errno.ENOSYS))", 'SyscallFilter(__import__("seccomp").LOG)'),)
    ),
    "direct_reads": Wall((Edit(FILTER, "DIRECT = os.O_DIRECT", "DIRECT = 0x40000000"),)),
    "no_operations": Wall((Edit(FILTER, "(IGNORE, NO_OPERATION)", "(ALLOW, NO_OPERATION)"),)),
    "own_buffers": Wall((Edit(FILTER, 'rules.add_rule(IGNORE, "setsockopt"', 'rules.add_rule(ALLOW, "setsockopt"'),)),
    "huge_pages": Wall((Edit(FILTER, "MAP_HUGETLB = 0x40000 ", "MAP_HUGETLB = 0x40000000 "),)),
    "message_queues": Wall((Edit(CONFINEMENT, "MESSAGE_QUEUE_BYTES = 0", "MESSAGE_QUEUE_BYTES = 819200"),)),
    "file_locks": Wall((Edit(RUN, "if self._watch.locks.are_too_many():", "if False:"),)),
    "lock_calls": Wall((Edit("guest/supervisor/watch.py", "if self.lock_calls <= MOST_LOCK_CALLS:", "if True:"),)),
    "own_descriptors": Wall((Edit(FILTER, "CLONE_FILES = 0x400 ", "CLONE_FILES = 0x100000000 "),)),
    "all_cpu": Wall(
        (
            Edit(
                PROCESSES,
                "max(self._reaped_seconds, container_seconds - free_seconds)",
                "self._reaped_seconds",
            ),
        )
    ),
    "supervisors_cpu": Wall((Edit(PROCESSES, "FREE_SHARE = 0.02", "FREE_SHARE = 1.0"),)),
    "undumpable": Wall((Edit(CONFINEMENT, "    _prctl(PR_SET_DUMPABLE, 0)", "    # none"),)),
    "three_descriptors": Wall(
        (
            Edit(
                "guest/supervisor/child.py",
                "os.closerange(3, OPEN_FILES)",
                "[os.close(end) for ends in pipes for end in ends]",
            ),
        )
    ),
    "no_survivors": Wall((Edit(PROCESSES, "            os.kill(-1, signal.SIGKILL)", "            return"),)),
    "sweep": Wall((Edit(SUPERVISOR, "        scratch.sweep()\n", ""),)),
    "unread_program": Wall(
        (
            Edit(
                "guest/supervisor/feed.py",
                "            self.unfed_bytes -= os.splice("
                "STDIN, self._child.stdin, self.unfed_bytes, flags=os.SPLICE_F_NONBLOCK)\n",
                "            if not (self._host.is_readable() and select.select([], [self._child.stdin], [], 0)[1]):\n"
                "                raise BlockingIOError\n"
                # A writable pipe takes at least this much.
                "            buffer = memoryview(self._host.buffer)[: min(self.unfed_bytes, select.PIPE_BUF)]\n"
                "            size = os.readv(STDIN, [buffer])\n"
                "            self.unfed_bytes -= size\n"
                "            os.write(self._child.stdin, self._host.buffer[:size])\n",
            ),
        )
    ),
    "wiped_buffer": Wall((Edit(OUTPUTS, "            data[:] = bytes(size)\n", ""),)),
    "wiped_mailbox": Wall((Edit(RUN, "        mailbox.renew()\n", ""),)),
    "wiped_trace": Wall((Edit(RUN, "        self._trace.renew()\n", ""),)),
    "wiped_files": Wall(
        (
            # Kept, because the memory of freed names is soon taken for something else.
            Edit(COLLECTED, "ctypes.memset(self._names, 0, len(self._names))", "protocol.kept = self._names"),
            Edit("guest/supervisor/host.py", "                view[:taken] = bytes(taken)\n", ""),
        )
    ),
    "collected_links": Wall((Edit(COLLECTED, "os.O_RDONLY | os.O_NOFOLLOW", "os.O_RDONLY"),)),
    "collected_pipes": Wall((Edit(COLLECTED, "OPEN | os.O_NONBLOCK", "OPEN"),)),
    "wiped_part": Wall((Edit(RUN, "        self._part.renew()\n", ""),)),
    "late_test": Wall(
        (
            Edit(
                "executions/sandbox/container/task.py",
                "pack_task(self.kind, self.code, most_images, self.files)",
                'pack_task(self.kind, f"{self.code}\\n# {self.part}", most_images, self.files)',
            ),
        )
    ),
    "no_test_in_frames": Wall(
        (
            Edit(
                "guest/program/case.py",
                "    main.sources[TEST_FILE_NAME] = part.read ",
                "    text = part.read()\n    main.sources[TEST_FILE_NAME] = lambda: text ",
            ),
        )
    ),
    "deadline": Wall(
        (
            Edit(RUN, "if now >= self._deadline and not self._extend_deadline():", "if False:"),
            Edit(CONTAINER, "GRACE_SECONDS = 0.7", "GRACE_SECONDS = 6.0"),
        )
    ),
    "hosts_deadline": Wall(
        (
            Edit(CONTAINER, "GRACE_SECONDS = 0.7", "GRACE_SECONDS = 9.0"),
            Edit("executions/sandbox/container/stream.py", "if not remaining_seconds and self._was_late:", "if False:"),
        )
    ),
    "flood": Wall((Edit(OUTPUTS, "FLOOD_BYTES = 1024 *", "FLOOD_BYTES = 1024 * 1024 *"),)),
    "kept_output": Wall(
        (
            Edit(OUTPUTS, "data[: protocol.STREAM_KEPT_BYTES - stream.sent_bytes]", "data"),
            Edit(TRANSCRIPT, "if self._size_bytes > protocol.STREAM_KEPT_BYTES:", "if False:"),
        )
    ),
    # What the supervisor checks before a container may serve another submission
    "new_processes": unchecked("processes"),
    "new_files": unchecked("files"),
    "new_ipc": unchecked("ipc"),
    "new_limits": unchecked("limits"),
    "new_scheduling": unchecked("scheduling"),
    "new_signals": unchecked("signals"),
    "new_attributes": unchecked("attributes"),
    "new_oom_score": unchecked("oom_score"),
    "new_sockets": unchecked("sockets"),
    "new_traffic": unchecked("traffic"),
    "new_memory_limit": unchecked("memory_limit"),
    "new_memory": unchecked("memory"),
    "new_descriptors": unchecked("descriptors"),
    "new_times": Wall((Edit("guest/supervisor/scratch.py", "            os.utime(directory)", "            # none"),)),
    "whole_share": Wall((Edit(SUPERVISOR, "if cgroup.cpu_periods()[1] > throttled:", "if False:"),)),
    # What the host does with the results
    "verdict": Wall((Edit(CONTAINER, "return self.is_usable and not self.differences", "return self.is_usable"),)),
    "spotless": Wall((Edit(CONTAINER, "if not (self.is_usable and self.ran_cleanly):", "if not self.is_usable:"),)),
    "one_container_each": Wall(
        (
            Edit(
                POOL,
                "            elif self._may_serve_again(container):\n",
                "            elif container.is_usable:\n",
            ),
            Edit(
                POOL, "            if container.check_clean():\n", "            if container.check_clean() or True:\n"
            ),
            Edit(
                "executions/sandbox/stock.py",
                "        while self.fresh:\n            container",
                "        while self.fresh and not self.used:\n            container",
            ),
        )
    ),
    "proof_of_newness": Wall((Edit(POOL, "            if container.check_clean():\n", "            if True:\n"),)),
    "clean_end": Wall((Edit(POOL, "            and container.ran_cleanly\n", ""),)),
    "output_from_the_test_on": Wall((Edit(TRANSCRIPT, "            self._outputs = _fresh_outputs()\n", ""),)),
    "begun_test": Wall(
        (
            Edit(JUDGE, "run.tested if case.expected_output", "True if case.expected_output"),
            Edit(JUDGE, "return run.tested or case.looks_at_main_run", "return True"),
        )
    ),
    "whole_exception_names": Wall((Edit(JUDGE, 'full_name.endswith(f".{name}")', "full_name.endswith(name)"),)),
    "exceptions_as_raised": Wall(
        (
            Edit(JUDGE, " or run.detail is None or expectation is None:", " or expectation is None:"),
            Edit(
                JUDGE,
                "    is_named = any(",
                '    return f"{name}:" in run.stderr\n    is_named = any(',
            ),
        )
    ),
    "sealed_suites": Wall(
        (
            Edit(
                "guest/program/suite.py",
                "        part = self._seal.broken()\n",
                "        part = None\n",
            ),
        )
    ),
    "completed_test": Wall((Edit(JUDGE, "run.tested if case.expected_output else run.completed", "run.tested"),)),
    "hidden_tests": Wall((Edit(JUDGE, "    if case.hidden:", "    if False:"),)),
    "hidden_tests_last": Wall((Edit(REQUESTS, "test_cases[index].hidden)", "0)"),)),
    "expected_stays_here": Wall(
        (
            Edit(
                REQUESTS,
                'code=self.code or ""',
                'code=f"{self.code}\\n# {self.expected_output}" if self.code else ""',
            ),
        )
    ),
    "grading_stays_here": Wall(
        (
            Edit(
                REQUESTS,
                'code=self.code or ""',
                'code=f"{self.code}\\n# {self.group} {self.on_pass} {self.on_fail}" if self.code else ""',
            ),
        )
    ),
    "early_end": Wall(
        (
            Edit(
                CONTAINER,
                'raise RunLost(f"{self.name} failed in a run: {error}") from error',
                "return RunStatus.SUCCESS",
            ),
        )
    ),
    "bounded_frames": Wall((Edit("guest/protocol.py", "kind not in KINDS or length > longest_bytes", "False"),)),
    "checked_results": Wall((Edit(TRANSCRIPT, "    if not 0 <= value <= highest:", "    if False:"),)),
    "gate": Wall(
        (
            Edit(KEEPER, "if result.failure is not None]", "if False]"),
            Edit(
                SANDBOX,
                "            self._gate.demand_open()  # again: it may have shut while the caller waited in line\n",
                "",
            ),
            Edit(SANDBOX, "Gate(self.pool.refuse_line)", "Gate()"),
        )
    ),
    # What a request may cost
    "few_values": Wall((Edit(STRICT_JSON, "MOST_TOKENS = 25_000", "MOST_TOKENS = 10**9"),)),
    "few_bodies_at_once": Wall((Edit(STRICT_JSON, "BoundedSemaphore(DECODED_AT_ONCE)", "BoundedSemaphore(100)"),)),
    "few_connections": Wall((Edit(CROWD, "> self._most // 2:", "> self._most:"),)),
    "few_held_bytes": Wall((Edit(CROWD, "MOST_HELD_BYTES = 16 *", "MOST_HELD_BYTES = 16_000 *"),)),
    "health_turns": Wall((Edit(GUNICORN_WORKER, "if len(line) > 1:", "if False:"),)),
    "unread_responses": Wall(
        (Edit("codeexec/hurried_socket.py", "self.unsent_bytes > self.most_unsent_bytes", "self.unsent_bytes > 0"),)
    ),
    "health_threads": Wall(
        (
            Edit(
                GUNICORN_WORKER,
                "self.health_pool if client.arrival.is_for_health else self.tpool",
                "self.tpool",
            ),
        )
    ),
    # What the broker keeps from the engine
    "broker_calls": Wall(
        (
            Edit(
                ALLOWED_CALLS,
                'raise CallDenied("not one of the service\'s calls")',
                "return Call(Kind.PING, method, target)",
            ),
        )
    ),
    "broker_options": Wall((Edit(ALLOWED_CALLS, "        asked = json.loads(body)\n", "        return body\n"),)),
    "broker_containers": Wall((Edit(BROKER, 'return LABEL in (container["Config"]["Labels"] or {})', "return True"),)),
    "broker_attach": Wall((Edit(BROKER, "if status(head) != SWITCHING_PROTOCOLS:", "if False:"),)),
    "broker_lease": Wall(
        (Edit(BROKER, "case Kind.START if not self._attached.get(call.container_id):", "case Kind.START if False:"),)
    ),
    # What one caller may have of what all have
    "shares": Wall(
        (Edit("apikeys/shares.py", "return max(least, (limit - others) * parts[kind_of(name)])", "return limit"),)
    ),
    "turns": Wall((Edit("executions/line.py", "            turns.move_to_end(name)\n", ""),)),
    "slot_reserve": Wall((Edit("executions/sandbox/slots.py", "FEWEST_TO_RESERVE = 3", "FEWEST_TO_RESERVE = 3000"),)),
    "room_for_newcomers": Wall(
        (
            Edit(
                "executions/running/interactive.py",
                "if idle is None or _caller(new) in counts or not (most > 1 or _has_had_its_turn(idle)):",
                "if True:",
            ),
        )
    ),
    "claimed_learners": Wall(
        (Edit("apikeys/callers.py", "if not (learner and key.proves_learners):", "if not learner:"),)
    ),
}
