"""The gate that the keeper opens and shuts."""

import pytest

from executions.sandbox.keeper import Gate
from executions.sandbox.results import SandboxUnavailable


def test_gate_tells_why_it_is_shut_and_nothing_while_it_is_open() -> None:
    gate = Gate()
    assert (gate.is_open, gate.reason) == (False, "starting")
    gate.open()
    gate.demand_open()
    assert (gate.is_open, gate.reason) == (True, "")
    gate.shut("a test")
    with pytest.raises(SandboxUnavailable, match="a test"):
        gate.demand_open()
    assert (gate.is_open, gate.reason) == (False, "a test")


def test_closed_gate_stays_shut_and_keeps_its_reason() -> None:
    """A keeper that has just probed, and a canary, may still want to change it."""
    gate = Gate()
    gate.open()
    gate.close()
    gate.open()
    assert not gate.is_open
    gate.shut("a test")
    assert gate.reason == "shutting down"
    with pytest.raises(SandboxUnavailable, match="shutting down"):
        gate.demand_open()
