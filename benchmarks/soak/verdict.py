"""The result of a soak: its figures and faults."""

import json
from collections import Counter

from benchmarks.soak.course import Course, plain
from benchmarks.soak.growth import STEADY_KB, Footprint, rise, traces_of

EXAMPLES = 20
MOST_LATE = 0.01
"""The share of honest programs that may time out, because the machine may be busy."""

MOST_REFUSED = 0.02
"""The share of programs that may be refused because the line was full or did not move in time."""

KEPT_KB, KEPT_KB_AT_LEAST = 64, 20_000
"""The average size of an execution on disk: its program, input and output, index entries and log lines."""

SHOWN_SAMPLES = 20


def show(course: Course) -> None:
    """Print the figures."""
    tally, records = course.tally, Counter(course.on_record.values())
    print(f"capacity {course.capacity:.1f} requests/s of this mix")
    print(f"requests {tally.sent.total()}: " + _counts(tally.sent))
    print(f"executions {len(course.on_record)}: " + _counts(records))
    print(f"in a container that had served before {course.reused}, with output of another program {len(course.strays)}")
    print(f"refused {tally.refused}, out of time {tally.late}")
    print(f"wrong verdicts {len(tally.wrong)}, internal errors {len(tally.internal) + records['internal_error']}")
    errors = errors_in(course.log)
    print(f"containers seen {len(course.seen)}, orphans {len(course.orphans)}, errors in the log {len(errors)}")
    print(f"\n{'':14}{'before':>10}{'most':>10}{'after':>10}")
    for name in Footprint.__slots__:
        figures = (getattr(each, name) for each in (course.before, course.peaks.most, course.after))
        print(f"{name:14}" + "".join(f"{figure:10}" for figure in figures))
    samples = course.peaks.memory_kb
    print(f"the peaks of the memory rise by {rise(samples):.0f} kB after the warm-up")
    print("memory, MB: " + " ".join(str(kb // 1024) for kb in samples[:: len(samples) // SHOWN_SAMPLES or 1]))


def faults(course: Course) -> list[str]:
    """Return a line for each fault."""
    tally = course.tally
    statuses = Counter(course.on_record.values())
    return [
        *(f"wrong: {each}" for each in tally.wrong[:EXAMPLES]),
        *(f"internal: {each}" for each in tally.internal[:EXAMPLES]),
        *(f"on record: {statuses[status]} {status}" for status in ("internal_error", "running") if statuses[status]),
        *(f"stray: {each}" for each in course.strays[:EXAMPLES]),
        *_lost(course),
        *(f"orphan: {each}" for each in course.orphans),
        *(f"left: {each}" for each in traces_of(course.seen)),
        *course.after.growth_since(course.before),
        *_steady_growth(course),
        *(f"log: {line[:500]}" for line in errors_in(course.log)[:EXAMPLES]),
        *(["the log has a traceback"] if "Traceback" in course.log else []),
        *(["too many were out of time"] if tally.late > tally.honest * MOST_LATE else []),
        *(["too many were refused"] if tally.refused > (tally.refused + len(tally.statuses)) * MOST_REFUSED else []),
    ]


def errors_in(log: str) -> list[str]:
    """Return the log lines about our own errors. The clients count failed requests themselves."""
    return [line for line in log.splitlines() if _is_fault(line)]


def _is_fault(line: str) -> bool:
    """Return whether a line is a log entry (docs/operations.md) about an error."""
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return entry["level"] in ("error", "critical") and entry["event"] != "request_finished"


def _steady_growth(course: Course) -> list[str]:
    grown = []
    if (risen := rise(course.peaks.memory_kb)) > STEADY_KB:
        grown.append(f"memory: its peaks rise by {risen:.0f} kB")
    if (written := course.after.disk_kb - course.before.disk_kb) > course.executions * KEPT_KB + KEPT_KB_AT_LEAST:
        grown.append(f"disk: {written} kB for {course.executions} executions")
    return grown


def _lost(course: Course) -> list[str]:
    """Return the answered executions that are not recorded with the same status."""
    found = [
        f"answered {status}, on record {course.on_record.get(plain(each))}: {each}"
        for each, status in course.tally.statuses.items()
        if course.on_record.get(plain(each)) != status
    ]
    return found[:EXAMPLES]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
