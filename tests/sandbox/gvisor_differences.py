"""Where gVisor differs from what the tests of this directory expect: each is known, and documented in docs/gvisor.md.

`make test-gvisor` expects these tests to fail and all others to pass. One that does not fail any more is an error, too,
but for those where it is chance.
"""

UNSEEN = "gVisor has no user notification for seccomp: what is refused is not seen"
STORM_ENDS_ALL = "where the host gives gVisor no more threads or memory, all processes of the container end at once"
STORM_MAY_END_ALL = f"{STORM_ENDS_ALL}; what comes first, that or the deadline, is chance"
MEMORY_ENDS_ALL = "a kill for memory ends the whole container, and what the other processes would have done"
OWN_PROC = "gVisor's /proc and /sys have other files, modes and errors"

DIFFERENCES = {
    "test_commands.py::test_check_sandbox_*": "gVisor has probes of its own besides",
    "test_faults.py::test_a_starved_supervisor_costs_its_container_and_no_more": STORM_MAY_END_ALL,
    "test_isolation.py::test_deny_privileges[[]os.mknod*": "anyone may make a device node, which leads to no device",
    "test_isolation.py::test_deny_privileges[[]os.kill(1, 0)*": "signals for the supervisor are refused: EPERM",
    "test_isolation.py::test_deny_privileges[[]open('/proc/1/environ'*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]open('/proc/sys/*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]open('/sys/*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]os.write(os.open('/proc/self/oom*": "the score has no effect there",
    "test_isolation.py::test_deny_kernel_interfaces[[]syscall(0x40000000*": "a call of the x32 ABI ends the program",
    "test_isolation.py::test_deny_the_32_bit_abi": "int 0x80 enters the table of 64-bit calls, with the same filter",
    "test_isolation.py::test_a_process_is_nobody": OWN_PROC,
    "test_isolation.py::test_deny_network*": "an address that cannot be reached is EHOSTUNREACH",
    "test_limits.py::test_deny_more_memory_to_a_child_that_its_parent_survives": MEMORY_ENDS_ALL,
    "test_limits.py::test_deny_a_fork_bomb": STORM_MAY_END_ALL,
    "test_limits.py::test_deny_more_processes_than_64": STORM_ENDS_ALL,
    "test_limits.py::test_deny_a_full_disk*": "files are not counted; their memory is bounded with all the rest",
    "test_limits.py::test_deny_higher_limits": "niceness has no effect there, and anyone may change it",
    "test_options.py::test_a_live_container_has_them": "gVisor's kernel needs memory and threads for itself",
    "test_signals.py::test_a_forbidden_call_is_refused_and_seen*": UNSEEN,
    "test_signals.py::test_a_connection_to_another_host_is_seen*": UNSEEN,
    "test_signals.py::test_a_datagram_to_another_host_is_seen*": UNSEEN,
    "test_signals.py::test_a_name_look_up_is_seen": UNSEEN,
    "test_signals.py::test_refused_forks_are_seen": UNSEEN,
    "test_signals.py::test_a_storm_is_seen_although_the_supervisor_may_be_starved": UNSEEN,
    "test_signals.py::test_a_grandchild_is_seen": UNSEEN,
    "test_signals.py::test_a_program_of_another_process_is_seen": UNSEEN,
    "test_signals.py::test_each_run_has_its_own_signals": UNSEEN,
    "test_signals.py::test_a_flood_of_calls_holds_up_nothing[[]forbidden]": UNSEEN,
    "test_signals.py::test_a_flood_of_calls_holds_up_nothing[[]network]": UNSEEN,
    "test_signals.py::test_a_flood_of_calls_beside_one_of_output": UNSEEN,
    "test_signals.py::test_callers_that_are_killed_while_they_wait": UNSEEN,
    "test_signals.py::test_deny_a_listener_of_ones_own": "there are no listeners at all: EINVAL",
    "test_signals.py::test_deny_finding_what_another_run_asked_the_kernel": UNSEEN,
    "test_tests.py::test_the_tests_go_on_after_a_run_was_killed_for_memory": MEMORY_ENDS_ALL,
}
"""By a pattern of the test's id: module, name and parameters. In a pattern, `[[]` is the bracket itself."""
