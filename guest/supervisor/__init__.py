"""PID 1 of a container. Loads as little as it can: every container pays for it."""
