"""Tests of this directory that fail under gVisor, with the reason. docs/gvisor.md documents the same list.

`make test-gvisor` expects these tests to fail and all others to pass. A test that no longer fails is an error, too,
unless it fails only by chance.
"""

UNSEEN = "gVisor has no seccomp user notification: refused calls are not seen"
STORM_ENDS_ALL = "if the host gives gVisor no more threads or memory, all processes of the container die at once"
STORM_MAY_END_ALL = f"{STORM_ENDS_ALL}; whether this or the deadline comes first is chance"
MEMORY_ENDS_ALL = "a memory kill stops the whole container with all its processes"
OWN_PROC = "gVisor's /proc and /sys have different files, modes and errors"
UNASKED = "gVisor does not report which process waits for input: no input event is sent"
OWN_MEMORY = "gVisor's kernel needs memory and threads for itself"
FOLLOWED = "O_NOFOLLOW follows a link to a directory: images that the program put elsewhere are shown, too"
NO_MODES = "modes cannot be changed"
SLOW_OUTPUT = "printing a megabyte may take longer than the time limit"
SLOW_PROCESSES = "starting and ending a process costs more"
OWN_TERMINALS = "gVisor has terminals of its own, on a read-only file system: the error is EROFS"
UNCOUNTED_WAITS = "gVisor does not count how long a program waits for a processor"
OWN_SOCKETS = "gVisor's own kernel holds sockets, in the container's memory"
UNCOUNTED_LOCKS = "file locks are not counted, but their memory is"
CHANCE = {STORM_MAY_END_ALL, SLOW_OUTPUT, SLOW_PROCESSES}
"""Reasons for which a test fails only by chance."""

DIFFERENCES = {
    "test_busy_machine.py::test_program_is_not_charged_for_what_others_take": UNCOUNTED_WAITS,
    "test_busy_machine.py::test_endless_loop_takes_at_most_twice_its_time": UNCOUNTED_WAITS,
    "test_collect.py::test_files_come_back_however_the_program_ends[[]data = bytearray*": MEMORY_ENDS_ALL,
    "test_collect.py::test_what_is_no_readable_file_is_told*os.chmod*": NO_MODES,
    "test_commands.py::test_check_sandbox_*": "gVisor has additional probes",
    "test_faults.py::test_starved_supervisor_costs_only_its_container": STORM_MAY_END_ALL,
    "test_images.py::test_invalid_image_directory_shows_nothing[[]os.chmod*": NO_MODES,
    "test_images.py::test_invalid_image_directory_shows_nothing[[]os.symlink('/tmp/other'*": FOLLOWED,
    "test_images.py::test_invalid_image_is_dropped*os.chmod*": NO_MODES,
    "test_isolation.py::test_deny_privileges[[]os.mknod*": "anyone may create a device node, but it leads to no device",
    "test_isolation.py::test_deny_privileges[[]os.kill(1, 0)*": "signals to the supervisor are refused: EPERM",
    "test_isolation.py::test_deny_privileges[[]open('/proc/1/environ'*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]open('/proc/sys/*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]open('/sys/*": OWN_PROC,
    "test_isolation.py::test_deny_privileges[[]os.write(os.open('/proc/self/oom*": "the score has no effect in gVisor",
    "test_isolation.py::test_deny_kernel_interfaces[[]syscall(0x40000000*": "a call of the x32 ABI kills the program",
    "test_isolation.py::test_deny_the_32_bit_abi": "int 0x80 uses the table of 64-bit calls, with the same filter",
    "test_isolation.py::test_deny_capabilities": OWN_PROC,
    "test_isolation.py::test_deny_new_privileges": OWN_PROC,
    "test_isolation.py::test_deny_reading_the_hosts_identity_and_counters[[]/proc/cmdline]": OWN_PROC,
    "test_isolation.py::test_deny_reading_the_hosts_identity_and_counters[[]/proc/stat]": OWN_PROC,
    "test_isolation.py::test_program_sees_nothing_of_the_hosts_hardware": OWN_PROC,
    "test_isolation.py::test_every_masked_path_is_empty": OWN_PROC,
    "test_isolation.py::test_program_sees_no_cgroup_of_the_host": OWN_PROC,
    "test_isolation.py::test_deny_terminals*": OWN_TERMINALS,
    "test_isolation.py::test_process_is_under_two_seccomp_filters": OWN_PROC,
    "test_isolation.py::test_deny_ipc_between_two_requests": OWN_PROC,
    "test_isolation.py::test_deny_a_second_request_in_one_container": OWN_PROC,
    "test_limits.py::test_deny_more_memory_to_a_child_that_its_parent_survives": MEMORY_ENDS_ALL,
    "test_limits.py::test_deny_a_fork_bomb": STORM_MAY_END_ALL,
    "test_limits.py::test_deny_more_processes_than_64": STORM_ENDS_ALL,
    "test_limits.py::test_deny_more_threads_than_64": "threads are not counted",
    "test_limits.py::test_deny_a_disk_full_of_empty_files*": "files are not counted, but their memory is",
    "test_limits.py::test_deny_swap": OWN_PROC,
    "test_limits.py::test_kernel_grants_a_quarter_of_a_cpu": OWN_PROC,
    "test_limits.py::test_deny_more_processor_time_while_a_program_waits_for_input*": UNASKED,
    "test_limits.py::test_processor_time_counts_if_the_supervisor_uses_it*": OWN_PROC,
    "test_limits.py::test_leftovers_of_a_run*masked]": "a umask that hides a directory from its owner is refused",
    "test_limits.py::test_deny_higher_limits": "niceness has no effect in gVisor, and anyone may change it",
    "test_live.py::test_answer_in_time_may_wait_for_a_slot": UNASKED,
    "test_live.py::test_waiting_program_leaves_its_slot_to_others": UNASKED,
    "test_live.py::test_interrupted_question_is_asked_again": UNASKED,
    "test_live.py::test_each_input_call_is_one_question": UNASKED,
    "test_live.py::test_input_is_read_in_the_order_of_sending": UNASKED,
    "test_live.py::test_answered_program_gets_its_slot_back_before_callers_in_line": UNASKED,
    "test_live.py::test_program_without_an_answer_in_time_ends": UNASKED,
    "test_live.py::test_program_that_may_no_longer_wait_ends_soon": UNASKED,
    "test_live.py::test_program_that_continues_unanswered_no_longer_waits": UNASKED,
    "test_live.py::test_program_that_waits_too_long_in_all_ends": UNASKED,
    "test_live.py::test_end_of_input_ends_stdin": UNASKED,
    "test_live.py::test_prompt_is_sent_before_the_question": UNASKED,
    "test_live.py::test_waiting_for_input_does_not_count_as_program_time": UNASKED,
    "test_live.py::test_output_is_sent_while_the_program_runs": UNASKED,
    "test_live.py::test_answered_program_no_longer_waits": UNASKED,
    "test_live.py::test_every_way_to_read_stdin_asks_for_input*": UNASKED,
    "test_mistakes.py::test_mistake_gets_the_documented_detail*again and again*": SLOW_OUTPUT,
    "test_options.py::test_live_container_has_these_options": OWN_MEMORY,
    "test_flags.py::test_forbidden_call_is_refused_and_flagged*": UNSEEN,
    "test_flags.py::test_connection_to_another_host_is_flagged*": UNSEEN,
    "test_flags.py::test_datagram_to_another_host_is_flagged*": UNSEEN,
    "test_flags.py::test_name_lookup_is_flagged": UNSEEN,
    "test_flags.py::test_refused_forks_are_flagged": UNSEEN,
    "test_flags.py::test_fork_storm_is_flagged_although_the_supervisor_may_be_starved": UNSEEN,
    "test_flags.py::test_call_of_a_grandchild_is_flagged": UNSEEN,
    "test_flags.py::test_call_of_another_program_is_flagged": UNSEEN,
    "test_flags.py::test_each_run_has_its_own_flags": UNSEEN,
    "test_flags.py::test_flood_of_calls_delays_nothing[[]forbidden]": UNSEEN,
    "test_flags.py::test_flood_of_calls_delays_nothing[[]network]": UNSEEN,
    "test_flags.py::test_flood_of_calls_beside_a_flood_of_output_is_flagged": UNSEEN,
    "test_flags.py::test_callers_killed_while_they_wait_delay_nothing": UNSEEN,
    "test_flags.py::test_deny_adding_a_seccomp_filter*": UNSEEN,
    "test_flags.py::test_deny_finding_the_refused_calls_of_another_run": UNSEEN,
    "test_science.py::test_live_science_container_has_the_same_options": OWN_MEMORY,
    "test_science.py::test_science_container_has_the_same_walls": OWN_PROC,
    "test_sockets.py::test_deny_holding_memory_in_sockets*": OWN_SOCKETS,
    "test_sockets.py::test_deny_many_sockets_to_threads_that_ask_at_once": OWN_SOCKETS,
    "test_sockets.py::test_kernel_remembers_no_closed_connection_for_the_next_test": (
        "gVisor remembers the ports of closed connections"
    ),
    "test_standard_library.py::test_support_what_the_standard_library_does*newer calls]": "it lacks some",
    "test_supervisor.py::test_allow_own_priority*os.sched_setscheduler*": "gVisor has only one scheduling policy",
    "test_system_calls.py::test_deny_endless_file_locks": UNCOUNTED_LOCKS,
    "test_system_calls.py::test_deny_locking_open_files_for_ever*ENOLCK]": UNCOUNTED_LOCKS,
    "test_system_calls.py::test_deny_message_queues": "there are no message queues",
    "test_tests.py::test_ten_tests_cost_little_more_than_their_programs": SLOW_PROCESSES,
    "test_tests.py::test_tests_go_on_after_a_memory_kill": MEMORY_ENDS_ALL,
}
"""Reasons by a pattern of the test's ID (module, name and parameters). In a pattern, `[[]` matches a bracket."""
