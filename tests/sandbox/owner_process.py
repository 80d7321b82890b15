"""A process for tests to kill: runs ten endless programs and prints "running" when all have started."""

import threading
import time

from executions.sandbox.results import Submission
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from tests.sandbox.probing import FEW_PROBES

RUNS = 10


def main() -> None:
    settings = SandboxSettings(pool_size=2, max_concurrent=RUNS, queue_seconds=60)
    sandbox = Sandbox(settings, probes=FEW_PROBES)
    sandbox.start()
    sandbox.wait_until_ready(60)
    for _ in range(RUNS):
        submission = Submission("while True: pass", "", (), timeout_seconds=60)
        threading.Thread(target=sandbox.execute, args=(submission,), daemon=True).start()
    while sandbox.health().in_use < RUNS:
        time.sleep(0.05)
    print("running", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
