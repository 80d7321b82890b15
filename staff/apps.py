"""The app of the staff."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Who looks after the service: accounts, groups, and the second factor of their logins."""

    name = "staff"
