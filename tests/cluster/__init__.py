"""Programs on other machines: messages, Redis, and the choice of a worker."""
