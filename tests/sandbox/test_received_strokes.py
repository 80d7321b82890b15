"""Strokes from a container are read, checked and limited."""

import json
from typing import Any

import pytest

from executions.sandbox.container.received_strokes import StrokeCollector, read_stroke
from executions.sandbox.strokes import Stroke
from guest import protocol

LINE = ["line", "#ff0000", 1, [0, 0, 10.5, 0], "", "left"]


def line(stroke: list[Any]) -> bytes:
    return json.dumps(stroke).encode() + b"\n"


def test_strokes_are_read_however_their_lines_are_cut() -> None:
    collector = StrokeCollector()
    data = line(LINE) * 2
    added = [collector.add(data[at : at + 1]) for at in range(len(data))]
    assert [each for each in added if each] == [(Stroke("line", "#ff0000", 1, (0, 0, 10.5, 0)),)] * 2


@pytest.mark.parametrize(
    "stroke",
    [
        [],
        ["line"],
        {"kind": "line"},
        [*LINE, 1],
        ["curve", *LINE[1:]],
        ["line", "red", *LINE[2:]],
        ["line", "#FF0000;", *LINE[2:]],
        [*LINE[:2], "1", *LINE[3:]],
        [*LINE[:2], True, *LINE[3:]],
        [*LINE[:2], float("nan"), *LINE[3:]],
        [*LINE[:3], [], *LINE[4:]],
        [*LINE[:3], [1], *LINE[4:]],
        [*LINE[:3], [1, None], *LINE[4:]],
        [*LINE[:3], [1, protocol.FARTHEST + 1], *LINE[4:]],
        [*LINE[:3], [1, float("-inf")], *LINE[4:]],
        [*LINE[:4], None, "left"],
        [*LINE[:5], "justify"],
    ],
)
def test_what_is_no_stroke_ends_the_drawing(stroke: Any) -> None:
    collector = StrokeCollector()
    assert len(collector.add(line(LINE) + line(stroke) + line(LINE))) == 1
    assert collector.add(line(LINE)) == ()


@pytest.mark.parametrize("text", [b"\xff\n", b"[" * 100_000 + b"\n", b"\0\0\0\n", b"1e999\n", b"9" * 5000 + b"\n"])
def test_what_is_no_json_ends_the_drawing(text: bytes) -> None:
    assert StrokeCollector().add(text + line(LINE)) == ()


def test_half_a_surrogate_pair_is_replaced() -> None:
    stroke = read_stroke(line(["text", "#000000", 11, [1, 2], "\ud800 tail", "center"]))
    assert stroke == Stroke("text", "#000000", 11, (1, 2), "? tail", "center")


def test_more_than_a_supervisor_sends_is_refused() -> None:
    collector = StrokeCollector()
    most = b" " * protocol.TRACE_BYTES
    assert collector.add(most) == ()
    with pytest.raises(ValueError, match="more strokes"):
        collector.add(b" ")
