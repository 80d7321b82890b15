"""Webhooks: the end of an execution is sent to an address that its key may name (docs/decisions/0049-webhooks.md)."""
