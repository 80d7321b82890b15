"""The image's /opt/sandbox/__main__.py. `python3 -I /opt/sandbox` puts only that directory on the path."""

from guest.supervisor.main import main

main()
