"""What Python itself had loaded before any module of ours: what a program cannot replace by a file of its own.

guest/entrypoint.py imports this first.
"""

import sys

LOADED_BY_PYTHON = frozenset(sys.modules)
