#!/usr/bin/env python3
"""Runs the project's management commands."""

import os
import sys

from django.core.management import execute_from_command_line

from codeexec.env import stop_without_traceback

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
    with stop_without_traceback():
        execute_from_command_line(sys.argv)
