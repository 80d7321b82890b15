"""What happens in the process that a learner's program runs in."""
