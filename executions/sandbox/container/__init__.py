"""One container and the conversation with its supervisor."""
