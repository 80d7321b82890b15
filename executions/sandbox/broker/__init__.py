"""The broker: stands between the service and the engine's socket, and lets only the service's own calls through."""
