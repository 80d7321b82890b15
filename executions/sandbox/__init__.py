"""Runs untrusted programs in warm, limited Docker containers. Imports no Django."""
