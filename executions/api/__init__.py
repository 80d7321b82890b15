"""The HTTP side: views, request and response schemas, events, health."""
