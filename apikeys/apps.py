"""The app of the API keys."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from apikeys.traffic import Traffic


class ApiKeysConfig(AppConfig):
    """Who may call the service, and how much."""

    name = "apikeys"
    traffic: "Traffic"
    verbose_name = "API keys"

    def ready(self) -> None:
        """Log changes of keys and suspensions, tell django-cors-headers the keys' origins, and begin to count."""
        from auditlog.registry import auditlog
        from corsheaders.signals import check_request_enabled

        from apikeys.cors import KeyOrigins
        from apikeys.models import ApiKey, Suspension
        from apikeys.traffic import Traffic

        hashes = [field.name for field in ApiKey._meta.fields if "hash" in field.name]
        auditlog.register(ApiKey, exclude_fields=[*hashes, "last_used"])
        auditlog.register(Suspension, exclude_fields=["learner"])  # entries of the log cannot be erased
        self.traffic = Traffic()
        check_request_enabled.connect(KeyOrigins().allow, weak=False)
