"""The records of executions: written, finished, flagged, searched, deleted."""
