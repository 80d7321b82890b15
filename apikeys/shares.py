"""Who a request counts for, and how much of what all callers of a key share one of them may have.

A fixed share would stop a class behind one router, or let a few addresses take everything. So it is a part of what the
others leave: an address alone may have half, two have a third each, and as much is left for the next, unless the limit
is too small to divide (docs/decisions/0027-shares.md).
"""

from collections.abc import Mapping, Sequence

from apikeys.models import ApiKey
from web.connection import address_block

ADDRESS, LEARNER, CLAIMED = "address", "learner", "claimed"
"""The kinds of callers: an address, a learner that a server or a token names, and one that only a page names."""

PARTS = {ADDRESS: 1 / 2, LEARNER: 1 / 8, CLAIMED: 1 / 8}
"""The part of what the others leave that each kind of caller may have."""


def names_of(learner: str, address: str | None, *, is_proven: bool) -> tuple[str, ...]:
    """Return the names that a request counts under, the widest first.

    A page can claim to be another learner with each request. So a claimed learner counts in addition to the address and
    within it: the name saves a class from one of its pupils, and changing it gains nothing.
    """
    if learner and is_proven:
        return (f"{LEARNER}:{learner}",)
    block = address_block(address) if address else "unknown"
    return (f"{ADDRESS}:{block}", f"{CLAIMED}:{block} {learner}") if learner else (f"{ADDRESS}:{block}",)


def kind_of(name: str) -> str:
    """Return the kind of caller that a name stands for."""
    return name.partition(":")[0]


def share(name: str, limit: float, others: float, least: float = 0, parts: Mapping[str, float] = PARTS) -> float:
    """Return how much of `limit` the caller may have while the others have `others` of it; never less than `least`."""
    return max(least, (limit - others) * parts[kind_of(name)])


def share_of_count(name: str, limit: int, others: int, undivided: int) -> int:
    """Return the same for what is counted, at least one. A limit up to `undivided` is too small to be shared out."""
    return limit if limit <= undivided else int(share(name, limit, others, 1))


def speaks_for_all(key: ApiKey, names: Sequence[str]) -> bool:
    """Return whether the caller is a server that names no learner: the whole site, which shares with nobody."""
    return key.kind == ApiKey.Kind.SECRET and kind_of(names[0]) == ADDRESS
