"""The app of the executions."""

from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    """What was run."""

    name = "executions"
