"""App of the public plane: codes in, passports out."""

from django.apps import AppConfig
from django.conf import settings

from tieback.brands.setting_rules import add_rule


class ResolverConfig(AppConfig):
    """Resolver: lookup, activation, the passport page."""

    name = "resolver"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Log no reader, where readers are; elsewhere, say what codes ask of a brand's settings."""
        if settings.TIEBACK_PLANE == "resolver":
            from resolver.request_logs import leave_readers_out

            leave_readers_out()
            return
        from resolver.brand_rules import refuse_linked_host, refuse_unknown_language

        add_rule("resolver_host", refuse_linked_host)
        add_rule("default_locale", refuse_unknown_language)
