"""The process that runs a learner's program."""
