"""The rules that decide which mistake gets which hint, by the kind of error."""
