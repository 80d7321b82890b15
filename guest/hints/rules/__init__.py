"""Which mistake gets which hint."""
