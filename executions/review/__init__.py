"""What staff see of executions in the admin."""
