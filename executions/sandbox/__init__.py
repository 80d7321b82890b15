"""Runs strangers' programs in capped, already warm Docker containers. Imports no Django."""
