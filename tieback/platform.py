"""The platform's own app: it registers the system checks and makes Celery's application known."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """No tables."""

    name = "tieback"
    label = "platform"

    def ready(self) -> None:
        """Register the checks between settings, and the Celery app that doorbells go through."""
        from tieback import celery, checks  # noqa: F401
