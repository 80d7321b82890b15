"""The playground as a Django app: it has static files."""

from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    """Its views need no models."""

    name = "playground"
