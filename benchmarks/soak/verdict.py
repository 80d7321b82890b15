"""What a soak has shown: the figures, and what is not as it must be."""

from collections import Counter

from benchmarks.soak.course import Course, plain
from benchmarks.soak.growth import Footprint, traces_of

EXAMPLES = 20
MOST_LATE = 0.01
"""The share of honest programs that may run out of time: a machine may have other work."""

SHOWN_SAMPLES = 20


def show(course: Course) -> None:
    """Print the figures."""
    tally, records = course.tally, Counter(course.on_record.values())
    refusals = "event='request_finished'"  # each has a line of its own, counted already
    errors = [line for line in course.log.splitlines() if "level='error'" in line and refusals not in line]
    print(f"capacity {course.capacity:.1f} requests/s of this mix")
    print(f"requests {tally.sent.total()}: " + _counts(tally.sent))
    print(f"executions {len(course.on_record)}: " + _counts(records))
    print(f"refused {tally.refused}, out of time {tally.late}")
    print(f"wrong verdicts {len(tally.wrong)}, internal errors {len(tally.internal) + records['internal_error']}")
    print(f"containers seen {len(course.seen)}, orphans {len(course.orphans)}, errors in the log {len(errors)}")
    print(f"\n{'':14}{'before':>10}{'most':>10}{'after':>10}")
    for name in Footprint.__slots__:
        figures = (getattr(each, name) for each in (course.before, course.peaks.most, course.after))
        print(f"{name:14}" + "".join(f"{figure:10}" for figure in figures))
    samples = course.peaks.memory_kb
    print("memory, MB: " + " ".join(str(kb // 1024) for kb in samples[:: len(samples) // SHOWN_SAMPLES or 1]))


def faults(course: Course) -> list[str]:
    """Return what is not as it must be."""
    tally = course.tally
    statuses = Counter(course.on_record.values())
    return [
        *(f"wrong: {each}" for each in tally.wrong[:EXAMPLES]),
        *(f"internal: {each}" for each in tally.internal[:EXAMPLES]),
        *(f"on record: {statuses[status]} {status}" for status in ("internal_error", "running") if statuses[status]),
        *_lost(course),
        *(f"orphan: {each}" for each in course.orphans),
        *(f"left: {each}" for each in traces_of(course.seen)),
        *course.after.growth_since(course.before),
        *(["the log has a traceback"] if "Traceback" in course.log else []),
        *(["too many were out of time"] if tally.late > tally.sent["honest"] * MOST_LATE else []),
        *(["most programs were refused"] if tally.refused > len(tally.statuses) else []),
    ]


def _lost(course: Course) -> list[str]:
    """Return the executions that were answered and are not on record with the same status."""
    found = [
        f"answered {status}, on record {course.on_record.get(plain(each))}: {each}"
        for each, status in course.tally.statuses.items()
        if course.on_record.get(plain(each)) != status
    ]
    return found[:EXAMPLES]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
