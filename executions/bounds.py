"""The bounds of a request and of its answer. docs/api.md and its pages tell them to callers."""

CODE_BYTES = 64 * 1024
INPUT_BYTES = 256 * 1024
TEST_CASES = 50
NAME_BYTES = 200
SHORTEST_TIMEOUT_SECONDS = 1
LONGEST_TIMEOUT_SECONDS = 10
DEFAULT_TIMEOUT_SECONDS = 5
INPUT_TEXT_BYTES = 16 * 1024
"""Of one answer to a program that runs; INPUT_BYTES are for all together."""
SHOWN_BYTES = 256 * 1024
"""Of what the tests of a request have printed, in all of their results together."""
MESSAGE_CHARACTERS = 500
"""Of a test's input, and of its expected output, in the message of its result."""
