"""App of the public plane: codes in, passports out."""

from django.apps import AppConfig


class ResolverConfig(AppConfig):
    """Resolver: lookup, activation, the passport page."""

    name = "resolver"
    default_auto_field = "django.db.models.BigAutoField"
