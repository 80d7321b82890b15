"""The messages between web processes and workers: nothing is lost or made up on the way."""

import zlib
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.cluster.messages import (
    LETTERS,
    MOST_BYTES,
    ORDERS,
    VERSION,
    Failed,
    Finished,
    Input,
    Letter,
    Malformed,
    Order,
    Taken,
    pack,
    unpack,
)
from executions.sandbox.console import Asked, Began, Drawn, Ended, Printed, Shown
from executions.sandbox.results import (
    ErrorDetail,
    ErrorInFile,
    File,
    Flag,
    Hint,
    Image,
    MethodResult,
    NotCollected,
    Outcome,
    Party,
    Reason,
    Run,
    RunLost,
    RunStatus,
    SandboxBusy,
    SandboxUnavailable,
    Submission,
    TestProgram,
)
from executions.sandbox.steps import Frame, Step, Trace
from executions.sandbox.strokes import Stroke

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
IN_FILES = st.builds(ErrorInFile, TEXTS, st.integers(1, 9), st.none() | st.integers(1, 9), st.none(), TEXTS)
RUNS = st.builds(
    Run,
    status=st.sampled_from(RunStatus),
    stdout=TEXTS,
    stderr=TEXTS,
    signal=st.none() | st.just("SIGKILL"),
    wall_seconds=st.floats(0, 100),
    flags=st.frozensets(st.sampled_from(Flag)),
    bases=st.lists(TEXTS, max_size=3).map(tuple),
    detail=st.none() | st.builds(ErrorDetail, TEXTS, TEXTS, st.none() | st.integers(1, 9), file=st.none() | IN_FILES),
    hint=st.none() | st.builds(Hint, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)),
    position=st.none() | st.builds(ErrorDetail, TEXTS, TEXTS, st.none() | st.integers(1, 9)),
    returned=st.none() | TEXTS,
    uses=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=2).map(tuple),
    methods=st.lists(st.builds(MethodResult, TEXTS, st.booleans(), TEXTS), max_size=2).map(tuple),
    images=st.lists(st.builds(Image, st.binary(), st.integers(1, 9), st.integers(1, 9)), max_size=2).map(tuple),
    collected=st.lists(st.builds(File, TEXTS, st.binary()), max_size=2).map(tuple),
    not_collected=st.lists(st.builds(NotCollected, TEXTS, st.sampled_from(Reason)), max_size=2).map(tuple),
)
FRAMES = st.builds(Frame, TEXTS, TEXTS, st.integers(1, 9), st.dictionaries(TEXTS, TEXTS, max_size=2))
STEPS = st.builds(Step, TEXTS, st.integers(1, 9), st.none() | TEXTS, stack=st.lists(FRAMES, max_size=2).map(tuple))
TRACES = st.builds(Trace, st.lists(STEPS, max_size=2).map(tuple), st.none() | TEXTS, TEXTS)
OUTCOMES = st.builds(
    Outcome,
    RUNS,
    st.lists(RUNS, max_size=3).map(tuple),
    st.floats(0, 100),
    traced=st.none() | RUNS,
    trace=st.none() | TRACES,
)
FILES = st.lists(st.builds(File, TEXTS, st.binary()), max_size=2).map(tuple)
PROGRAMS = st.builds(
    TestProgram,
    code=TEXTS,
    input=TEXTS,
    stdin=st.none() | TEXTS,
    hidden=st.booleans(),
    files=FILES,
    unittest=TEXTS,
    doctest=st.booleans(),
)
SUBMISSIONS = st.builds(
    Submission,
    code=TEXTS,
    stdin=TEXTS,
    tests=st.lists(PROGRAMS, max_size=3).map(tuple),
    timeout_seconds=st.floats(1, 10),
    party=st.builds(Party, TEXTS, TEXTS, TEXTS),
    files=FILES,
    trace_seconds=st.floats(0, 2),
    collect=st.lists(TEXTS, max_size=2).map(tuple),
)


@given(OUTCOMES)
def test_outcome_arrives_unchanged(outcome: Outcome) -> None:
    assert unpack(pack(Finished(outcome)), LETTERS) == Finished(outcome)


@given(SUBMISSIONS)
def test_submission_arrives_unchanged(submission: Submission) -> None:
    order = Order("web", submission)
    assert unpack(pack(order), ORDERS) == order


@pytest.mark.parametrize(
    "letter",
    [
        Began(),
        Printed("stdout", "x\0é😀"),
        Asked(),
        Ended(Run(RunStatus.SUCCESS)),
        Shown(Image(bytes(range(256)), 1, 2)),
        Drawn((Stroke("text", "#ff0000", 1.5, (1, -2.5), "é😀", "center"),)),
        Taken(False, is_too_much=True),
        Input("web", uuid4(), (uuid4(), None, True), "text", is_end=True),
    ],
)
def test_letter_arrives_unchanged(letter: Letter) -> None:
    assert unpack(pack(letter), LETTERS) == letter


@pytest.mark.parametrize("error", [SandboxBusy("full"), SandboxUnavailable("no engine"), RunLost("gone")])
def test_error_is_raised_as_the_same_error(error: Exception) -> None:
    raised = unpack(pack(Failed.of(error)), LETTERS)  # type: ignore[arg-type]
    assert isinstance(raised, Failed)
    assert (type(raised.to_error()), str(raised.to_error())) == (type(error), str(error))


def test_unknown_error_means_that_the_run_is_lost() -> None:
    assert isinstance(Failed("SystemExit", "").to_error(), RunLost)


def test_what_a_program_prints_is_compressed() -> None:
    runs = Run(RunStatus.SUCCESS, stdout="\0" * 65536, stderr="\x1b" * 65536)
    packed = pack(Finished(Outcome(runs, (runs,) * 50, 0.0)))
    assert len(packed) < 500_000
    assert unpack(packed, LETTERS) == Finished(Outcome(runs, (runs,) * 50, 0.0))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        bytes((VERSION,)),
        bytes((VERSION, 0)) + b"{",
        bytes((VERSION, 1)) + b"no zlib",
        bytes((VERSION, 0)) + b'{"type":"finished"}',
        bytes((VERSION, 0)) + b'{"type":"unheard_of"}',
        bytes((VERSION + 1,)) + pack(Taken(True))[1:],
    ],
)
def test_anything_else_is_malformed(packed: bytes) -> None:
    with pytest.raises(Malformed):
        unpack(packed, LETTERS)


def test_message_one_byte_too_long_is_not_sent() -> None:
    room = MOST_BYTES - len(msgspec.json.encode(Printed("stdout", "")))
    longest = Printed("stdout", "x" * room)
    assert unpack(pack(longest), LETTERS) == longest
    with pytest.raises(Malformed):
        pack(Printed("stdout", "x" * (room + 1)))


def test_compressed_message_that_would_be_too_long_is_malformed() -> None:
    bomb = zlib.compress(b" " * (MOST_BYTES + 1), 1)
    with pytest.raises(Malformed):
        unpack(bytes((VERSION, 1)) + bomb, LETTERS)
