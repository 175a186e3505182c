"""App of brands, people, credentials and the audit trail."""

from django.apps import AppConfig


class BrandsConfig(AppConfig):
    """Brands: the tenants, who may act for them, and what was done."""

    name = "tieback.brands"
    label = "brands"
    default_auto_field = "django.db.models.BigAutoField"
