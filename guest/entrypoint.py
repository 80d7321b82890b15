"""The image's /opt/sandbox/main.py: no file but this one adds its directory to the path."""

import sys

sys.path.insert(0, "/opt/sandbox")

import guest.started  # noqa: F401 (before ours load anything)
from guest.supervisor.main import main

main()
