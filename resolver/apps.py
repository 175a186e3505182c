"""App of the public plane: codes in, passports out."""

from django.apps import AppConfig
from django.conf import settings


class ResolverConfig(AppConfig):
    """Resolver: lookup, activation, the passport page."""

    name = "resolver"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Log no reader, where readers are."""
        if settings.TIEBACK_PLANE == "resolver":
            from resolver.request_logs import leave_readers_out

            leave_readers_out()
