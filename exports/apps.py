"""App of everything that leaves the system as a file."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Exports: packs, manifests, signed downloads."""

    name = "exports"
    default_auto_field = "django.db.models.BigAutoField"
