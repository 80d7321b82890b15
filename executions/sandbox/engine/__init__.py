"""The Docker Engine: its calls, what it is asked for, and what it leaves behind."""
