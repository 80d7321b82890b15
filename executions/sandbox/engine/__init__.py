"""The Docker Engine: our calls, the container options, its events and leftover containers."""
