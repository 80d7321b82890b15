"""The app of the keys."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """Who may call the service, and how much."""

    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        """Have changes of keys and suspensions recorded, and tell django-cors-headers about the keys' origins."""
        from auditlog.registry import auditlog
        from corsheaders.signals import check_request_enabled

        from apikeys.cors import is_origin_of_a_key
        from apikeys.models import ApiKey, Suspension

        hashes = [field.name for field in ApiKey._meta.fields if "hash" in field.name]
        auditlog.register(ApiKey, exclude_fields=[*hashes, "last_used"])
        auditlog.register(Suspension, exclude_fields=["learner"])  # nothing in the log can be erased
        check_request_enabled.connect(is_origin_of_a_key)
