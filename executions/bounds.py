"""The bounds of a request and of its answer. docs/api.md and its pages document them."""

CODE_BYTES = 64 * 1024
INPUT_BYTES = 256 * 1024
TEST_CASES = 50
EXERCISE_CHARACTERS = 100
ERROR_CHARACTERS = 100
"""Of the kind of an error, as the pages of exercises count it."""
FILES = 20
"""Of a request, and further ones of each test case."""
FILES_BYTES = 1024 * 1024
"""Of all files of a request together."""
FILE_NAME_CHARACTERS = 100
NAME_BYTES = 200
SENTENCE_BYTES = 1000
"""Of what a teacher says to a learner about a test case."""
RULES = 20
"""Words that one test case uses, or avoids, or functions that it defines."""
WORD_BYTES = 100
MOST_PARAMETERS = 100
MOST_POINTS = 10_000
POINTS_DECIMALS = 4
MOST_TOLERANCE = 1_000_000
SHORTEST_TIMEOUT_SECONDS = 1
LONGEST_TIMEOUT_SECONDS = 10
TRACE_SECONDS = 2
"""What a traced run may take, besides the timeout."""
LONGEST_RUN_SECONDS = 2 * (LONGEST_TIMEOUT_SECONDS + TRACE_SECONDS)
"""Of a program, its test cases and its trace together, on a machine that is too busy: docs/decisions/0036-load.md."""
DEFAULT_TIMEOUT_SECONDS = 5
INPUT_TEXT_BYTES = 16 * 1024
"""Of one input to a running program; INPUT_BYTES is for all of them together."""
SHOWN_BYTES = 256 * 1024
"""Of test output, in all results of a request together."""
MESSAGE_CHARACTERS = 500
"""Of a test case's input, and of its expected output, in the message of its result."""
BATCH = 100
"""Programs of one batch."""
LONGEST_POLL_SECONDS = 30
"""How long a request may wait for an execution to end: less than a proxy waits for a response."""
MOST_POLLS = 32
"""How many requests of a process may wait at once. Each takes a thread, besides those for programs."""
WEBHOOK_CHARACTERS = 2000
"""Of the address of a webhook."""
