"""The playground as a Django app, because it has static files."""

from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    """The playground. It has no models."""

    name = "playground"
