"""The platform's own app: it registers the system checks."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Checks and nothing else; no tables."""

    name = "tieback"
    label = "platform"

    def ready(self) -> None:
        """Register the checks between settings."""
        from tieback import checks  # noqa: F401
