"""Stands in the image beside the package as __main__.py: `python3 -I DIRECTORY` puts only that on the path."""

from guest.supervisor.main import main

main()
