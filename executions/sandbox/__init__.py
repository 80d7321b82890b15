"""Runs untrusted programs in capped Docker containers that are already warm. Imports no Django."""
