"""Checks before programs run and while they do: probes, canary, disk space."""
