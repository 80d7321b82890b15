"""The app of the keys."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """Who may call the service, and how much."""

    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        """Tell django-cors-headers about the origins of the keys, in the one way that it offers."""
        from corsheaders.signals import check_request_enabled

        from apikeys.cors import is_origin_of_a_key

        check_request_enabled.connect(is_origin_of_a_key)
