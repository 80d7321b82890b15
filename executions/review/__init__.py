"""Executions as staff review them in the admin."""
