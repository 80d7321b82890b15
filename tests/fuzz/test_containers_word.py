"""Any data from a container gives either a valid run or an error."""

import contextlib
import json
import math
import socket
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.sandbox.container.container import Container
from executions.sandbox.container.received_methods import read_methods
from executions.sandbox.container.stream import Frame, FrameStream, StreamEnded
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.results import RunLost, RunStatus
from executions.sandbox.timing import Deadline
from guest import protocol, reports
from tests.sandbox.answering import answering, multiplexed

FRAMES = st.lists(st.tuples(st.sampled_from(protocol.KINDS), st.binary(max_size=200)), max_size=8)
ALMOST = st.tuples(st.integers(0, 3), st.just(b"\0\0\0"), st.binary(max_size=60)).map(
    lambda parts: bytes([parts[0]]) + parts[1] + len(parts[2]).to_bytes(4, "big") + parts[2]
)
ANYTHING = st.binary(max_size=300) | st.lists(ALMOST | st.binary(max_size=12), max_size=8).map(b"".join)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def received(sent: list[bytes]) -> tuple[list[Frame], str]:
    """Return the frames received from these pieces, and the error that ends them."""
    ours, theirs = socket.socketpair()
    frames = []
    with theirs, contextlib.closing(FrameStream(ours)) as stream:
        for piece in sent:
            theirs.sendall(piece)
        theirs.shutdown(socket.SHUT_WR)
        while True:
            try:
                frames.append(stream.receive(Deadline.after(5)))
            except StreamEnded as error:
                return frames, str(error)


@given(ANYTHING, st.lists(st.integers(0, 1000), max_size=5))
def test_any_bytes_become_the_same_frames_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    whole, end = received([data])
    assert received(pieces(data, cuts)) == (whole, end)
    assert all(kind in protocol.KINDS and len(body) <= protocol.MAX_BODY_BYTES for kind, body in whole)


@given(FRAMES, st.lists(st.integers(0, 2000), max_size=6), st.lists(st.integers(0, 2000), max_size=6))
def test_sent_frames_are_received(frames: list[Frame], cuts: list[int], more_cuts: list[int]) -> None:
    data = b"".join(protocol.pack_frame(kind, body) for kind, body in frames)
    sent = b"".join(multiplexed(piece) for piece in pieces(data, cuts))
    assert received(pieces(sent, more_cuts)) == (frames, "output ended; stderr: ''")


@given(FRAMES.map(lambda frames: b"".join(protocol.pack_frame(*frame) for frame in frames)), st.integers(1, 2000))
def test_truncated_frame_is_never_received(data: bytes, missing: int) -> None:
    cut = data[: max(0, len(data) - missing)]
    frames, _ = received([multiplexed(cut)])
    assert len(b"".join(protocol.pack_frame(*frame) for frame in frames)) <= len(cut)


def test_silent_connection_gives_no_frame() -> None:
    ours, theirs = socket.socketpair()
    with theirs, contextlib.closing(FrameStream(ours)) as stream, pytest.raises(TimeoutError):
        stream.receive(Deadline.after(0.01))


# The content of frames

NUMBERS = st.floats() | st.floats(0, 1)
RESULTS = st.one_of(
    st.binary(max_size=40),
    st.binary(min_size=29, max_size=29),
    st.builds(
        lambda *values: struct.Struct("!BhBddQ?").pack(*values),
        st.integers(0, 6),
        st.integers(-3, 300),
        st.integers(0, 255),
        NUMBERS,
        NUMBERS,
        st.integers(0, 2**64 - 1) | st.integers(0, 10**6),
        st.booleans(),
    ),
)
"""Without the number of frames before the result, which the test adds."""


@given(FRAMES, RESULTS)
def test_impossible_numbers_of_a_run_are_refused(frames: list[Frame], result: bytes) -> None:
    ours, theirs = socket.socketpair()
    said = [frame for frame in frames if frame[0] != protocol.RESULT]
    with theirs, contextlib.closing(FrameStream(ours)) as stream:
        container = Container("code_exec_test", "id", stream, lambda _: Cause.OTHER)
        frames = [*said, (protocol.RESULT, result + struct.pack("!I", len(said)))]
        try:
            with answering(theirs, b"".join(multiplexed(protocol.pack_frame(*each)) for each in frames)):
                run = container.run("", "", None, timeout_seconds=1)
        except RunLost:
            assert not container.is_usable
            return
    assert run.status in RunStatus
    assert run.status is not RunStatus.NOT_RUN
    assert run.exit_code is None or 0 <= run.exit_code <= 255
    assert run.signal is None or run.signal.startswith("SIG")
    assert 0 <= run.wall_seconds < 60
    assert 0 <= run.cpu_seconds <= 3600
    assert 0 <= run.memory_peak_kb < 2**31
    assert all(map(math.isfinite, (run.wall_seconds, run.cpu_seconds)))
    for text in (run.stdout, run.stderr):
        assert "\0" not in text
        assert len(text) <= protocol.STREAM_KEPT_BYTES
        json.dumps(text).encode()


# The other direction: data for the supervisor

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


FILES = st.lists(st.tuples(TEXT.map(lambda text: text[:50]), st.binary()), max_size=20)


@given(st.sampled_from(range(6)), TEXT, st.integers(0, protocol.IMAGES), FILES)
def test_written_task_is_read_back_unchanged(
    kind: int, code: str, most_images: int, files: list[tuple[str, bytes]]
) -> None:
    frame = protocol.pack_task(kind, code, most_images, files)
    frame_kind, length = protocol.unpack_prefix(frame, longest_bytes=2**32)
    body = frame[protocol.PREFIX.size :]
    assert (frame_kind, length) == (protocol.TASK, len(body))
    *others, found = protocol.unpack_task(body)
    assert others == [kind, code, most_images]
    assert isinstance(found, list)
    assert [(name, bytes(content)) for name, content in found] == files


@given(st.binary(min_size=5, max_size=5) | st.builds(protocol.PREFIX.pack, st.integers(0, 17), st.integers(0, 70_000)))
def test_prefix_is_read_or_refused(prefix: bytes) -> None:
    try:
        kind, length = protocol.unpack_prefix(prefix)
    except protocol.ProtocolError:
        return
    assert kind in protocol.KINDS
    assert length <= protocol.MAX_BODY_BYTES


METHODS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.text("ab\0é", max_size=3)), max_size=12).map(
    lambda parts: b"".join(reports.pack_method(*part) for part in parts)
)


def reported(*ends: tuple[str, str | None]) -> bytes:
    """Return the report of methods with these names and messages; without a message, a method has passed."""
    names = [reports.pack_method(number, reports.METHOD_IS, name) for number, (name, _) in enumerate(ends)]
    others = []
    for number, (_, message) in enumerate(ends):
        end = reports.METHOD_PASSED if message is None else reports.METHOD_FAILED
        others += [
            reports.pack_method(number, reports.METHOD_BEGAN),
            reports.pack_method(number, end, message or ""),
        ]
    return b"".join([*names, *others])


@given(METHODS | st.binary(max_size=60))
def test_any_report_of_methods_gives_results_or_none(report: bytes) -> None:
    methods = read_methods(report)
    assert len(methods) <= reports.METHODS
    assert all("\0" not in method.name + method.message for method in methods)
    json.dumps([(method.name, method.message) for method in methods]).encode()


@given(METHODS | st.binary(max_size=60))
def test_deny_a_pass_to_whatever_stands_before_or_after_a_report(other: bytes) -> None:
    """Two methods, of which one has failed: nothing that a program adds lets both pass."""
    report = reported(("a", None), ("b", "1 != 2"))
    for forged in (other + report, report + other):
        methods = read_methods(forged)
        assert not methods or not all(method.passed for method in methods)


@given(st.lists(st.tuples(st.text("ab", min_size=1), st.none() | st.text("xy")), max_size=5))
def test_report_of_methods_is_read_as_it_was_written(ends: list[tuple[str, str | None]]) -> None:
    assert [(method.name, method.passed, method.message) for method in read_methods(reported(*ends))] == [
        (name, message is None, message or "") for name, message in ends
    ]


def test_methods_that_did_not_run_or_end_say_so() -> None:
    names = b"".join(reports.pack_method(number, reports.METHOD_IS, "abc"[number]) for number in range(3))
    began = b"".join(reports.pack_method(*each) for each in ((0, reports.METHOD_BEGAN), (0, reports.METHOD_PASSED)))
    methods = read_methods(names + began + reports.pack_method(1, reports.METHOD_BEGAN))
    assert [(method.passed, method.message) for method in methods] == [
        (True, ""),
        (False, "did not end"),
        (False, "not run"),
    ]
