"""A worker whose sandbox has few probes: `python -m tests.run_worker`."""

from codeexec.run_worker import main
from tests.sandbox.probing import FEW_PROBES

if __name__ == "__main__":
    main(FEW_PROBES)
