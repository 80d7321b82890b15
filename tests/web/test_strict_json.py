"""What the decoder of bodies refuses, and how much memory it takes."""

import json
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import ClassVar

import pytest
from django.conf import settings

from web.strict_json import DECODED_AT_ONCE, decode

LONGEST = settings.LONGEST_BODY_BYTES
MOST_BYTES_FOR_A_BYTE = 9


def filled(begin: str, piece: Callable[[int], str], end: str) -> Callable[[], bytes]:
    """Return a function that makes a body of almost the longest size: many pieces between `begin` and `end`."""

    def make() -> bytes:
        room = LONGEST - len(begin) - len(end) - 5_000
        pieces: list[str] = []
        for number in count():
            pieces.append(piece(number))
            room -= len(pieces[-1].encode()) + 1
            if room < 0:
                break
        return f"{begin}{','.join(pieces)}{end}".encode()

    return make  # each process of a test run collects all tests, and runs few


CASES = '{"code":"1","test_cases":['
BOMBS = {
    "objects": filled(CASES, lambda _: "{}", "]}"),
    "lists": filled(CASES, lambda _: "[]", "]}"),
    "lists in a list": filled(CASES + "[", lambda _: "[]", "]]}"),
    "lists at the top": filled("[", lambda _: "[]", "]"),
    "objects in objects": filled(CASES, lambda number: f'{{"{number}":{{"{number}":[]}}}}', "]}"),
    "objects with a name": filled(CASES, lambda number: f'{{"{number}":0}}', "]}"),
    "names": filled("{", lambda number: f'"{number}":0', "}"),
    "names in a test case": filled(CASES + "{", lambda number: f'"{number}":0', "}]}"),
    "short lists": filled(CASES, lambda _: "[" + ",".join(["{}"] * 900) + "]", "]}"),
    "strings": filled(CASES, lambda _: '"ab"', "]}"),
    "strings with escapes": filled(CASES, lambda _: r'"\"\\"', "]}"),
    "objects after an escaped quote": filled('{"code":"\\"[","test_cases":[', lambda _: "{}", "]}"),
}
LARGE = {
    "zeros": filled(CASES, lambda _: "0", "]}"),
    "floats": filled(CASES, lambda _: "1e11", "]}"),
    "a string in four bytes a character": filled('{"code":"🐍', lambda _: "x" * 1000, '"}'),
    "brackets in a string": filled('{"code":"', lambda _: "[{},[", '"}'),
    "quotes never closed": filled('{"code":"', lambda _: r"[\"", ""),
}


def peak_bytes(body: bytes) -> int:
    tracemalloc.start()
    try:
        decode(body)
    except ValueError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


@pytest.mark.wall("few_values")
@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_bounded_by_the_size_of_a_bomb(name: str) -> None:
    body = BOMBS[name]()
    assert LONGEST * 0.9 < len(body) <= LONGEST
    assert peak_bytes(body) < MOST_BYTES_FOR_A_BYTE * len(body)


@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded_by_the_size_of_other_bodies(name: str) -> None:
    body = LARGE[name]()
    assert LONGEST * 0.9 < len(body) <= LONGEST
    assert peak_bytes(body) < MOST_BYTES_FOR_A_BYTE * len(body)


class WatchedBody(bytes):
    """Counts how many of its kind are being decoded."""

    at_once: ClassVar[list[int]] = []
    running: ClassVar[list[None]] = []

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        self.running.append(None)
        self.at_once.append(len(self.running))
        time.sleep(0.01)
        self.running.pop()
        return super().decode(encoding, errors)


@pytest.mark.wall("few_bodies_at_once")
def test_only_two_bodies_are_decoded_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decode, [WatchedBody(b"{}")] * 40))
    assert max(WatchedBody.at_once) == DECODED_AT_ONCE == 2


@pytest.mark.parametrize("length", [1_000, 1_001, 20_000])
@pytest.mark.parametrize("item", ["0", "{}", "[]", '{"x": 0}', ' { "a,[" : "]}\\"" } ', "1e9"])
def test_length_of_a_long_list_is_kept(length: int, item: str) -> None:
    assert len(decode(f'{{"a": [{",".join([item] * length)}]}}'.encode())["a"]) == length


def test_text_that_looks_like_a_long_list_is_kept() -> None:
    code = f"print({[{}] * 2_000!r})"
    body = json.dumps({"code": code, "test_cases": [{}] * 20_000}).encode()
    assert decode(body)["code"] == code


@pytest.mark.wall("few_values")
def test_many_values_are_refused() -> None:
    few: dict[str, object] = {str(number): {} for number in range(8_000)}
    assert decode(json.dumps({"a": few}).encode()) == {"a": few}
    with pytest.raises(ValueError, match=r"^it has too many values$"):
        decode(json.dumps({"a": few, "b": few}).encode())


@pytest.mark.wall("few_values")
def test_numbers_that_end_in_zero_count_as_values() -> None:
    """Only a run of zeros counts as one."""
    with pytest.raises(ValueError, match=r"^it has too many values$"):
        decode(json.dumps({str(number): [10] * 900 for number in range(40)}).encode())


@pytest.mark.wall("few_values")
@pytest.mark.parametrize("string", [r'""', r'"\""', r'"\\"', r'"\\\""', r'"\\\\"', r'"[{,\"[{,"'])
def test_escapes_hide_no_values(string: str) -> None:
    items = [f'"{number}":[{string},{{}},{{}},{{}}]' for number in range(4_000)]
    few = f"{{{','.join(items[:1_000])}}}"
    assert decode(few.encode()) == json.loads(few)
    with pytest.raises(ValueError, match=r"^it has too many values$"):
        decode(f"{{{','.join(items)}}}".encode())
