"""Data from a container's connection comes in pieces of any size and is not trusted."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions import bounds
from executions.sandbox.container.container import Container
from executions.sandbox.container.stream import Frame, FrameStream, StreamEnded
from executions.sandbox.container.transcript import read_detail
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.results import (
    ErrorDetail,
    ErrorInFile,
    File,
    Flag,
    Hint,
    NotCollected,
    Reason,
    Run,
    RunLost,
    RunStatus,
    TestProgram,
)
from executions.sandbox.timing import Deadline
from guest import protocol, reports
from guest.protocol import (
    FLAG,
    MAX_BODY_BYTES,
    READY,
    RUN,
    STDERR,
    STDOUT,
    STREAM_KEPT_BYTES,
    TEST,
    TESTED,
    pack_frame,
)
from tests.sandbox.answering import answering, multiplexed

Pair = tuple[FrameStream, socket.socket]
wall = pytest.mark.wall


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A stream, and the engine's end of its connection."""
    ours, theirs = socket.socketpair()
    stream = FrameStream(ours)
    yield stream, theirs
    stream.close()
    theirs.close()


def frame(kind: int, body: bytes) -> bytes:
    return multiplexed(pack_frame(kind, body))


@given(
    bodies=st.lists(st.binary(max_size=300), max_size=6),
    cuts=st.lists(st.integers(min_value=1, max_value=50), max_size=30),
    errors=st.binary(max_size=20),
)
def test_frames_survive_any_cutting(bodies: list[bytes], cuts: list[int], errors: bytes) -> None:
    """Both layers may be split anywhere: frames across pieces, and pieces across reads."""
    ours, theirs = socket.socketpair()
    with theirs:
        stream = FrameStream(ours)
        data = b"".join(pack_frame(STDOUT, body) for body in bodies)
        for cut in cuts:
            theirs.sendall(multiplexed(data[:cut]))
            theirs.sendall(multiplexed(errors, number=2))
            data = data[cut:]
        theirs.sendall(multiplexed(data))
        assert [stream.receive(Deadline.after(5)) for _ in bodies] == [(STDOUT, body) for body in bodies]
        assert stream.is_quiet() or errors or not bodies
        stream.close()


def test_receive_waits_no_longer_than_its_deadline(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        pair[0].receive(Deadline.after(0.05))


@wall("hosts_deadline")
@pytest.mark.parametrize(
    ("piece", "frames"),
    [(frame(STDOUT, b"x"), [(STDOUT, b"x")]), (multiplexed(b"x", number=2), []), (multiplexed(b""), [])],
    ids=["frames", "last words", "nothing"],
)
def test_constantly_sending_container_gains_no_time(piece: bytes, frames: list[Frame]) -> None:
    """Data that has arrived by the deadline counts, because we may be the late ones. Later data does not."""
    ours, theirs = socket.socketpair()
    with theirs, contextlib.closing(FrameStream(ours, receive_bytes=10 * len(piece))) as stream:
        theirs.sendall(30 * piece)
        taken = []
        with contextlib.suppress(TimeoutError):
            while True:
                taken.append(stream.receive(Deadline.after(-1)))
        assert taken == 10 * frames
        assert not stream.is_quiet()
        theirs.sendall(frame(READY, b""))
        while stream.receive(Deadline.after(5))[0] != READY:
            pass


def test_end_of_a_stream_reports_the_last_words_of_the_supervisor(pair: Pair) -> None:
    pair[1].sendall(multiplexed(b"MemoryError", number=2))
    pair[1].close()
    with pytest.raises(StreamEnded, match="MemoryError"):
        pair[0].receive(Deadline.after(5))


def receive_at_once(stream: FrameStream) -> None:
    try:
        stream.receive(Deadline.after(1))
    except TimeoutError:
        pytest.fail("waits for more of it")


@pytest.mark.parametrize(
    "data",
    [
        multiplexed(b"x", number=3),
        bytes([1, 0, 0, 0, 255, 255, 255, 255]),
        pytest.param(multiplexed(b"\xff\0\0\0\0"), marks=wall("bounded_frames")),
        pytest.param(multiplexed(protocol.PREFIX.pack(STDOUT, MAX_BODY_BYTES + 1)), marks=wall("bounded_frames")),
    ],
    ids=["stream 3", "4 GiB piece", "unknown kind", "frame too long"],
)
def test_malformed_data_ends_the_stream(pair: Pair, data: bytes) -> None:
    pair[1].sendall(data)
    with pytest.raises(StreamEnded):
        receive_at_once(pair[0])


def test_stream_sends_while_it_receives(pair: Pair) -> None:
    """A container that answers before it reads does not block us, and we do not block it."""
    stream, theirs = pair
    stream.send(b"x" * 5_000_000)
    theirs.sendall(frame(READY, b""))
    assert stream.receive(Deadline.after(5)) == (READY, b"")


def test_stream_is_quiet_until_data_or_its_end_arrives(pair: Pair) -> None:
    assert pair[0].is_quiet()
    pair[1].close()
    assert not pair[0].is_quiet()


def frames_of_run(*pieces: bytes, **changes: Any) -> bytes:
    """Return frames followed by their result."""
    good = {"status": "success", "exit_code": 0, "signal_number": None, "truncated": False, "memory_peak_kb": 10_000}
    seconds = {"wall_seconds": 0.01, "delayed_seconds": 0.0, "cpu_seconds": 0.01}
    result = {**good, **seconds, "frames_before": count_pieces(b"".join(pieces)), **changes}
    return b"".join(pieces) + multiplexed(protocol.pack_result(**result))


def count_pieces(data: bytes) -> int:
    count = 0
    while data:
        data = data[8 + int.from_bytes(data[4:8], "big") :]
        count += 1
    return count


def answer(pair: Pair, frames: bytes, memory: bool = False, test: TestProgram | None = None) -> Run:
    """Return the run of a container that sends `frames` and ends."""
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.MEMORY if memory else Cause.OTHER)
    with answering(pair[1], frames):
        return container.run("", "", test, timeout_seconds=1)


def test_output_and_result_make_a_run(pair: Pair) -> None:
    run = answer(pair, frames_of_run(frame(STDOUT, b"a\xc3"), frame(STDERR, b"\0"), frame(STDOUT, b"\xa9\xff")))
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "aé\ufffd", "\ufffd")


@pytest.mark.parametrize("left", [frames_of_run(), frames_of_run()[:-1], b"\1"])
@pytest.mark.parametrize("is_taken", [False, True])
def test_unrequested_frames_are_no_answer(pair: Pair, left: bytes, is_taken: bool) -> None:
    """Leftovers of one run would pass for the result of the next."""
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    pair[1].sendall(frame(READY, b"") + left if is_taken else left)
    if is_taken:
        assert pair[0].receive(Deadline.after(5)) == (READY, b"")
    with pytest.raises(RunLost, match="while no run was active"):
        container.run("", "", None, timeout_seconds=1)
    assert not container.is_usable


def test_ended_container_is_not_taken_for_one_that_speaks(pair: Pair) -> None:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.MEMORY)
    pair[1].close()
    assert container.run("", "", None, timeout_seconds=1).status is RunStatus.MEMORY_LIMIT


@pytest.mark.parametrize(
    "bad",
    [
        frame(protocol.RESULT, b"\xff" + bytes(32)),
        frames_of_run(status="cancelled"),
        frame(protocol.WAIT, protocol.WAITS),
        frame(protocol.INPUT, b""),
        frame(protocol.RESULT, bytes(32)),
        frame(protocol.RESULT, bytes(34)),
        frame(protocol.RESULT, b""),
        pytest.param(frames_of_run(exit_code=256), marks=wall("checked_results")),
        pytest.param(frames_of_run(exit_code=-2), marks=wall("checked_results")),
        pytest.param(frames_of_run(wall_seconds=float("nan")), marks=wall("checked_results")),
        pytest.param(frames_of_run(wall_seconds=float("inf")), marks=wall("checked_results")),
        pytest.param(frames_of_run(wall_seconds=-0.1), marks=wall("checked_results")),
        pytest.param(frames_of_run(cpu_seconds=float("nan")), marks=wall("checked_results")),
        pytest.param(frames_of_run(cpu_seconds=1e9), marks=wall("checked_results")),
        pytest.param(frames_of_run(memory_peak_kb=2**31), marks=wall("checked_results")),
        frame(READY, b""),
        frame(RUN, b""),
        frame(STDOUT, b"x" * STREAM_KEPT_BYTES) + frame(STDOUT, b"x"),
        frame(FLAG, b""),
        frame(FLAG, b"timeout"),
        frame(FLAG, b"fork_storm\n"),
        frame(FLAG, b"\xff"),
        frame(FLAG, b"fork_storm") * 2,
        frame(protocol.DETAIL, b"") * 2,
        frame(STDOUT, b""),
        frame(STDERR, b""),
        frame(TEST, b""),
        frame(TESTED, b""),
    ],
)
def test_malformed_answer_is_a_lost_run(pair: Pair, bad: bytes) -> None:
    with pytest.raises(RunLost):
        answer(pair, frames_of_run(bad))


@pytest.mark.parametrize(
    "kinds",
    [
        [TESTED],
        [protocol.VALUE],
        [TEST, protocol.VALUE, protocol.VALUE],
        [TEST, TEST],
        [TEST, TESTED, TESTED],
        [TEST, TESTED, TEST],
    ],
)
def test_test_that_begins_or_ends_out_of_turn_is_a_lost_run(pair: Pair, kinds: list[int]) -> None:
    with pytest.raises(RunLost):
        answer(pair, frames_of_run(*(frame(kind, b"") for kind in kinds)), test=TestProgram(code="1"))


@pytest.mark.parametrize(
    ("kinds", "states"), [([], (False, False)), ([TEST], (True, False)), ([TEST, TESTED], (True, True))]
)
def test_test_begins_and_ends_once(pair: Pair, kinds: list[int], states: tuple[bool, bool]) -> None:
    run = answer(pair, frames_of_run(*(frame(kind, b"") for kind in kinds)), test=TestProgram(code="1"))
    assert (run.tested, run.completed) == states


@wall("late_test")
@pytest.mark.parametrize("test", [TestProgram(code="CANARY"), TestProgram(input="CANARY()", is_call=True)])
def test_part_of_a_test_is_sent_only_where_the_test_begins(pair: Pair, test: TestProgram) -> None:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(container.run, "code", "stdin", test, 5)
        before = pair[1].recv(1 << 16)
        pair[1].sendall(frame(TEST, b""))
        after = pair[1].recv(1 << 16)
        pair[1].sendall(frames_of_run(frames_before=1))
        assert run.result().tested
    assert before.endswith(b"codestdin")
    assert after == pack_frame(protocol.TEST_PART, (test.code or test.input).encode())


FILES = ("a", "b")


def collect(pair: Pair, *bodies: bytes, test: TestProgram | None = None) -> Run:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frames_of_run(*(frame(protocol.FILE, body) for body in bodies))):
        return container.run("", "", test, 1, collect=FILES)


def test_collected_files_belong_to_the_run(pair: Pair) -> None:
    run = collect(pair, b"\0x", b"\0y", b"\1z", b"\2")
    assert run.collected == (File("a", b"xyz"),)
    assert run.not_collected == (NotCollected("b", Reason.MISSING),)


@pytest.mark.parametrize(
    "bodies",
    [
        (b"\2", b"\2", b"\2"),
        (b"",),
        (b"\5",),
        (b"\0",),
        (b"\2x",),
        tuple(b"\0" + bytes(60_000) for _ in range(18)),
        (*(b"\0" + bytes(60_000) for _ in range(17)), b"\1", *(b"\0" + bytes(60_000),)),
    ],
    ids=range(7),
)
def test_other_files_than_a_supervisor_sends_are_a_lost_run(pair: Pair, bodies: tuple[bytes, ...]) -> None:
    with pytest.raises(RunLost):
        collect(pair, *bodies)


def test_files_of_a_test_are_a_lost_run(pair: Pair) -> None:
    """Nobody has asked for any, whatever is to come back of the program's own run."""
    with pytest.raises(RunLost):
        collect(pair, b"\1x", test=TestProgram(code="1"))


def test_input_that_python_could_not_read_is_no_call(pair: Pair) -> None:
    """It may need more time or memory than there is: then it is stdin, like everything that is not a call."""
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frames_of_run(frame(STDOUT, b"10"), frame(STDOUT, b"1"), status="memory_limit")):
        run, answers = container.find_calls(["f([])", "f([", "f({})", "f([1])"], 1)
    assert (run.status, answers) == (RunStatus.MEMORY_LIMIT, [True, False, True, False])


def test_each_flag_of_the_protocol_is_known(pair: Pair) -> None:
    words = (protocol.NETWORK_ATTEMPT, protocol.FORBIDDEN_CALL, protocol.FORK_STORM)
    assert answer(pair, frames_of_run(*(frame(FLAG, word.encode()) for word in words))).flags == set(Flag)


DETAIL = {"kind": "ValueError", "message": "bad\0", "hint": "", "line": 1, "column": 1, "end_column": 1}


def test_detail_belongs_to_the_run(pair: Pair) -> None:
    body = reports.pack_detail(**DETAIL).ljust(protocol.DETAIL_BYTES, b"\0")  # type: ignore[arg-type]
    run = answer(pair, frames_of_run(frame(protocol.DETAIL, body), status="error", exit_code=1))
    assert (run.raised, run.detail) == ("ValueError", ErrorDetail("ValueError", "bad\ufffd", 1, 1, 1, "", None))


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (("helper.py", 2, 1, 6), ErrorInFile("helper.py", 2, 1, 6, "1 / 0")),
        (("helper.py", 2, 1, 7), ErrorInFile("helper.py", 2, None, None, "1 / 0")),
        (("helper.py", 2, 3, 2), ErrorInFile("helper.py", 2, None, None, "1 / 0")),
        (("data.bin", 1, 1, 3), ErrorInFile("data.bin", 1, 1, 3, "\ufffd\ufffd")),
        (("helper.py", 0, 1, 1), None),
        (("helper.py", 3, 1, 1), None),
        (("other.py", 1, 1, 1), None),
        (("", 1, 1, 1), None),
        (("../helper.py", 2, 1, 6), None),
    ],
)
def test_file_of_a_detail_is_one_of_the_request_with_a_line_of_its_text(
    file: tuple[str, int, int, int], found: ErrorInFile | None
) -> None:
    body = reports.pack_detail(**DETAIL, file=file).ljust(protocol.DETAIL_BYTES, b"\0")  # type: ignore[arg-type]
    files = (File("helper.py", b"\xef\xbb\xbfx = 1\r\n1 / 0"), File("data.bin", b"\xff\0"))
    _, detail, _ = read_detail(body, "x = 1", files)
    assert detail is not None
    assert (detail.line, detail.file) == (1, found)


def test_detail_names_the_class_and_the_run_the_whole_exception(pair: Pair) -> None:
    body = reports.pack_detail("json.decoder.JSONDecodeError", "bad", "", 0, 0, 0)
    run = answer(pair, frames_of_run(frame(protocol.DETAIL, body), status="error", exit_code=1))
    assert (run.raised, run.detail) == ("json.decoder.JSONDecodeError", ErrorDetail("JSONDecodeError", "bad"))


def test_hint_of_a_detail_is_a_key_and_its_words(pair: Pair) -> None:
    hint = reports.pack_hint("name_near", {"name": "p\0t" * 99, "near": "print", "installed": "numpy, " * 99})
    body = reports.pack_detail("NameError", "", hint, 0, 0, 0)
    run = answer(pair, frames_of_run(frame(protocol.DETAIL, body), status="error", exit_code=1))
    words = {"name": "p\ufffdt" * 20, "near": "print", "installed": "numpy, " * 99}
    assert (run.detail, run.hint) == (ErrorDetail("NameError", ""), Hint("name_near", tuple(words.items())))


@pytest.mark.parametrize("letter", ["x", "é", "🐍"])
def test_longest_detail_fits_its_frame(letter: str) -> None:
    hint = reports.pack_hint("k" * 60, dict.fromkeys(("name", "names", "installed"), letter * 2000))
    file = ("x" * bounds.FILE_NAME_CHARACTERS, 1, 1, 1)
    body = reports.pack_detail(letter * 999, letter * 9999, hint, 1, 1, 1, file) + reports.pack_bases([letter * 9999])
    assert len(body) <= protocol.DETAIL_BYTES
    assert reports.unpack_hint(reports.unpack_detail(body)[2])[1]["name"] == letter * reports.WORD_CHARACTERS
    assert reports.unpack_file(body) == file
    assert reports.unpack_bases(body)


@given(body=st.binary(max_size=200))
def test_malformed_detail_is_ignored_and_loses_no_run(body: bytes) -> None:
    """A program can write it: a malformed one must not lose the run, which would then cost nothing."""
    ours, theirs = socket.socketpair()
    with theirs:
        run = answer(
            (FrameStream(ours), theirs), frames_of_run(frame(protocol.DETAIL, body), status="error", exit_code=1)
        )
        assert run.status is RunStatus.ERROR


@pytest.mark.parametrize("frames_before", [0, 2])
def test_lost_or_duplicate_frame_is_a_lost_run(pair: Pair, frames_before: int) -> None:
    with pytest.raises(RunLost, match="1 frames of"):
        answer(pair, frames_of_run(frame(STDOUT, b"a"), frames_before=frames_before))


def test_clock_of_the_container_is_not_trusted(pair: Pair) -> None:
    assert answer(pair, frames_of_run(wall_seconds=3000)).wall_seconds < 1


@wall("early_end")
def test_early_end_is_a_lost_run_and_never_success(pair: Pair) -> None:
    with pytest.raises(RunLost):
        answer(pair, frames_of_run(frame(STDOUT, b"all is well"))[:-1])


def test_early_end_by_memory_keeps_the_output(pair: Pair) -> None:
    run = answer(pair, frame(STDOUT, b"so far"), memory=True)
    assert (run.status, run.stdout) == (RunStatus.MEMORY_LIMIT, "so far")


def test_silent_supervisor_is_a_timeout_that_keeps_the_output(pair: Pair) -> None:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frame(STDOUT, b"so far") + frame(FLAG, b"fork_storm"), is_all=False):
        run = container.run("", "", None, timeout_seconds=0.1)
    assert (run.status, run.stdout, container.is_usable) == (RunStatus.TIMEOUT, "so far", False)
    assert run.flags == {Flag.FORK_STORM}


def reused(pair: Pair) -> Container:
    """Return a container that has had a clean run, whose READY has not come yet."""
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    container.begin()
    with answering(pair[1], frames_of_run(), is_all=False):
        container.run("", "", None, timeout_seconds=1)
    pair[1].recv(4096)  # the rest of the request
    return container


def test_container_passes_the_check(pair: Pair) -> None:
    container = reused(pair)
    assert not container.is_waiting()
    pair[1].sendall(frame(READY, b""))
    assert container.check_clean()
    assert container.is_waiting()
    container.begin()
    with answering(pair[1], frames_of_run(frames_before=2)):
        assert container.run("", "", None, timeout_seconds=1).status is RunStatus.SUCCESS
    assert container.submissions == 2


@pytest.mark.parametrize("is_early", [True, False])
def test_next_run_does_not_wait_for_ready(pair: Pair, is_early: bool) -> None:
    container = reused(pair)
    ready, answer = frame(READY, b"memory"), frames_of_run(frames_before=2)
    if is_early:
        pair[1].sendall(ready)
    with answering(pair[1], answer if is_early else ready + answer):
        assert container.run("", "", None, timeout_seconds=1).status is RunStatus.SUCCESS
    assert container.differences == {"memory"}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        frame(STDOUT, b"x"),
        frame(READY, b"") + frame(STDOUT, b"x"),
        frame(READY, b"") + b"\1",
        pytest.param(frame(READY, b"memory"), marks=wall("verdict")),
        pytest.param(frame(READY, b"\xff"), marks=wall("verdict")),
        pytest.param(frame(READY, b"x" * 201), marks=wall("verdict")),
        pytest.param(frame(READY, b"a\n"), marks=wall("verdict")),
    ],
)
def test_container_that_answers_anything_else_is_not_clean(pair: Pair, sent: bytes) -> None:
    container = reused(pair)
    pair[1].sendall(sent)
    assert not container.check_clean(seconds=0.1)


def test_container_that_has_ended_is_not_clean(pair: Pair) -> None:
    container = reused(pair)
    pair[1].close()
    assert not container.check_clean()
    assert not container.is_usable


@wall("verdict")
def test_verdict_on_one_run_is_never_taken_back(pair: Pair) -> None:
    container = reused(pair)
    with answering(pair[1], frame(READY, b"files") + frames_of_run(frames_before=2) + frame(READY, b""), is_all=False):
        container.run("", "", None, timeout_seconds=1)
    assert not container.check_clean()


@pytest.mark.parametrize("late", [frame(STDOUT, b"x"), frames_of_run(), frame(TEST, b"")])
def test_anything_before_ready_is_a_lost_run(pair: Pair, late: bytes) -> None:
    container = reused(pair)
    with answering(pair[1], late + frame(READY, b"") + frames_of_run(frames_before=3)), pytest.raises(RunLost):
        container.run("", "", None, timeout_seconds=1)


@wall("spotless")
@pytest.mark.parametrize(
    ("pieces", "changes"),
    [
        ([], {"status": "timeout"}),
        ([], {"status": "memory_limit"}),
        ([], {"status": "output_limit"}),
        ([], {"status": "error", "exit_code": None, "signal_number": 9}),
        ([], {"truncated": True}),
        ([frame(FLAG, b"network_attempt")], {}),
        ([frame(protocol.IMAGE, protocol.IMAGE_DROPPED)], {}),
    ],
    ids=["timeout", "memory", "flood", "signal", "truncated", "flag", "image dropped"],
)
def test_unusual_end_burns_the_container(pair: Pair, pieces: list[bytes], changes: dict[str, Any]) -> None:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frames_of_run(*pieces, **changes) + frame(READY, b""), is_all=False):
        container.run("", "", None, timeout_seconds=1)
    assert not container.check_clean()


@wall("spotless")
@pytest.mark.parametrize("test", [TestProgram(hidden=True), TestProgram(code="1", hidden=True)])
def test_hidden_test_burns_the_container(pair: Pair, test: TestProgram) -> None:
    """What it leaves in the kernel's counters would reach a run that shows its output."""
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frames_of_run() + frame(READY, b""), is_all=False):
        container.run("", "", test, timeout_seconds=1)
    assert not container.check_clean()


def test_failed_program_burns_nothing(pair: Pair) -> None:
    container = Container("code_exec_test", "id", pair[0], lambda _: Cause.OTHER)
    with answering(pair[1], frames_of_run(status="error", exit_code=1) + frame(READY, b""), is_all=False):
        container.run("", "", None, timeout_seconds=1)
    assert container.check_clean()
