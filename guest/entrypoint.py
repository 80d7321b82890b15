"""The image's /opt/sandbox/__main__.py. `python3 -s -P /opt/sandbox` puts only that directory on the path."""

from guest.supervisor.main import main

main()
